"""Repairs: lines that stand in the place of rejected ones when a shard is read."""

import dataclasses
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import BinaryIO

import msgspec
import numpy as np

from transforms.core.base.lines import MAX_LINE_BYTES, Block
from transforms.core.base.sealed import CorruptData, seal, unseal
from transforms.core.model import bad_lines
from transforms.core.model.chunk import Chunk
from transforms.core.model.columns import numbers, set_columns

_LINE_END = re.compile(rb"\n")


class Repair(msgspec.Struct, frozen=True):
    """A line in place of another one.

    Attributes:
      shard: The shard's file name.
      byte_offset: Where the rejected line begins in the (decompressed) shard.
      size: How many of its bytes the table `rejected` had.
      digest: Of these bytes (`digest_of`).
      content: Of the shard in which it was rejected (`FileInfo`); empty where that is not known.
      raw: The line that stands in its place, without a line end.
    """

    shard: str
    byte_offset: int
    size: int
    digest: str
    content: str
    raw: bytes

    @property
    def replaced(self) -> tuple[str, int, str]:
        """The line that it replaces: by its shard, its place in it, and its bytes."""
        return self.shard, self.byte_offset, self.digest

    @property
    def key(self) -> str:
        """Tells the repair by the line that it replaces and by its own."""
        return digest_of(f"{self.digest}:".encode() + self.raw)

    def is_of(self, line: bytes) -> bool:
        """Whether it is the repair of a line of these bytes; of long ones the first were kept."""
        kept = line[: self.size]
        is_whole = len(line) == self.size or len(line) > MAX_LINE_BYTES
        return is_whole and digest_of(kept) == self.digest


def digest_of(line: bytes) -> str:
    """32 hexadecimal digits that tell a line by its bytes."""
    return hashlib.blake2b(line, digest_size=16).hexdigest()


def line_at(file: BinaryIO, byte_offset: int) -> bytes | None:
    """The line that begins at a byte of a file that can seek, None where none does.

    Of one that is too long there is so much that this is seen.
    """
    file.seek(max(byte_offset - 1, 0))
    if byte_offset and file.read(1) != b"\n":
        return None
    return file.readline(MAX_LINE_BYTES + 1).removesuffix(b"\n") or None


class CorruptRepairs(ValueError):
    """Bytes that are no complete file of repairs."""


def encode_repairs(repairs: Sequence[Repair]) -> bytes:
    """Repairs as bytes (`sealed`)."""
    return seal(repairs)


def decode_repairs(data: bytes) -> list[Repair]:
    """What `encode_repairs` made.

    Raises:
      CorruptRepairs: It is not that, or not all of it.
    """
    try:
        return unseal(data, list[Repair])
    except CorruptData as error:
        raise CorruptRepairs(str(error)) from error


@dataclasses.dataclass(frozen=True)
class RepairedBlock:
    """Lines of which some stand in the place of others.

    Attributes:
      block: The lines, as many as there were.
      applied: Where in the shard the lines begin that were replaced, in order.
      starts: Shape `(n_applied,)` int64: where these begin in `block`.
      shifts: Shape `(n_applied + 1,)` int64: by how much the lines are moved before the first, and
        behind each of these.
    """

    block: Block
    applied: tuple[int, ...]
    starts: np.ndarray
    shifts: np.ndarray

    def origins(self, offsets: np.ndarray) -> np.ndarray:
        """Where lines that begin at these offsets of `block` begin in the block as it was."""
        return offsets - self.shifts[np.searchsorted(self.starts, offsets, side="left")]


def blank(byte_offset: int, line: bytes) -> Repair:
    """A blank in the place of a line."""
    return Repair("", byte_offset, len(line), digest_of(line), "", b" ")


def line_at_byte(block: Block, begin: int) -> bytes | None:
    """The line that begins at a byte of a block, None where none does.

    Of one that is too long there is so much that this is seen.
    """
    end = _line_end(block, begin)
    return None if end is None else block.cut(begin, min(end, begin + MAX_LINE_BYTES + 1))


def repair_block(block: Block, start: int, repairs: Mapping[int, Repair]) -> RepairedBlock:
    """Puts repaired lines in their places; those whose line is another one are left out.

    Args:
      block: Complete lines.
      start: Where they begin in the (decompressed) shard.
      repairs: By where in the shard the line begins that each replaces.
    """
    parts, at, shift = [], 0, 0
    applied, starts, shifts = [], [], [0]
    skipped = block.skipped
    for offset in sorted(repairs):
        begin, raw = offset - start, repairs[offset].raw
        line, end = line_at_byte(block, begin), _line_end(block, begin)
        if line is None or end is None or not repairs[offset].is_of(line):
            continue
        parts += [block.cut(at, begin), raw]
        if end == len(block) and skipped:
            parts += [b"\n"] if skipped.line_end else []
            skipped = None
        applied.append(offset)
        starts.append(begin + shift)
        shift += len(raw) - (end - begin)
        shifts.append(shift)
        at = end
    parts.append(block.cut(at, len(block)))
    repaired = dataclasses.replace(Block.of(b"".join(parts)), skipped=skipped)
    return RepairedBlock(
        repaired, tuple(applied), np.array(starts, np.int64), np.array(shifts, np.int64)
    )


def _line_end(block: Block, begin: int) -> int | None:
    """Where the line ends that begins here; None where none does."""
    if not 0 <= begin < len(block) or (begin > 0 and block.cut(begin - 1, begin) != b"\n"):
        return None
    found = _LINE_END.search(block.data, begin)  # type: ignore[call-overload]  # arrays are buffers
    return found.start() if found else len(block)


def restore_places(chunk: Chunk, block: Block, start: int, repaired: RepairedBlock) -> Chunk:
    """A chunk that was read of repaired lines, as one of the lines that the shard holds.

    Places are those of the lines in the shard, bytes and checksum those of the shard. Lines that
    are rejected again do not count as repaired.

    Args:
      chunk: Read of `repaired.block`.
      block: The lines that the shard holds.
      start: Where they begin in the (decompressed) shard.
      repaired: What `repair_block` made of them.
    """
    tables = {
        name: set_columns(
            rows, byte_offset=repaired.origins(numbers(rows["byte_offset"]) - start) + start
        )
        for name, rows in chunk.tables.items()
        if "byte_offset" in rows.schema.names
    }
    bad = tables.get(bad_lines.TABLE)
    rejected = set() if bad is None else set(bad["byte_offset"].to_pylist())
    return dataclasses.replace(
        chunk,
        tables={**chunk.tables, **tables},
        bytes=block.size,
        crc32c=block.crc32c,
        repaired=sum(offset not in rejected for offset in repaired.applied),
    )
