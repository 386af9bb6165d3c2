"""Localization (Fig. 4): counts by class, and where trace points lie relative to boxes."""

import dataclasses
import itertools

import numpy as np
import pyarrow as pa

from transforms.core.model.chunk import Chunk
from transforms.core.model.columns import COMPUTED, column
from transforms.core.model.narratives.schemas import (
    CLASS_COLUMNS,
    CLASS_KEY,
    LOCALIZATION,
    LOCALIZATION_COUNTS,
)
from transforms.core.output.statistics.statistic import Statistic, StatisticsTable, in_order
from transforms.core.stages.match.localization import BINS

TABLE, HISTOGRAM_TABLE = "localization", "localization_histogram"

ClassKey = tuple[str | None, str | None, str, str | None]
"""Dataset, split, class id and name: the columns of `schemas.CLASS_KEY`."""

HISTOGRAM_SCHEMA = pa.schema(
    [
        *CLASS_COLUMNS,
        column("bin_x", pa.int32(), "column of 150 over [−1, 2] box widths", "bins", COMPUTED),
        column("bin_y", pa.int32(), "row of 150 over [−1, 2] box heights", "bins", COMPUTED),
        column("points", pa.int64(), "trace points in it", "points", COMPUTED),
    ]
)

_BIN, _POINTS = np.dtype("<i4"), np.dtype("<i8")
"""How a histogram's arrays are stored."""


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
class Localization(Statistic):
    """Mentions of each class, and the histogram of their trace points relative to their boxes.

    Attributes:
      counts: `schemas.LOCALIZATION_COUNTS` by class key.
      histograms: Points by bin (`bin_x * 150 + bin_y`) by class key.
    """

    name = "localization"
    tables = {
        TABLE: StatisticsTable(LOCALIZATION, "counts and trace points relative to boxes, by class"),
        HISTOGRAM_TABLE: StatisticsTable(
            HISTOGRAM_SCHEMA, "a bin of the histogram of trace points relative to boxes"
        ),
    }

    counts: dict[ClassKey, list[int]] = dataclasses.field(default_factory=dict)
    histograms: dict[ClassKey, HistogramCounts] = dataclasses.field(default_factory=dict)

    def add(self, chunk: Chunk) -> None:
        """Adds what MatchMentions has counted."""
        if not {"localization", "histogram"} <= chunk.tables.keys():
            return
        groups = chunk["histogram"]["group"].to_numpy()
        bins = (
            chunk["histogram"]["bin_x"].to_numpy() * BINS + chunk["histogram"]["bin_y"].to_numpy()
        )
        points = chunk["histogram"]["points"].to_numpy()
        bounds = np.searchsorted(groups, np.arange(len(chunk["localization"]) + 1))
        for row, (first, end) in zip(
            chunk["localization"].to_pylist(), itertools.pairwise(bounds), strict=True
        ):
            key = tuple(row[name] for name in CLASS_KEY)
            self._add_counts(key, [row[name] for name in LOCALIZATION_COUNTS])
            if end > first:
                self._add_points(key, HistogramCounts(bins[first:end], points[first:end]))

    def _add_counts(self, key: ClassKey, counts: list[int]) -> None:
        own = self.counts.get(key, [0] * len(LOCALIZATION_COUNTS))
        self.counts[key] = [a + b for a, b in zip(own, counts, strict=True)]

    def _add_points(self, key: ClassKey, histogram: HistogramCounts) -> None:
        self.histograms.setdefault(key, HistogramCounts()).merge(histogram)

    def merge(self, other: "Localization") -> None:
        """Adds another's."""
        for key, counts in other.counts.items():
            self._add_counts(key, counts)
        for key, histogram in other.histograms.items():
            self._add_points(key, histogram)

    def compact(self) -> None:
        """Adds up the batches of each histogram."""
        for histogram in self.histograms.values():
            histogram.compact()

    def pack(self) -> dict:
        """Rows of the key and what is counted; histograms as the bytes of their arrays."""
        return {
            "counts": [[*key, counts] for key, counts in self.counts.items()],
            "histograms": [
                [*key, own.bins.astype(_BIN).tobytes(), own.points.astype(_POINTS).tobytes()]
                for key, own in self.histograms.items()
            ],
        }

    @classmethod
    def unpack(cls, packed: dict) -> "Localization":
        """What `pack` made."""
        return cls(
            {tuple(key): counts for *key, counts in packed["counts"]},
            {
                tuple(key): HistogramCounts(
                    np.frombuffer(bins, _BIN).astype(np.int64),
                    np.frombuffer(points, _POINTS).astype(np.int64),
                )
                for *key, bins, points in packed["histograms"]
            },
        )

    def to_tables(self) -> dict[str, pa.Table]:
        """A row a class of a split, and a row a bin of it."""
        return {TABLE: self.counts_table(), HISTOGRAM_TABLE: self._histogram_table()}

    def counts_table(self) -> pa.Table:
        """A row a class of a split."""
        rows = [
            dict(zip(CLASS_KEY, key, strict=True))
            | dict(zip(LOCALIZATION_COUNTS, self.counts[key], strict=True))
            for key in in_order(self.counts)
        ]
        return pa.Table.from_pylist(rows, schema=LOCALIZATION)

    def _histogram_table(self) -> pa.Table:
        """A row a bin, made column by column: there may be millions."""
        keys = in_order(self.histograms)
        histograms = [self.histograms[key] for key in keys]
        key_of_row = pa.array(
            np.repeat(np.arange(len(keys)), [len(own.bins) for own in histograms])
        )
        cells = np.concatenate([np.empty(0, np.int64), *(own.bins for own in histograms)])
        points = np.concatenate([np.empty(0, np.int64), *(own.points for own in histograms)])
        terms = [
            pa.array([key[part] for key in keys], pa.string()).dictionary_encode().take(key_of_row)
            for part in range(len(CLASS_KEY))
        ]
        columns = [*terms, pa.array(cells // BINS), pa.array(cells % BINS), pa.array(points)]
        return pa.Table.from_arrays(
            [column.cast(field.type) for column, field in zip(columns, HISTOGRAM_SCHEMA,
                                                              strict=True)],
            schema=HISTOGRAM_SCHEMA,
        )  # fmt: skip
