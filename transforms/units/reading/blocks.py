"""The lines of a unit, in memory."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple, cast

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


BlocksOf = Callable[[Unit, int], Iterator[UnitBlock]]
"""Cuts a unit into blocks; the number is that of bytes of a piece of a compressed shard."""


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
        text = file if unit.stop is None else cast(BinaryIO, _Beginning(file, unit.stop))
        pieces = read_pieces(text, unit_bytes, MAX_LINE_BYTES)
        for index, (start, block, last) in enumerate(pieces):
            storage.check_unchanged(unit.path, unit.fingerprint, unit.identity)
            yield UnitBlock(unit.piece(index, start, start + block.size), block, start, last)


class _Beginning:
    """The first bytes of a stream, as if it ended behind them."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left = file, size

    def read(self, size: int) -> bytes:
        return self._taken(self._file.read(min(size, self._left)))

    def readline(self, size: int = -1) -> bytes:
        most = self._left if size < 0 else min(size, self._left)
        return self._taken(self._file.readline(most))

    def _taken(self, data: bytes) -> bytes:
        self._left -= len(data)
        return data
