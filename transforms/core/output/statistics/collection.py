"""The statistics of a job, handled as one."""

from collections.abc import Mapping, Sequence
from typing import TypeVar, cast

import pyarrow as pa

from transforms.core.model.chunk import Chunk
from transforms.core.output.statistics.statistic import ReadAside, Statistic

Kind = TypeVar("Kind", bound=Statistic)


class Statistics:
    """One accumulator of each kind.

    Args:
      kinds: The classes of the statistics.
    """

    def __init__(self, kinds: Sequence[type[Statistic]]) -> None:
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
        """Adds what `pack` made; a statistic that an older program did not know is left out."""
        self._parts = {kind: part for kind, part in self._parts.items() if kind.name in packed}
        for kind, part in self._parts.items():
            part.merge(kind.unpack(packed[kind.name]))

    def compact(self) -> None:
        """Adds up what merging only gathered."""
        for part in self._parts.values():
            part.compact()

    def gather(self, read: ReadAside) -> None:
        """Takes from the tables that units set aside what all of them tell (`Statistic.gather`)."""
        for part in self._parts.values():
            part.gather(read)

    def pack(self) -> dict:
        """All of them by name, in values that MessagePack can hold."""
        self.compact()
        return {part.name: part.pack() for part in self._parts.values()}

    def to_tables(self) -> dict[str, pa.Table]:
        """The tables of all of them by name (`Statistic.tables`)."""
        self.compact()
        made: dict[str, pa.Table] = {}
        for part in self._parts.values():
            made |= part.to_tables()
        return made
