"""The lines of a unit, in memory."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import NamedTuple

from transforms import storage
from transforms.core.base.lines import MAX_LINE_BYTES, Block, read_block, read_pieces
from transforms.core.model.units import Unit


class UnitBlock(NamedTuple):
    """Lines of a unit.

    Attributes:
      unit: The unit; of a compressed shard, a piece of it.
      block: Its lines, complete.
      start: Where they begin in the (decompressed) shard.
      last: Whether they are the last ones of a compressed shard.
    """

    unit: Unit
    block: Block
    start: int
    last: bool

    def cut(self, begin: int, end: int) -> "UnitBlock":
        """Some of the lines: those between two bytes of the block."""
        skipped = self.block.skipped if end == len(self.block) else None
        block = dataclasses.replace(Block.of(self.block.cut(begin, end)), skipped=skipped)
        return self._replace(block=block, start=self.start + begin)


Cut = Callable[[Unit, int], Iterator[UnitBlock]]
"""Brings a unit into memory; the second argument is the size of a compressed shard's pieces."""


def blocks_of(unit: Unit, unit_bytes: int) -> Iterator[UnitBlock]:
    """The lines of a unit, in one block; of a compressed shard, those of its pieces in turn.

    Args:
      unit: The unit.
      unit_bytes: Size of the pieces into which a compressed shard's text is cut.

    Raises:
      ChangedError: The shard is no longer the one that was planned.
    """
    if not unit.compressed:
        end = unit.size if unit.end is None else unit.end
        with storage.open_binary(unit.path, unit.fingerprint) as file:
            start, block = read_block(file, unit.start, end, MAX_LINE_BYTES)
        storage.check_unchanged(unit.path, unit.fingerprint, unit.identity)
        yield UnitBlock(unit, block, start, False)
        return
    with storage.open_decompressed(unit.path, unit.fingerprint) as file:
        pieces = read_pieces(file, unit_bytes, MAX_LINE_BYTES)
        for index, (start, block, last) in enumerate(pieces):
            storage.check_unchanged(unit.path, unit.fingerprint, unit.identity)
            yield UnitBlock(unit.piece(index, start, start + block.size), block, start, last)
