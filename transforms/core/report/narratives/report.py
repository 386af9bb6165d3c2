"""The sections of the report of a version of narratives."""

import html
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from transforms.core.model.narratives.manifest import BuildManifest
from transforms.core.model.narratives.naming import is_generated
from transforms.core.report import paper
from transforms.core.report.drawings import colours
from transforms.core.report.drawings.caption import caption_pieces, mention_rows
from transforms.core.report.drawings.distance_chart import draw_distances
from transforms.core.report.drawings.drawing import clock_of, draw_narrative
from transforms.core.report.drawings.heat_map import Split, class_grids, draw_heat_map, grids
from transforms.core.report.drawings.noun_lines import COLOURS, distributions, draw_noun_lines
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

FEW_CLASSES = 20
"""Classes that are shown before more are asked for."""

MAPPED_CLASSES = 12
"""Classes of each split that have heat maps of their own."""

_LABELS = {
    "quality": "Losses",
    "example": "One narrative",
    "richness": "Tables 2 and 3",
    "nouns": "Nouns",
    "distances": "Distance",
    "localization": "Localization",
    "classes": "Classes",
    "changes": "What changed",
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
        **_distances(manifest, tables),
        **_changes(manifest),
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
        warning=render("narratives/sections/around/warning.html.j2", **context).strip(),
        style=render(
            "narratives/sections/around/style.css.j2", time_colours=_time_colours(), colours=COLOURS
        ),
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
            "narratives/sections/around/published.html.j2",
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
    return origin_section(manifest, details, unreal, browsed=True)


def _losses(manifest: BuildManifest) -> dict[str, Any]:
    counts = manifest.counts
    return {
        "counts": counts,
        **bad_lines_context(manifest),
        "discarded": rows.by_number(counts.discarded),
        "flags": rows.by_number(counts.flags),
        "quality_rule": views.quality_rule(manifest),
    }


def _richness(tables: Mapping[str, pa.Table]) -> dict:
    own = tables["richness"].to_pylist()
    return {
        "richness": own,
        "has_words": any(row["words_mean"] is not None for row in own),
        "word_columns": views.measure_names(views.WORD_COLUMNS),
        "speech_columns": views.measure_names(views.SPEECH_COLUMNS),
        "noun_chart": _noun_chart(tables["noun_counts"]),
    }


def _noun_chart(noun_counts: pa.Table) -> str | None:
    series = {
        formats.split_name(*split): counter
        for split, counter in distributions(noun_counts).items()
        if counter.total()
    }
    return (
        draw_noun_lines(series, {row.name: row.nouns for row in paper.RICHNESS}) if series else None
    )


def _distances(manifest: BuildManifest, tables: Mapping[str, pa.Table]) -> dict:
    counts: Counter[int] = Counter()
    rows_of_d = tables["distances"].to_pylist() if "distances" in tables else ()  # older units
    for row in rows_of_d:
        counts[row["distance"]] += row["narratives"]
    total = counts.total()
    mean = sum(distance * number for distance, number in counts.items()) / total if total else None
    threshold = views.distance_threshold(manifest)
    return {
        "distances": draw_distances(counts, threshold) if total else None,
        "counted": "distances" in tables,
        "distances_total": total,
        "distances_mean": mean,
    }


def _changes(manifest: BuildManifest) -> dict:
    return {
        "changes": [views.describe_change(row) for row in manifest.changes],
        "any_change": any(row.before != row.now for row in manifest.changes),
    }


def _localization(tables: Mapping[str, pa.Table]) -> dict:
    own = views.localization_by_split(tables["localization"])
    maps = _maps(tables, own)
    return {
        "boxes_left_out": views.BOXES_LEFT_OUT,
        "localization": own,
        "localization_total": views.localization_total(own),
        "classes": views.classes(tables["localization"]),
        "few": FEW_CLASSES,
        "maps": maps,
        "map_splits": {one["key"]: formats.split_name(*one["split"]) for one in maps},
    }


def _maps(tables: Mapping[str, pa.Table], own: list[dict]) -> list[dict]:
    """Heat maps of each split: of all classes, then of those with most points."""
    histogram = tables["localization_histogram"]
    by_class = class_grids(histogram, MAPPED_CLASSES)
    counts = {
        (row["dataset"], row["split"], row["class_id"]): row
        for row in tables["localization"].to_pylist()
    }
    of_split = {(row["dataset"], row["split"]): row for row in own}
    made = []
    for key, (split, grid) in enumerate(grids(histogram).items()):
        made.append(_map(key, split, "", "all classes", grid, of_split[split]))
        for class_id, part in by_class[split].items():
            row = counts[*split, class_id]
            made.append(_map(key, split, class_id, row["name"] or class_id, part, row))
    return made


def _map(
    key: int, split: Split, class_id: str, name: str, grid: np.ndarray, counts: dict
) -> dict[str, Any]:
    share = formats.ratio(counts["points_inside"], counts["points"])
    return {
        "key": key,
        "split": split,
        "class_id": class_id,
        "name": name,
        "drawn": draw_heat_map(grid, f"{formats.split_name(*split)}, {name}"),
        "counts": {**counts, "share_inside": share},
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
