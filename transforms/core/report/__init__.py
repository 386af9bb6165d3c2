"""The report of a version: one HTML file that needs nothing but itself."""

import datetime
import functools
import html
import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pyarrow as pa

from transforms.core.model.manifest import Manifest
from transforms.core.model.narratives.naming import is_generated
from transforms.core.report import formats, paper, views
from transforms.core.report.drawings import colours
from transforms.core.report.drawings.caption import caption_pieces, mention_rows
from transforms.core.report.drawings.drawing import clock_of, draw_narrative
from transforms.core.report.drawings.heat_map import draw_heat_map, grids
from transforms.core.report.drawings.noun_chart import axis_end, distributions, draw_noun_chart
from transforms.core.report.example import choose_example

__all__ = ["choose_example", "render_report"]

BAD_LINES_SHOWN = 50
CLASSES_SHOWN = 20


def render_report(
    manifest: Manifest,
    tables: Mapping[str, pa.Table],
    narrative: dict | None,
    mentions: list[dict],
) -> str:
    """Renders a version's report.

    Args:
      manifest: The version's manifest.
      tables: Its statistics tables (`statistics.collection.tables_of`).
      narrative: A row of `narratives` to draw (see `choose_example`), or None.
      mentions: The rows of `mentions` that belong to it.

    Returns:
      An HTML document without any external resource.
    """
    generated = views.generated_splits(manifest)
    context = {
        "manifest": manifest,
        "paper": paper,
        "time_colours": list(
            zip(
                colours.time_palette(colours.ON_LIGHT),
                colours.time_palette(colours.ON_DARK),
                strict=True,
            )
        ),
        "created": _moment(manifest.created),
        "generated": generated,
        "is_generated": lambda dataset, split: (dataset, split) in generated,
        **_reading(manifest),
        **_richness(tables),
        **_localization(tables),
        "example": _example(narrative, mentions),
    }
    return _template().render(context)


@functools.cache
def _template() -> Any:
    """The compiled template: compiling it takes longer than all else in a small run's report."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__name__, "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        name: getattr(formats, name) for name in ("integer", "decimal", "percent", "phrase")
    }
    environment.filters["json"] = _json
    environment.globals |= {
        name: getattr(formats, name) for name in ("split_name", "plural", "ratio")
    }
    return environment.get_template("report.html.j2")


def _json(value: object) -> str:
    return json.dumps(msgspec.to_builtins(value), indent=2, ensure_ascii=False)


def _moment(created: str) -> str:
    """An ISO time as one reads it, to the minute; text that is none stays as it is."""
    try:
        moment = datetime.datetime.fromisoformat(created)
    except ValueError:
        return created
    return f"{moment:%d %B %Y, %H:%M} {moment.tzname() or ''}".strip().lstrip("0")


def _reading(manifest: Manifest) -> dict:
    shards, total = views.reconciliation(manifest)
    shown, more = views.bad_lines(manifest, BAD_LINES_SHOWN)
    counts = manifest.counts
    return {
        "counts": counts,
        "shards": shards,
        "total": total,
        "published_counts": views.published_counts(manifest),
        "checks": views.checks_by_name(manifest),
        "bad_lines": shown,
        "more_bad_lines": more,
        "rejected": views.by_number(counts.rejected),
        "discarded": views.by_number(counts.discarded),
        "flags": views.by_number(counts.flags),
        "quality_rule": views.quality_rule(manifest),
    }


def _richness(tables: Mapping[str, pa.Table]) -> dict:
    counters = distributions(tables["noun_counts"])
    last = axis_end(list(counters.values()))
    rows = tables["richness"].to_pylist()
    return {
        "richness": rows,
        "has_words": any(row["words_mean"] is not None for row in rows),
        "word_columns": views.measure_names(views.WORD_COLUMNS),
        "speech_columns": views.measure_names(views.SPEECH_COLUMNS),
        "noun_charts": [
            (*split, draw_noun_chart(counter, formats.split_name(*split), last))
            for split, counter in counters.items()
            if counter.total()
        ],
    }


def _localization(tables: Mapping[str, pa.Table]) -> dict:
    rows = views.localization_by_split(tables["localization"])
    classes, mentioned = views.top_classes(tables["localization"], CLASSES_SHOWN)
    maps = grids(tables["localization_histogram"])
    return {
        "boxes_left_out": views.BOXES_LEFT_OUT,
        "localization": rows,
        "localization_total": views.localization_total(rows),
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
