"""What the report and the printed summary show, worked out once from manifest and tables."""

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction

import msgspec
import pyarrow as pa

from transforms.core.model.narratives.manifest import BuildManifest, ChangeRow
from transforms.core.model.narratives.schemas import LOCALIZATION_COUNTS, TAG_COLUMNS
from transforms.core.output.checks import expected
from transforms.core.output.checks.profile import NUMBERS, SHARES, WHOLE_SHARES
from transforms.core.report import paper
from transforms.core.report.page import formats, rows
from transforms.core.report.page.formats import percent, ratio

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


PARTS = {
    "narratives": "narratives written",
    "discarded": "discarded by quality",
    **rows.LINE_PARTS,
}
"""What the lines read are made of, by their names in the manifest."""


def parts_of(manifest: BuildManifest) -> dict[str, str]:
    """The same of a version, which may be of a sample."""
    return PARTS if manifest.sample is None else {**PARTS, **rows.SAMPLE_PARTS}


def selection(manifest: BuildManifest) -> str | None:
    """A sentence on which narratives a version is of, None where it is of all that were given."""
    said = []
    if manifest.limit is not None:
        said.append(f"the first {manifest.limit:,} lines of the input (limit)")
    if manifest.sample is not None:
        whose = "of these, a" if said else "a"
        share = f"{100 * manifest.sample.share:.10g} %"
        said.append(f"{whose} sample of {share} of the narratives, by the hash of their keys")
    return f"Not everything: {'; '.join(said)}." if said else None


def reconciliation(manifest: BuildManifest) -> tuple[list[dict], dict]:
    """The conservation law and the published counts, per shard and in all (`rows`).

    A shard of a split of which other narratives were published than were read is `PARTIAL`.
    """
    differing = {
        name for group in manifest.expected if not expected.is_met(group) for name in group.shards
    }
    return rows.reconciliation(manifest, parts_of(manifest), differing)


def published_counts(manifest: BuildManifest) -> list[dict]:
    """Catalogued splits with what was expected and read, in numbers and in words."""
    return [
        msgspec.structs.asdict(row)
        | {
            "met": expected.is_met(row),
            "explained": expected.is_explained(row),
            "words": expected.describe(row),
        }
        for row in manifest.expected
    ]


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


def classes(localization: pa.Table) -> list[dict]:
    """The classes that are mentioned, over all splits, the one with most mentions first."""
    found: dict[str, dict] = {}
    for row in localization.to_pylist():
        own = found.setdefault(
            row["class_id"], {"name": row["name"], **dict.fromkeys(LOCALIZATION_COUNTS, 0)}
        )
        for name in LOCALIZATION_COUNTS:
            own[name] += row[name]
    rows = [
        {"class_id": key, **own, "share_inside": ratio(own["points_inside"], own["points"])}
        for key, own in found.items()
        if own["mentions"]
    ]
    rows.sort(key=lambda row: (-row["mentions"], row["class_id"]))
    return rows


def distance_threshold(manifest: BuildManifest) -> float | None:
    """The greatest D that was kept, None where none was set, or one by characters."""
    threshold = manifest.threshold
    if threshold is None or threshold.kind != "max_distance":
        return None
    return float(Fraction(threshold.value))


def describe_change(row: ChangeRow) -> dict:
    """A measure of two versions in texts; a share in per cent, its change in points."""
    show = _show(row.measure)
    change = formats.NOTHING
    if row.before is not None and row.now is not None:
        change = _signed(row.now - row.before, show).replace(" %", " points")
    return {
        "measure": row.measure,
        "whole": row.dataset is None and row.split is None,
        "dataset": row.dataset,
        "split": row.split,
        "before": formats.NOTHING if row.before is None else show(row.before),
        "now": formats.NOTHING if row.now is None else show(row.now),
        "change": change,
    }


def _show(measure: str) -> Callable[[float], str]:
    if measure in (*SHARES, *WHOLE_SHARES):
        return lambda value: percent(value, 2)
    digits = 0 if measure in NUMBERS else 2
    return lambda value: formats.decimal(value, digits)


def _signed(value: float, show: Callable[[float], str]) -> str:
    """A difference with its sign.

    >>> _signed(-1.5, str), _signed(0.0, str), _signed(2.0, str)
    ('−1.5', '0.0', '+2.0')
    """
    text = show(abs(value))
    return text if text == show(0.0) else f"{'+' if value > 0 else '−'}{text}"


def quality_rule(manifest: BuildManifest) -> str:
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


def generated_splits(manifest: BuildManifest) -> dict[tuple[str | None, str | None], int]:
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
