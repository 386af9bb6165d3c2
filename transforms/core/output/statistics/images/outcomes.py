"""What became of images, by dataset, split and host: fetched, or the reason why not."""

import collections
import dataclasses
from typing import Self

import pyarrow as pa

from transforms.core.model.chunk import Chunk
from transforms.core.model.columns import ANNOTATIONS, COMPUTED, RUN, column, term
from transforms.core.model.narratives.schemas import SPLIT_COLUMNS
from transforms.core.output.statistics.statistic import Statistic, StatisticsTable, in_order

TABLE = "outcomes"
FETCHED = "fetched"

_KEY = ("dataset", "split", "host")

Key = tuple[str | None, str | None, str | None, str]
"""Dataset, split, host and outcome."""


@dataclasses.dataclass(slots=True)
class Outcomes(Statistic):
    """Numbers of images and their bytes by outcome.

    Attributes:
      images: By key.
      bytes: By key.
    """

    name = "outcomes"
    tables = {
        TABLE: StatisticsTable(
            pa.schema(
                [
                    *SPLIT_COLUMNS,
                    term("host", "the server that was asked", source=ANNOTATIONS),
                    term("outcome", "`fetched`, or why not", source=RUN, required=True),
                    column("images", pa.int64(), "images that ended so", "images", COMPUTED),
                    column("bytes", pa.int64(), "what came of them", "bytes", COMPUTED),
                ]
            ),
            "an outcome on a host: images that were fetched, or were not and why",
        )
    }

    images: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    bytes: collections.Counter = dataclasses.field(default_factory=collections.Counter)

    def add(self, chunk: Chunk) -> None:
        """Counts the images of a chunk."""
        self._add(chunk["images"].append_column("outcome", _all_fetched(chunk["images"])))
        failures = chunk["failures"]
        self._add(failures.append_column("outcome", failures["reason"]))

    def _add(self, rows: pa.RecordBatch) -> None:
        names = [*_KEY, "outcome"]
        table = pa.table({name: rows[name].cast(pa.string()) for name in names})
        table = table.append_column("bytes", rows["bytes"])
        counted = table.group_by(names).aggregate([("bytes", "sum"), ("bytes", "count")])
        for row in counted.to_pylist():
            key = tuple(row[name] for name in names)
            self.images[key] += row["bytes_count"]
            self.bytes[key] += row["bytes_sum"] or 0

    def merge(self, other: Self) -> None:
        """Adds another's numbers."""
        self.images.update(other.images)
        self.bytes.update(other.bytes)

    def pack(self) -> list:
        """Rows of the key's parts, images and bytes."""
        return [[*key, self.images[key], self.bytes[key]] for key in in_order(self.images)]

    @classmethod
    def unpack(cls, packed: list) -> Self:
        """What `pack` made."""
        return cls(
            collections.Counter({tuple(key): images for *key, images, _ in packed}),
            collections.Counter({tuple(key): size for *key, _, size in packed}),
        )

    def to_tables(self) -> dict[str, pa.Table]:
        """A row an outcome."""
        schema = self.tables[TABLE].schema
        rows = [dict(zip(schema.names, row, strict=True)) for row in self.pack()]
        return {TABLE: pa.Table.from_pylist(rows, schema=schema)}


def _all_fetched(rows: pa.RecordBatch) -> pa.Array:
    return pa.array([FETCHED] * len(rows), pa.string())
