"""The report of a version of captions: each collection beside the paper's rows of it."""

from collections.abc import Mapping

import pyarrow as pa

from transforms.core.report import paper
from transforms.core.report.captions import views
from transforms.core.report.drawings.noun_lines import COLOURS, draw_noun_lines
from transforms.core.report.page import formats, rows
from transforms.core.report.page.render import (
    Figure,
    Frame,
    Section,
    bad_lines_section,
    checks_sections,
    lines_section,
    origin_section,
    render,
    render_page,
    render_verdict,
)
from transforms.core.sources.captions.schemas import CaptionsManifest

_SECTIONS = {
    "scale": "Scale",
    "richness": "Richness",
    "nouns": "Nouns",
    "splits": "Splits and replication",
}
"""Sections between those that all jobs have, in order, and what the list of sections calls them."""

COLUMNS = {"words": "words", **{name: formats.phrase(name) for name in paper.MEAN_COLUMNS[1:]}}
"""Columns of Table 3 and their headings."""


def render_captions_report(manifest: CaptionsManifest, tables: Mapping[str, pa.Table]) -> str:
    """Renders a version's report.

    Args:
      manifest: The version's manifest.
      tables: Its statistics tables (`Job.statistics_tables`).

    Returns:
      An HTML document without any external resource.
    """
    shards, total = rows.reconciliation(manifest, views.PARTS)
    collections = views.collections(tables["richness"], tables["noun_counts"], manifest.narratives)
    context = {
        "collections": collections,
        "splits": tables["richness"].to_pylist(),
        "columns": COLUMNS,
        "paper": paper,
        "narratives": manifest.narratives,
        "chart": _chart(collections, manifest),
        "collection_name": formats.collection_name,
        "signed": _signed,
        "has_words": any(row.nouns for row in collections),
        "is_generated": None,
    }
    sections = [
        lines_section(manifest, views.PARTS, (shards, total)),
        *checks_sections(manifest),
        *(
            Section(name, label, render(f"captions/sections/{name}.html.j2", **context))
            for name, label in _SECTIONS.items()
        ),
        bad_lines_section(manifest),
        origin_section(manifest, {"Configuration": manifest.configuration}),
    ]
    frame = Frame(
        title="Captions",
        lead="Collections of captions, measured by one tagger and set beside the paper’s figures, "
        "and every record of the input accounted for.",
        figures=_figures(manifest, shards, total, collections),
        style=render("captions/sections/style.css.j2", colours=COLOURS),
        footer=f"Figures of the paper: {paper.TITLE}. Captions belong to their collections.",
    )
    return render_page(manifest, frame, sections)


def _figures(
    manifest: CaptionsManifest,
    shards: list[dict],
    total: dict,
    collections: list[views.CollectionRow],
) -> list[Figure]:
    number = formats.integer
    own = [row for row in collections if not row.source]
    images = sum(int(row.images.own or 0) for row in own)
    return [
        Figure("Captions", number(total["captions"]), f"of {number(total['lines'])} records"),
        Figure("Images", number(images), formats.plural(len(own), "collection")),
        Figure("Rejected", number(manifest.counts.bad), "bad records"),
        Figure(
            "Conservation law",
            render_verdict(total["verdict"]),
            formats.plural(len(shards), "shard"),
        ),
    ]


def _chart(collections: list[views.CollectionRow], manifest: CaptionsManifest) -> str | None:
    series = {
        f"{row.name}, {row.source}" if row.source else row.name: row.nouns
        for row in collections
        if row.nouns.total()
    }
    own = paper.LOCALIZED_NARRATIVES
    means = {} if manifest.narratives else {own.name: own.nouns}
    return draw_noun_lines(series, means) if series else None


def _signed(value: float | None, digits: int = 1) -> str:
    """A difference with its sign.

    >>> _signed(0.25), _signed(-2.0, 0), _signed(None)
    ('+0.3', '−2', '–')
    """
    if value is None:
        return formats.NOTHING
    text = formats.decimal(abs(value), digits)
    zero = formats.decimal(0, digits)
    return text if text == zero else f"{'+' if value > 0 else '−'}{text}"
