"""Statistics that merge: sums in integers, counts by key, free of order and unit size.

A unit's statistics are kept in its commit record; a version's tables are made from the merge of
all records, so they are byte-identical however the input was cut and in whatever order it came.
"""

import dataclasses
import itertools
import math
import operator
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.model import flags, schemas
from transforms.core.model.chunk import Chunk, dataset_splits, numbers
from transforms.core.model.schemas import LOCALIZATION_COUNTS, MEASURES
from transforms.core.stages.match.localization import BINS
from transforms.core.stages.measure.measures import measured_values

Split = tuple[str | None, str | None]
"""Dataset and split, None where unknown."""

TOTALS = (
    "narratives",
    "captions",
    "dataset_id_differs",
    "with_images",
    "with_labels",
    "with_boxes",
    "discarded",
)
"""Of a split: narratives kept, how many of these have a caption, another dataset's id, their image
in an image list, labels, and boxes; and narratives discarded."""

ClassKey = tuple[str | None, str | None, str, str | None]
"""Dataset, split, class id and name."""


@dataclasses.dataclass(slots=True)
class Moments:
    """Count, sum and sum of squares of integers."""

    count: int = 0
    total: int = 0
    squares: int = 0

    def update(self, values: Iterable[int]) -> None:
        """Adds values; Python integers, since squares may leave 64 bits."""
        values = list(values)
        self.count += len(values)
        self.total += sum(values)
        self.squares += sum(map(operator.mul, values, values))

    def merge(self, other: "Moments") -> None:
        """Adds another's values."""
        self.count += other.count
        self.total += other.total
        self.squares += other.squares

    def describe(self, scale: int) -> tuple[float | None, float | None, float | None]:
        """Sum, mean and population standard deviation of the values over `scale`."""
        if not self.count:
            return None, None, None
        mean = Fraction(self.total, self.count)
        variance = Fraction(self.squares, self.count) - mean * mean
        return (
            float(Fraction(self.total, scale)),
            float(mean / scale),
            math.sqrt(variance) / scale,
        )


@dataclasses.dataclass(slots=True)
class HistogramCounts:
    """Points by bin; batches are gathered and added up when there are many."""

    bins: np.ndarray = dataclasses.field(default_factory=lambda: np.empty(0, np.int64))
    points: np.ndarray = dataclasses.field(default_factory=lambda: np.empty(0, np.int64))

    def merge(self, other: "HistogramCounts") -> None:
        """Adds another's points."""
        self.bins = np.concatenate([self.bins, other.bins])
        self.points = np.concatenate([self.points, other.points])
        if len(self.bins) > 2 * BINS * BINS:
            self.compact()

    def compact(self) -> None:
        """Adds up, so that each bin stands once, in order."""
        bins, where = np.unique(self.bins, return_inverse=True)
        points = np.zeros(len(bins), np.int64)
        np.add.at(points, where, self.points)
        self.bins, self.points = bins, points


@dataclasses.dataclass(slots=True)
class Statistics:
    """Everything that a version's statistics tables need.

    Attributes:
      measures: Moments by dataset and split, then by measure (`schemas.MEASURES`).
      noun_counts: Captions by number of nouns, by dataset and split.
      localization: Counts (`schemas.LOCALIZATION_COUNTS`) by class key.
      histograms: Points by bin (`bin_x * 150 + bin_y`) by class key.
      narratives: Narratives kept by `image/annotator` key, by dataset and split.
      totals: Numbers of `TOTALS` by dataset and split.
    """

    measures: dict[Split, dict[str, Moments]] = dataclasses.field(default_factory=dict)
    noun_counts: dict[Split, Counter] = dataclasses.field(default_factory=dict)
    localization: dict[ClassKey, list[int]] = dataclasses.field(default_factory=dict)
    histograms: dict[ClassKey, HistogramCounts] = dataclasses.field(default_factory=dict)
    narratives: dict[Split, Counter] = dataclasses.field(default_factory=dict)
    totals: dict[Split, Counter] = dataclasses.field(default_factory=dict)

    def merge(self, other: "Statistics") -> None:
        """Adds another's."""
        for split, measures in other.measures.items():
            own = self.measures.setdefault(split, {})
            for measure, moments in measures.items():
                own.setdefault(measure, Moments()).merge(moments)
        for mine, theirs in (
            (self.noun_counts, other.noun_counts),
            (self.narratives, other.narratives),
            (self.totals, other.totals),
        ):
            for split, counter in theirs.items():
                mine.setdefault(split, Counter()).update(counter)
        for key, counts in other.localization.items():
            own_counts = self.localization.get(key, [0] * len(LOCALIZATION_COUNTS))
            self.localization[key] = [a + b for a, b in zip(own_counts, counts, strict=True)]
        for key, histogram in other.histograms.items():
            self.histograms.setdefault(key, HistogramCounts()).merge(histogram)

    def compact(self) -> None:
        """Adds up what merging only gathered."""
        for histogram in self.histograms.values():
            histogram.compact()


