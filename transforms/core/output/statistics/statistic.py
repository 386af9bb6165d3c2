"""What a statistic is: the protocol that units, commit records, merging and publishing follow.

And the simplest kind of one, which counts values.
"""

import abc
import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import pyarrow as pa

from transforms.core.model.chunk import Chunk
from transforms.core.model.columns import dataset_splits

Split = tuple[str | None, str | None]
"""Dataset and split, None where unknown."""


ReadAside = Callable[[str], Iterator[pa.RecordBatch]]
"""Reads a table that units set aside (`Statistic.aside`), the rows of one after the other."""


class StatisticsTable(NamedTuple):
    """A table of a version that is made from merged statistics.

    Attributes:
      schema: Its columns.
      row: What a row of it is, for the version's README.
    """

    schema: pa.Schema
    row: str


class Statistic(abc.ABC):
    """An accumulator over chunks.

    Adding chunks one by one, or merging accumulators of parts of them in any order and grouping,
    must give the same tables, byte by byte: sums are kept in integers, and counts by key.

    Attributes:
      name: Under which commit records keep it; unique among the statistics of a job.
      tables: The tables that it makes, by name.
      aside: Schemas of tables that each unit sets aside for it in files of its own, by name, which
        no version shows: what only all units together tell, such as which keys repeat, and would
        be too much for records.
    """

    name: ClassVar[str]
    tables: ClassVar[Mapping[str, StatisticsTable]]
    aside: ClassVar[Mapping[str, pa.Schema]] = {}

    @abc.abstractmethod
    def add(self, chunk: Chunk) -> None:
        """Adds a chunk that has passed all stages."""

    @abc.abstractmethod
    def merge(self, other: Self) -> None:
        """Adds another one, which stays as it is."""

    def compact(self) -> None:  # noqa: B027  # most have nothing to do
        """Adds up what merging may have only gathered."""

    @staticmethod
    def set_aside(chunk: Chunk) -> Mapping[str, pa.RecordBatch]:  # noqa: ARG004
        """The rows of each of the tables `aside`, of a unit's chunk that has passed all stages."""
        return {}

    def gather(self, read: ReadAside) -> None:  # noqa: B027  # most have nothing there
        """Takes from the tables `aside` what all units tell, once, when all are merged.

        Memory must not grow with their rows. `pack` knows nothing of what was gathered.
        """

    @abc.abstractmethod
    def pack(self) -> Any:
        """The accumulator in values that MessagePack can hold; integers beyond 64 bits as text."""

    @classmethod
    @abc.abstractmethod
    def unpack(cls, packed: Any) -> Self:
        """What `pack` made, after its way through MessagePack."""

    @abc.abstractmethod
    def to_tables(self) -> dict[str, pa.Table]:
        """The tables named in `tables`, rows in the order of their keys (`in_order`)."""


@dataclasses.dataclass(slots=True)
class ValueCounts(Statistic):
    """How many rows of a split have which value; those that have none are left out.

    Its one table has the columns dataset (`whose`), split, the value and the number.

    Attributes:
      counts: By dataset and split, numbers by value.
      counted: The table whose rows are counted.
      whose: Its column of the datasets.
    """

    counted: ClassVar[str] = "narratives"
    whose: ClassVar[str] = "dataset"

    counts: dict[Split, Counter] = dataclasses.field(default_factory=dict)

    @staticmethod
    @abc.abstractmethod
    def values(rows: pa.RecordBatch) -> pa.Array:
        """The value of each row, null where it has none."""

    def add(self, chunk: Chunk) -> None:
        """Counts the rows of a chunk."""
        rows = chunk[self.counted]
        found = np.array(self.values(rows).to_pylist(), object)
        splits, split_of_row = dataset_splits(rows, self.whose)
        for position, split in enumerate(splits):
            values = found[split_of_row == position]
            counted = Counter(value for value in values if value is not None)
            self.counts.setdefault(split, Counter()).update(counted)

    def merge(self, other: Self) -> None:
        """Adds another's counts."""
        for split, counter in other.counts.items():
            self.counts.setdefault(split, Counter()).update(counter)

    def pack(self) -> list:
        """Rows of dataset, split, and pairs of values and numbers."""
        return [[*split, sorted(counter.items())] for split, counter in self.counts.items()]

    @classmethod
    def unpack(cls, packed: list) -> Self:
        """What `pack` made."""
        return cls(
            {
                (dataset, split): Counter(dict(map(tuple, counts)))
                for dataset, split, counts in packed
            }
        )

    def to_tables(self) -> dict[str, pa.Table]:
        """A row a value of each split."""
        [(name, table)] = self.tables.items()
        rows = [
            dict(zip(table.schema.names, (*split, value, number), strict=True))
            for split in in_order(self.counts)
            for value, number in sorted(self.counts[split].items())
        ]
        return {name: pa.Table.from_pylist(rows, schema=table.schema)}


def in_order(keys: Iterable[tuple]) -> list[tuple]:
    """Keys sorted, None as if it were empty."""
    return sorted(keys, key=lambda key: tuple("" if part is None else part for part in key))
