"""The statistics of a job, handled as one."""

from collections.abc import Mapping, Sequence
from typing import TypeVar, cast

import pyarrow as pa

from transforms.core.model.chunk import Chunk
from transforms.core.output.statistics.localization import Localization
from transforms.core.output.statistics.noun_counts import NounCounts
from transforms.core.output.statistics.richness import Richness
from transforms.core.output.statistics.statistic import Statistic, StatisticsTable
from transforms.core.output.statistics.totals import Totals

MAIN_JOB: tuple[type[Statistic], ...] = (Localization, Richness, NounCounts, Totals)
"""The statistics of the main job; their tables are written in this order."""

Kind = TypeVar("Kind", bound=Statistic)


class Statistics:
    """One accumulator of each kind.

    Args:
      kinds: The classes of the statistics.
    """

    def __init__(self, kinds: Sequence[type[Statistic]] = MAIN_JOB) -> None:
        self._parts = {kind: kind() for kind in kinds}

    def __getitem__(self, kind: type[Kind]) -> Kind:
        return cast(Kind, self._parts[kind])

    def add(self, chunk: Chunk) -> None:
        """Adds a chunk that has passed all stages."""
        for part in self._parts.values():
            part.add(chunk)

    def merge(self, other: "Statistics") -> None:
        """Adds another's, which has the same kinds."""
        for kind, part in self._parts.items():
            part.merge(other[kind])

    def merge_packed(self, packed: Mapping) -> None:
        """Adds what `pack` made."""
        for kind, part in self._parts.items():
            part.merge(kind.unpack(packed[kind.name]))

    def compact(self) -> None:
        """Adds up what merging only gathered."""
        for part in self._parts.values():
            part.compact()

    def pack(self) -> dict:
        """All of them by name, in values that MessagePack can hold."""
        self.compact()
        return {part.name: part.pack() for part in self._parts.values()}

    def to_tables(self) -> dict[str, pa.Table]:
        """The tables of all of them by name (`tables_of`)."""
        self.compact()
        made: dict[str, pa.Table] = {}
        for part in self._parts.values():
            made |= part.to_tables()
        return made


def measure_chunk(chunk: Chunk, kinds: Sequence[type[Statistic]] = MAIN_JOB) -> Statistics:
    """Statistics of the narratives that a chunk keeps."""
    statistics = Statistics(kinds)
    statistics.add(chunk)
    return statistics


def tables_of(kinds: Sequence[type[Statistic]] = MAIN_JOB) -> dict[str, StatisticsTable]:
    """The tables that statistics of these kinds make, by name."""
    return {name: table for kind in kinds for name, table in kind.tables.items()}