def measure_chunk(chunk: Chunk) -> Statistics:
    """Statistics of the narratives that a chunk keeps."""
    statistics = Statistics()
    narratives = chunk.narratives
    values = measured_values(narratives)
    keys = np.array(_keys(narratives), object)
    splits, split_of_row = dataset_splits(narratives)
    for position, split in enumerate(splits):
        rows = np.flatnonzero(split_of_row == position)
        moments = statistics.measures[split] = {}
        for measure, column in values.items():
            moments[measure] = Moments()
            moments[measure].update(value for value in column[rows] if value is not None)
        nouns = values["nouns"][rows]
        statistics.noun_counts[split] = Counter(value for value in nouns if value is not None)
        statistics.narratives[split] = Counter(keys[rows])
    _add_totals(statistics, chunk)
    _add_localization(statistics, chunk)
    return statistics


def _add_totals(statistics: Statistics, chunk: Chunk) -> None:
    """Counts rows by split, shape `(n_splits,)` a column."""
    narratives = chunk.narratives
    raised = numbers(narratives["flags"])
    columns = {
        "narratives": np.ones(len(narratives), bool),
        "captions": ~flags.carried(raised, "no_caption"),
        "dataset_id_differs": flags.carried(raised, "dataset_id_differs"),
        "with_images": _is_there(narratives, "image"),
        "with_labels": _has_values(narratives, "labels"),
        "with_boxes": _has_values(narratives, "boxes"),
    }
    splits, split_of_row = dataset_splits(narratives)
    for name, column in columns.items():
        for split, number in zip(
            splits, np.bincount(split_of_row[column], minlength=len(splits)), strict=True
        ):
            statistics.totals.setdefault(split, Counter())[name] = int(number)
    if chunk.discarded is not None:
        splits, split_of_row = dataset_splits(chunk.discarded)
        for split, number in zip(splits, np.bincount(split_of_row), strict=False):
            statistics.totals.setdefault(split, Counter())["discarded"] += int(number)


def _is_there(narratives: pa.RecordBatch, name: str) -> np.ndarray:
    return pc.is_valid(narratives[name]).to_numpy(zero_copy_only=False)


def _has_values(narratives: pa.RecordBatch, name: str) -> np.ndarray:
    lengths = pc.fill_null(pc.list_value_length(narratives[name]), 0)
    return lengths.to_numpy(zero_copy_only=False) > 0


def _keys(narratives: pa.RecordBatch) -> list[str]:
    ids = zip(
        narratives["image_id"].to_pylist(), narratives["annotator_id"].to_pylist(), strict=True
    )
    return [f"{image}/{annotator}" for image, annotator in ids]


def _add_localization(statistics: Statistics, chunk: Chunk) -> None:
    if chunk.localization is None:
        return
    histogram = chunk.histogram
    groups = histogram["group"].to_numpy()
    bins = histogram["bin_x"].to_numpy() * BINS + histogram["bin_y"].to_numpy()
    points_in = histogram["points"].to_numpy()
    bounds = np.searchsorted(groups, np.arange(len(chunk.localization) + 1))
    for row, (first, end) in zip(
        chunk.localization.to_pylist(), itertools.pairwise(bounds), strict=True
    ):
        key = tuple(row[name] for name in ("dataset", "split", "class_id", "name"))
        statistics.localization[key] = [row[name] for name in LOCALIZATION_COUNTS]
        if end > first:
            statistics.histograms[key] = HistogramCounts(bins[first:end], points_in[first:end])


