"""What a statistic is: the protocol that units, commit records, merging and publishing follow."""

import abc
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, NamedTuple, Self

import pyarrow as pa

from transforms.core.model.chunk import Chunk

Split = tuple[str | None, str | None]
"""Dataset and split, None where unknown."""


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
    """

    name: ClassVar[str]
    tables: ClassVar[Mapping[str, StatisticsTable]]

    @abc.abstractmethod
    def add(self, chunk: Chunk) -> None:
        """Adds a chunk that has passed all stages."""

    @abc.abstractmethod
    def merge(self, other: Self) -> None:
        """Adds another one, which stays as it is."""

    def compact(self) -> None:  # noqa: B027  # most have nothing to do
        """Adds up what merging may have only gathered."""

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


def in_order(keys: Iterable[tuple]) -> list[tuple]:
    """Keys sorted, None as if it were empty."""
    return sorted(keys, key=lambda key: tuple("" if part is None else part for part in key))
