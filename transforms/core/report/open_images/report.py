"""The report of a version of Open Images: every line, official numbers, labels, classes."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from transforms.core.model.open_images.manifest import OpenImagesManifest
from transforms.core.output.checks.expected import is_met
from transforms.core.output.jobs.job import Job
from transforms.core.output.jobs.open_images import COUNTED
from transforms.core.report.drawings.log_chart import (
    Dot,
    ShareBin,
    draw_frequencies,
    draw_shares,
)
from transforms.core.report.page.formats import integer, percent, plural
from transforms.core.report.page.render import Section, render, render_tables_report
from transforms.core.sources.annotations.releases.forms import SPLITS

MOST_DOTS = 2_000
"""Classes that are drawn in a chart, the most frequent first."""

_FOLDER = "open_images/sections"


def render_release_report(
    manifest: OpenImagesManifest, tables: Mapping[str, pa.Table], job: Job
) -> str:
    """Renders the report.

    Args:
      manifest: The version's manifest.
      tables: Its statistics tables, by name.
      job: The job.
    """
    style = render(f"{_FOLDER}/style.css.j2")
    return render_tables_report(manifest, job, sections(manifest, tables), style)


def sections(manifest: OpenImagesManifest, tables: Mapping[str, pa.Table]) -> list[Section]:
    """What the report has between the lines and the origin."""
    return [
        _section("official", "Official numbers", rows=official_rows(manifest)),
        _section(
            "frequencies",
            "Label frequencies",
            charts=frequency_charts(tables["label_frequencies"]),
        ),
        _section(
            "accuracy",
            "Machine accuracy",
            charts=accuracy_charts(tables["machine_accuracy"], tables["machine_accuracy_bins"]),
            rows=list(tables["machine_accuracy_bins"].to_pylist()),
        ),
        _section("classes", "Classes", rows=class_rows(tables["classes"])),
    ]


def _section(anchor: str, label: str, **context: Any) -> Section:
    return Section(anchor, label, render(f"{_FOLDER}/{anchor}.html.j2", **context))


def official_rows(manifest: OpenImagesManifest) -> list[dict[str, Any]]:
    """Of each release, split and kind of row what was read and, where it is on record, expected."""
    read = manifest.counts.further.get("rows_by_split", {})
    known = {(row.dataset, row.split, row.kind): row for row in manifest.expected}
    rows = []
    for key, number in sorted(read.items() if isinstance(read, dict) else (), key=_in_order):
        release, split, kind = key.split("/")
        found = known.get((release, split, kind))
        rows.append(
            {
                "release": release,
                "split": split or "not known",
                "kind": kind.replace("_", " "),
                "expected": found.expected if found else None,
                "read": number,
                "difference": number - found.expected if found else None,
                "met": found is None or is_met(found),
            }
        )
    return rows


def _in_order(item: tuple[str, int]) -> tuple:
    """By release, split and kind, both as they are listed elsewhere."""
    release, split, kind = item[0].split("/")
    return release, SPLITS.index(split) if split in SPLITS else len(SPLITS), COUNTED.index(kind)


def frequency_charts(table: pa.Table) -> list[tuple[str, str, str]]:
    """Release, title and chart of each release, group of splits and source: all, and training."""
    found: dict[tuple, list[int]] = {}
    for row in table.to_pylist():
        if row["split_group"] in ("all", "train") and row["images"]:
            key = (row["release"], row["split_group"], row["source"])
            found.setdefault(key, []).append(row["images"])
    charts = []
    for release, group, source in sorted(found):
        numbers = sorted(found[release, group, source], reverse=True)
        sets = "all sets" if group == "all" else "training set"
        by = "machine" if source == "machine" else "people"
        title = f"{release}, {sets}, by {by}"
        note = f"{plural(len(numbers), 'label')}, {integer(sum(numbers))} images in all"
        charts.append((title, note, draw_frequencies(numbers, title)))
    return charts


def accuracy_charts(classes: pa.Table, bins: pa.Table) -> list[tuple[str, str, str]]:
    """Release, note and chart of each release with judged labels."""
    charts = []
    of_bins, of_classes = _by_release(bins), _by_release(classes)
    for release, rows in of_bins.items():
        judged = [row for row in of_classes.get(release, []) if row["judged"]]
        judged.sort(key=lambda row: -row["images"])
        dots = [Dot(row["images"], row["share"]) for row in judged[:MOST_DOTS]]
        totals = Counter[str]()
        for row in rows:
            totals.update({name: row[name] for name in ("judged", "correct")})
        share = totals["correct"] / totals["judged"]
        note = (
            f"{integer(totals['correct'])} of {integer(totals['judged'])} judged labels are "
            f"correct, {percent(share)}"
        )
        title = f"{release}: share of correct machine labels"
        charts.append((release or "", note, draw_shares(list(map(_bin, rows)), dots, title)))
    return charts


def _by_release(table: pa.Table) -> dict[str | None, list[dict]]:
    found: dict[str | None, list[dict]] = {}
    for row in table.to_pylist():
        found.setdefault(row["release"], []).append(row)
    return found


def _bin(row: Mapping[str, Any]) -> ShareBin:
    title = (
        f"{integer(row['from_images'])} to {integer(row['to_images'] - 1)} images: "
        f"{percent(row['share'])} of {integer(row['judged'])} judged labels are correct "
        f"({percent(row['low'])} to {percent(row['high'])}), {plural(row['classes'], 'class')}"
    )
    return ShareBin(
        row["from_images"], row["to_images"], row["share"], row["low"], row["high"], title
    )


def class_rows(classes: pa.Table) -> list[dict[str, Any]]:
    """Of each release how many classes there are, and how many of which sort."""
    found = []
    for release, rows in _by_release(classes).items():
        found.append(
            {
                "release": release,
                "classes": len(rows),
                "unnamed": _number(row["name"] is None for row in rows),
                "used": _number(row["rows"] > 0 for row in rows),
                "trainable": _number(row["trainable"] for row in rows),
                "boxable": _number(row["boxable"] for row in rows),
                "without_name": [
                    row["class_id"] for row in rows if row["name"] is None and row["rows"]
                ][:10],
            }
        )
    return found


def _number(values: Iterable[object]) -> int:
    return sum(bool(value) for value in values)