def statistics_tables(statistics: Statistics) -> dict[str, pa.Table]:
    """The tables of `schemas.STATISTICS_TABLES`, rows in the order of their keys."""
    statistics.compact()
    rows = {
        "localization": _localization_rows(statistics),
        "richness": _richness_rows(statistics),
        "noun_counts": _noun_rows(statistics),
    }
    tables = {
        name: pa.Table.from_pylist(rows[name], schema=schemas.STATISTICS_TABLES[name])
        for name in rows
    }
    return tables | {"localization_histogram": _histogram_table(statistics)}


def _in_order(keys: Iterable[tuple]) -> list[tuple]:
    return sorted(keys, key=lambda key: tuple("" if part is None else part for part in key))


def _localization_rows(statistics: Statistics) -> list[dict]:
    return [
        _class_row(key) | dict(zip(LOCALIZATION_COUNTS, statistics.localization[key], strict=True))
        for key in _in_order(statistics.localization)
    ]


def _class_row(key: ClassKey) -> dict:
    return dict(zip(("dataset", "split", "class_id", "name"), key, strict=True))


def _histogram_table(statistics: Statistics) -> pa.Table:
    """A row a bin, made column by column: there may be millions."""
    keys = _in_order(statistics.histograms)
    histograms = [statistics.histograms[key] for key in keys]
    key_of_row = pa.array(np.repeat(np.arange(len(keys)), [len(own.bins) for own in histograms]))
    cells = np.concatenate([np.empty(0, np.int64), *(own.bins for own in histograms)])
    points = np.concatenate([np.empty(0, np.int64), *(own.points for own in histograms)])
    terms = [
        pa.array([key[part] for key in keys], pa.string()).dictionary_encode().take(key_of_row)
        for part in range(4)
    ]
    columns = [*terms, pa.array(cells // BINS), pa.array(cells % BINS), pa.array(points)]
    schema = schemas.LOCALIZATION_HISTOGRAM
    return pa.Table.from_arrays(
        [column.cast(field.type) for column, field in zip(columns, schema, strict=True)],
        schema=schema,
    )


def _richness_rows(statistics: Statistics) -> list[dict]:
    rows = []
    for split in _in_order(statistics.measures):
        per_image = images(statistics, split)
        moments = dict(statistics.measures[split])
        moments["narratives_per_image"] = Moments()
        moments["narratives_per_image"].update(per_image.values())
        row = {"dataset": split[0], "split": split[1], "images": len(per_image)}
        row["captions"] = statistics.narratives[split].total()
        for measure, scale in MEASURES.items():
            described = moments[measure].describe(scale)
            for name, value in zip(("sum", "mean", "deviation"), described, strict=True):
                row[f"{measure}_{name}"] = value
        rows.append(row)
    return rows


def images(statistics: Statistics, split: Split) -> Counter:
    """Narratives by image."""
    counts: Counter = Counter()
    for key, number in statistics.narratives[split].items():
        counts[key.rpartition("/")[0]] += number
    return counts


def _noun_rows(statistics: Statistics) -> list[dict]:
    return [
        {"dataset": split[0], "split": split[1], "nouns": nouns, "captions": captions}
        for split in _in_order(statistics.noun_counts)
        for nouns, captions in sorted(statistics.noun_counts[split].items())
    ]


def repeated_keys(statistics: Statistics) -> list[dict]:
    """Image and annotator pairs that occur more than once, with how often."""
    return [
        {"dataset": split[0], "split": split[1], "key": key, "narratives": number}
        for split in _in_order(statistics.narratives)
        for key, number in sorted(statistics.narratives[split].items())
        if number > 1
    ]
