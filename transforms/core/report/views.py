"""What the report and the printed summary show, worked out once from manifest and tables."""

from collections.abc import Iterable, Mapping

import msgspec
import pyarrow as pa

from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import BadLineRow, CheckRow, ShardRow
from transforms.core.model.narratives.schemas import LOCALIZATION_COUNTS, TAG_COLUMNS
from transforms.core.output.checks import expected
from transforms.core.report import paper
from transforms.core.report.formats import percent, ratio

PARTS = ("narratives", "discarded", "rejected", "blank")
"""What the lines read are made of."""

BOXES_LEFT_OUT = {
    "zero_size_boxes": "of no width or height",
    "inverted_boxes": "whose minimum is above the maximum",
    "outside_boxes": "far outside the image",
}
"""Counts of boxes that no mention uses, and what is wrong with them."""

WORD_COLUMNS = ("words", *TAG_COLUMNS)
SPEECH_COLUMNS = (
    "narration_seconds",
    "words_per_second",
    "trace_points",
    "trace_length",
    "narratives_per_image",
)


HOLDS, PARTIAL, FAILS = "holds", "partial", "fails"
"""Verdicts on a shard: every line is accounted for; so it is, but other narratives were published
of its split than were read; or a line is not."""


def reconciliation(manifest: Manifest) -> tuple[list[dict], dict]:
    """The conservation law and the published counts, per shard and in all.

    `holds` asks for all: what the run found (lines and bytes), that the numbers shown here add up,
    and that as many narratives were read of the shard's split as a catalog says; `verdict` is one
    of `HOLDS`, `PARTIAL` and `FAILS`.
    """
    differing = {
        name for group in manifest.expected if not expected.is_met(group) for name in group.shards
    }
    shards = [_with_verdict(row, row.shard in differing) for row in manifest.shards]
    total = {name: sum(row[name] for row in shards) for name in ("lines", *PARTS, "bytes")}
    found = {row["verdict"] for row in shards}
    verdict = next((worst for worst in (FAILS, PARTIAL) if worst in found), HOLDS)
    return shards, {**total, "verdict": verdict, "holds": verdict == HOLDS}


def _with_verdict(row: ShardRow, differs: bool) -> dict:
    accounted = row.conserved and _adds_up(row)
    verdict = FAILS if not accounted else PARTIAL if differs else HOLDS
    return msgspec.structs.asdict(row) | {"verdict": verdict, "holds": verdict == HOLDS}


def published_counts(manifest: Manifest) -> list[dict]:
    """Catalogued splits with what was expected and read, in numbers and in words."""
    return [
        msgspec.structs.asdict(row) | {"met": expected.is_met(row), "words": expected.describe(row)}
        for row in manifest.expected
    ]


def checks_by_name(manifest: Manifest) -> list[dict]:
    """Of each check the row that is nearest to its limit or furthest beyond, and how many fail."""
    groups: dict[str, list[CheckRow]] = {}
    for row in manifest.checks:
        groups.setdefault(row.name, []).append(row)
    return [
        msgspec.structs.asdict(min(rows, key=_margin))
        | {"failed": sum(not row.passed for row in rows), "rows": len(rows)}
        for rows in groups.values()
    ]


def _margin(row: CheckRow) -> float:
    margin = row.value - row.limit
    return margin if row.option.startswith("min_") else -margin


def _adds_up(row: ShardRow) -> bool:
    return row.lines == sum(getattr(row, part) for part in PARTS)


def by_number(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Reasons, codes or flags with their counts, the most frequent first."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def bad_lines(manifest: Manifest, most: int) -> tuple[list[BadLineRow], int]:
    """The first bad lines, and how many there are beyond these."""
    shown = manifest.bad_lines[:most]
    return shown, manifest.counts.bad - len(shown)


def localization_by_split(localization: pa.Table) -> list[dict]:
    """Counts added up over classes per dataset and split, with `share_inside`."""
    rows: dict[tuple, dict] = {}
    for row in localization.to_pylist():
        key = row["dataset"], row["split"]
        own = rows.setdefault(key, dict.fromkeys(LOCALIZATION_COUNTS, 0))
        for name in LOCALIZATION_COUNTS:
            own[name] += row[name]
    return [
        {
            "dataset": dataset,
            "split": split,
            **counts,
            "share_inside": ratio(counts["points_inside"], counts["points"]),
        }
        for (dataset, split), counts in rows.items()
    ]


def localization_total(rows: Iterable[Mapping]) -> dict:
    """The same counts over all splits."""
    rows = list(rows)
    total = {name: sum(row[name] for row in rows) for name in LOCALIZATION_COUNTS}
    return {**total, "share_inside": ratio(total["points_inside"], total["points"])}


def top_classes(localization: pa.Table, most: int) -> tuple[list[dict], int]:
    """The classes mentioned most, over all splits, and how many classes are mentioned at all."""
    classes: dict[str, dict] = {}
    for row in localization.to_pylist():
        own = classes.setdefault(
            row["class_id"], {"name": row["name"], **dict.fromkeys(LOCALIZATION_COUNTS, 0)}
        )
        for name in LOCALIZATION_COUNTS:
            own[name] += row[name]
    rows = [
        {"class_id": key, **own, "share_inside": ratio(own["points_inside"], own["points"])}
        for key, own in classes.items()
        if own["mentions"]
    ]
    rows.sort(key=lambda row: (-row["mentions"], row["class_id"]))
    return rows[:most], len(rows)


def quality_rule(manifest: Manifest) -> str:
    """The quality threshold as a sentence."""
    threshold = manifest.threshold
    if threshold is None:
        return "No distance threshold was set."
    unit = " per caption character" if threshold.kind.endswith("per_char") else ""
    rule = f"Kept: transcription distance of at most {threshold.value}{unit}."
    share = threshold.calibrated_share
    if share is None:
        return rule
    theirs = percent(paper.QUALITY.discarded_share)
    return f"{rule} Calibrated to discard at most {percent(share)} (the paper: {theirs})."


def generated_splits(manifest: Manifest) -> dict[tuple[str | None, str | None], int]:
    """Datasets and splits with generated narratives among those kept, and how many.

    By what the records say of themselves: options may call a dataset anything.
    """
    found = {}
    for key, number in manifest.counts.generated.items():
        dataset, _, split = key.partition("/")
        found[dataset or None, split or None] = number
    return found


def measure_names(columns: Iterable[str]) -> dict[str, str]:
    """Columns of the richness table and their headings."""
    units = {
        "narration_seconds": "seconds",
        "words_per_second": "words / s",
        "trace_points": "trace points",
        "trace_length": "trace length",
        "narratives_per_image": "narratives / image",
    }
    return {column: units.get(column, column.replace("_", " ")) for column in columns}
