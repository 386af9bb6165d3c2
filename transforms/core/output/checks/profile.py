"""The profile of a version: what rules of a file of checks are about."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa

from transforms.core.model.narratives.manifest import BuildManifest, SplitRow
from transforms.core.model.narratives.schemas import FLAGS, MEASURES
from transforms.core.output.checks.expected import is_met
from transforms.core.output.checks.guard import KINDS, covered_kinds

Split = tuple[str | None, str | None]
"""Dataset and split, None where unknown."""

TABLES = ("richness", "noun_counts", "distances", "localization")
"""Statistics tables of which a profile is made; versions of older programs lack some."""

NUMBERS = ("narratives", "captions", "images", "mentions", "boxed_mentions")
"""Measures that are numbers."""

MEANS = (*MEASURES, "distance")
"""Measures that are means per caption, narrative or image: those of `richness`, and of D."""

SHARES = (
    "points_inside_box",
    "mentions_with_box",
    *(f"{kind}_joined" for kind in KINDS),
    "dataset_id_differs",
    "discarded",
)
"""Measures that are shares, from 0 to 1."""

FLAGGED = {f"flagged_{flag}": flag for flag in FLAGS}
"""Shares of narratives that have a flag: of all splits together."""

WHOLE_SHARES = ("rejected", *FLAGGED)
"""Shares that are known of all splits together only."""

KNOWN = (*NUMBERS, *MEANS, *SHARES, *WHOLE_SHARES)
"""All measures."""

DISTRIBUTIONS = {"noun_counts": ("nouns", "captions"), "distances": ("distance", "narratives")}
"""Tables that are distributions, with their columns of values and of numbers."""

TERMS = ("columns", "splits", "flags", "rejects", "reasons", "classes")
"""Vocabularies: columns of tables with their types, datasets with their splits, flags, codes of
rejected lines, reasons to discard, classes that are mentioned."""


class Measured(NamedTuple):
    """A measure of a version.

    Attributes:
      value: The number, mean or share.
      part: The number, the sum of what is averaged (rounded), or how many have a share.
      total: Of how many the mean or share is; 1 for a number.
    """

    value: float
    part: int
    total: int


@dataclasses.dataclass(frozen=True)
class Profile:
    """What a version measures.

    Attributes:
      version: The version's name.
      splits: Measures by name, by dataset and split; one that is not known is not there.
      whole: Measures of all splits together.
      narratives: Narratives kept, by dataset and split.
      published: The splits of which everything was read that was published.
      distributions: Numbers by value, by dataset and split, by table (`DISTRIBUTIONS`).
      terms: How often each term occurs, by vocabulary (`TERMS`); what is not known is not there.
    """

    version: str
    splits: Mapping[Split, Mapping[str, Measured]]
    whole: Mapping[str, Measured]
    narratives: Mapping[Split, int]
    published: frozenset[Split]
    distributions: Mapping[str, Mapping[Split, Mapping[int, int]]]
    terms: Mapping[str, Mapping[str, int]]


def make_profile(manifest: BuildManifest, tables: Mapping[str, pa.Table]) -> Profile:
    """The profile of a version.

    Args:
      manifest: Its manifest; the checks are not looked at.
      tables: Those of `TABLES` that it has.
    """
    distributions = {
        name: _distribution(tables[name], *columns)
        for name, columns in DISTRIBUTIONS.items()
        if name in tables
    }
    splits = _measure_splits(manifest, tables, distributions.get("distances", {}))
    return Profile(
        version=manifest.version,
        splits=splits,
        whole={**_together(splits.values()), **_measure_whole(manifest)},
        narratives={(row.dataset, row.split): row.narratives for row in manifest.splits},
        published=published_splits(manifest),
        distributions=distributions,
        terms=_terms(manifest, tables.get("localization")),
    )


def published_splits(manifest: BuildManifest) -> frozenset[Split]:
    """The splits that a catalog knows and of which exactly what was published was read."""
    found = [row for row in manifest.expected if row.kind == "narratives"]
    return frozenset((row.dataset, row.split) for row in found if is_met(row))


def _measure_splits(
    manifest: BuildManifest,
    tables: Mapping[str, pa.Table],
    distances: Mapping[Split, Mapping[int, int]],
) -> dict[Split, dict[str, Measured]]:
    covered = covered_kinds(manifest.annotations)
    measured: dict[Split, dict[str, Measured]] = {}
    for row in manifest.splits:
        kinds = covered.get(row.dataset or "", ())
        measured[row.dataset, row.split] = dict(_of_split(row, kinds))
    for values in tables["richness"].to_pylist() if "richness" in tables else ():
        measured.setdefault((values["dataset"], values["split"]), {}).update(_of_richness(values))
    for split, counts in distances.items():
        total = sum(value * number for value, number in counts.items())
        measured.setdefault(split, {}).update(_ratio("distance", total, sum(counts.values())))
    for split, (inside, points) in _points(tables.get("localization")).items():
        measured.setdefault(split, {}).update(_ratio("points_inside_box", inside, points))
    return measured


def _of_split(row: SplitRow, kinds: Sequence[str]) -> Iterator[tuple[str, Measured]]:
    for name in ("narratives", "captions", "mentions"):
        yield from _number(name, getattr(row, name))
    if "boxes" in kinds:
        yield from _number("boxed_mentions", row.with_box)
        yield from _ratio("mentions_with_box", row.with_box, row.mentions)
    for kind in kinds:
        yield from _ratio(f"{kind}_joined", getattr(row, f"with_{kind}"), row.narratives)
    yield from _ratio("dataset_id_differs", row.dataset_id_differs, row.narratives)
    yield from _ratio("discarded", row.discarded, row.narratives + row.discarded)


def _of_richness(values: Mapping) -> Iterator[tuple[str, Measured]]:
    yield from _number("images", values["images"])
    for name in MEASURES:
        total, mean = values.get(f"{name}_sum"), values.get(f"{name}_mean")
        if total is not None and mean is not None:
            # The table has no column of how many are known, which the other two tell.
            known = round(total / mean) if mean else values["captions"]
            yield name, Measured(mean, round(total), known)


def _number(name: str, value: int) -> Iterator[tuple[str, Measured]]:
    yield name, Measured(float(value), value, 1)


def _ratio(name: str, count: int, total: int) -> Iterator[tuple[str, Measured]]:
    if total:
        yield name, Measured(count / total, count, total)


def _together(splits: Iterable[Mapping[str, Measured]]) -> dict[str, Measured]:
    """The measures of all splits together, means and shares weighed by what they are of."""
    gathered: dict[str, list[Measured]] = {}
    for measures in splits:
        for name, measured in measures.items():
            gathered.setdefault(name, []).append(measured)
    made = {}
    for name, parts in gathered.items():
        count = sum(one.part for one in parts)
        total = 1 if name in NUMBERS else sum(one.total for one in parts)
        exact = sum(one.value * (1 if name in NUMBERS else one.total) for one in parts)
        made[name] = Measured(exact / total, count, total)
    return made


def _measure_whole(manifest: BuildManifest) -> dict[str, Measured]:
    counts = manifest.counts
    measured = dict(_ratio("rejected", counts.bad, counts.lines - counts.blank))
    for name, flag in FLAGGED.items():
        measured.update(_ratio(name, counts.flags.get(flag, 0), counts.narratives))
    return measured


def _distribution(table: pa.Table, values: str, numbers: str) -> dict[Split, dict[int, int]]:
    made: dict[Split, dict[int, int]] = {}
    for row in table.to_pylist():
        made.setdefault((row["dataset"], row["split"]), {})[row[values]] = row[numbers]
    return made


def _points(localization: pa.Table | None) -> dict[Split, tuple[int, int]]:
    """Points of mentions inside their boxes, and all of them, by dataset and split."""
    inside: Counter = Counter()
    points: Counter = Counter()
    for row in localization.to_pylist() if localization else ():
        split = row["dataset"], row["split"]
        inside[split] += row["points_inside"]
        points[split] += row["points"]
    return {split: (inside[split], points[split]) for split in points}


def _terms(manifest: BuildManifest, localization: pa.Table | None) -> dict[str, dict[str, int]]:
    splits: Counter = Counter()
    for row in manifest.splits:
        splits[" ".join(filter(None, (row.dataset, row.split))) or "unknown"] += row.narratives
    made: dict[str, Mapping[str, int]] = {
        "splits": splits,
        "flags": manifest.counts.flags,
        "rejects": manifest.counts.rejected,
        "reasons": manifest.counts.discarded,
    }
    if localization:
        classes: Counter = Counter()
        for row in localization.to_pylist():
            classes[row["name"] or row["class_id"]] += row["mentions"]
        made["classes"] = classes
    if manifest.columns:
        made["columns"] = {
            f"{table}.{column} ({type_})": 1
            for table, columns in manifest.columns.items()
            for column, type_ in columns.items()
        }
    return {name: {term: n for term, n in counts.items() if n} for name, counts in made.items()}
