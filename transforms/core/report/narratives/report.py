"""The sections of the report of a version of narratives."""

import html
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from transforms.core.model.narratives.manifest import BuildManifest
from transforms.core.model.narratives.naming import is_generated
from transforms.core.report import paper
from transforms.core.report.drawings import colours
from transforms.core.report.drawings.caption import caption_pieces, mention_rows
from transforms.core.report.drawings.drawing import clock_of, draw_narrative
from transforms.core.report.drawings.heat_map import draw_heat_map, grids
from transforms.core.report.drawings.noun_chart import (
    axis_end,
    distributions,
    draw_noun_chart,
)
from transforms.core.report.narratives import views
from transforms.core.report.page import formats, rows
from transforms.core.report.page.render import (
    Figure,
    Frame,
    Section,
    bad_lines_context,
    checks_sections,
    lines_section,
    origin_section,
    render,
    render_page,
    render_verdict,
)

CLASSES_SHOWN = 20

_LABELS = {
    "quality": "Rejected, discarded, flagged",
    "example": "One narrative",
    "richness": "Richness",
    "nouns": "Nouns",
    "localization": "Localization",
    "classes": "Classes",
}
"""Sections between those that all jobs have, in order, and what the list of sections calls them."""


def render_report(
    manifest: BuildManifest,
    tables: Mapping[str, pa.Table],
    narrative: dict | None,
    mentions: list[dict],
) -> str:
    """Renders a version's report.

    Args:
      manifest: The version's manifest.
      tables: Its statistics tables (`Job.statistics_tables`).
      narrative: A row of `narratives` to draw (see `choose_example`), or None.
      mentions: The rows of `mentions` that belong to it.

    Returns:
      An HTML document without any external resource.
    """
    generated = views.generated_splits(manifest)

    def unreal(dataset: str | None, split: str | None) -> bool:
        return (dataset, split) in generated

    reconciled = views.reconciliation(manifest)
    context = {
        "manifest": manifest,
        "paper": paper,
        "generated": generated,
        "selection": views.selection(manifest),
        "is_generated": unreal,
        **_losses(manifest),
        **_richness(tables),
        **_localization(tables),
        "example": _example(narrative, mentions),
    }
    sections = [
        _lines(manifest, reconciled, unreal),
        *checks_sections(manifest, unreal),
        *(
            Section(name, label, render(f"narratives/sections/{name}.html.j2", **context))
            for name, label in _LABELS.items()
        ),
        _origin(manifest, unreal),
    ]
    frame = Frame(
        title="Localized Narratives",
        lead="Spoken image descriptions with mouse traces, grounded word by word, matched with the "
        "boxes of their images, and every line of the input accounted for.",
        figures=_figures(manifest, reconciled, context["localization_total"]),
        warning=render("narratives/sections/warning.html.j2", **context).strip(),
        style=render("narratives/sections/style.css.j2", time_colours=_time_colours()),
        footer=f"Localized Narratives: Pont-Tuset et al., {paper.TITLE}; annotations CC BY 4.0. "
        "Images belong to their authors.",
    )
    return render_page(manifest, frame, sections)


def _time_colours() -> list[tuple[str, str]]:
    """Colours of time on light and on dark ground."""
    light, dark = (colours.time_palette(ground) for ground in (colours.ON_LIGHT, colours.ON_DARK))
    return list(zip(light, dark, strict=True))


def _figures(
    manifest: BuildManifest, reconciled: tuple[list[dict], dict], localization: dict
) -> list[Figure]:
    counts, (shards, total) = manifest.counts, reconciled
    number = formats.integer
    return [
        Figure("Narratives kept", number(counts.narratives), f"of {number(counts.lines)} lines"),
        Figure("Discarded", number(counts.discarded_narratives), "by quality"),
        Figure("Rejected", number(total["rejected"]), "bad lines"),
        Figure(
            "Class mentions",
            number(counts.mentions),
            f"{number(localization['boxed'])} with a box",
        ),
        Figure(
            "Trace points in the box",
            formats.percent(localization["share_inside"]),
            f"of {number(localization['points'])}",
        ),
        Figure(
            "Conservation law",
            render_verdict(total["verdict"]),
            formats.plural(len(shards), "shard"),
        ),
    ]


def _lines(
    manifest: BuildManifest,
    reconciled: tuple[list[dict], dict],
    unreal: Callable[[str | None, str | None], bool],
) -> Section:
    counts = views.published_counts(manifest)
    published = (
        render(
            "narratives/sections/published.html.j2",
            published_counts=counts,
            sampled=manifest.sample is not None,
            is_generated=unreal,
        )
        if counts
        else ""
    )
    return lines_section(manifest, views.parts_of(manifest), reconciled, published, unreal)


def _origin(manifest: BuildManifest, unreal: Callable[[str | None, str | None], bool]) -> Section:
    details = {
        "Annotations and transcripts": {
            "annotations": manifest.annotations,
            "transcripts": manifest.transcripts,
        },
        "Configuration": {
            "configuration": manifest.configuration,
            "threshold": manifest.threshold,
        },
    }
    return origin_section(manifest, details, unreal)


def _losses(manifest: BuildManifest) -> dict[str, Any]:
    counts = manifest.counts
    return {
        "counts": counts,
        **bad_lines_context(manifest),
        "rejected": rows.by_number(counts.rejected),
        "discarded": rows.by_number(counts.discarded),
        "flags": rows.by_number(counts.flags),
        "quality_rule": views.quality_rule(manifest),
    }


def _richness(tables: Mapping[str, pa.Table]) -> dict:
    counters = distributions(tables["noun_counts"])
    last = axis_end(list(counters.values()))
    own = tables["richness"].to_pylist()
    return {
        "richness": own,
        "has_words": any(row["words_mean"] is not None for row in own),
        "word_columns": views.measure_names(views.WORD_COLUMNS),
        "speech_columns": views.measure_names(views.SPEECH_COLUMNS),
        "noun_charts": [
            (*split, draw_noun_chart(counter, formats.split_name(*split), last))
            for split, counter in counters.items()
            if counter.total()
        ],
    }


def _localization(tables: Mapping[str, pa.Table]) -> dict:
    own = views.localization_by_split(tables["localization"])
    classes, mentioned = views.top_classes(tables["localization"], CLASSES_SHOWN)
    maps = grids(tables["localization_histogram"])
    return {
        "boxes_left_out": views.BOXES_LEFT_OUT,
        "localization": own,
        "localization_total": views.localization_total(own),
        "classes": classes,
        "classes_mentioned": mentioned,
        "heat_maps": {
            split: draw_heat_map(grid, formats.split_name(*split)) for split, grid in maps.items()
        },
    }


def _example(narrative: dict | None, mentions: list[dict]) -> dict | None:
    if narrative is None:
        return None
    clock = clock_of(narrative)
    image = {
        key: html.unescape(value) if key in ("title", "author") and value else value
        for key, value in (narrative["image"] or {}).items()
    }
    return {
        "narrative": narrative,
        "is_generated": is_generated(narrative["dataset_id"]),
        "drawing": draw_narrative(narrative, mentions),
        "pieces": caption_pieces(narrative, mentions, clock),
        "mentions": mention_rows(mentions, clock),
        "image": image if any(image.values()) else None,
        "seconds": clock.last - clock.first if clock else None,
    }
