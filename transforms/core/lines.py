"""Cutting a shard into blocks of whole lines."""

import dataclasses
import re
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

PADDING = 128
"""Zeros behind a block, so that a scanner may look ahead without asking for the end."""

_LINE_END = re.compile(rb"\n")
_AHEAD = 1 << 18


@dataclasses.dataclass(frozen=True)
class Block:
    """Whole lines in memory.

    Attributes:
      padded: Shape `(size + PADDING,)` uint8: the lines, and zeros.
    """

    padded: np.ndarray

    @classmethod
    def of(cls, lines: bytes) -> "Block":
        """A block of these lines, copied."""
        padded = np.empty(len(lines) + PADDING, np.uint8)
        padded[: len(lines)] = np.frombuffer(lines, np.uint8)
        padded[len(lines) :] = 0
        return cls(padded)

    @property
    def data(self) -> np.ndarray:
        """The lines alone, shape `(size,)` uint8."""
        return self.padded[:-PADDING]

    def __len__(self) -> int:
        return len(self.padded) - PADDING

    def cut(self, start: int, end: int) -> bytes:
        """A copy of some bytes."""
        return self.data[start:end].tobytes()


def is_blank(text: memoryview) -> bool:
    """Whether there is nothing but white space; the first bytes tell most often."""
    return not bytes(text[:64]).strip() and not bytes(text).strip()


def read_block(file: BinaryIO, start: int, end: int) -> tuple[int, Block]:
    """The lines that begin in the bytes `start` to `end` of a file that can seek.

    Returns:
      Where the first line begins, and the lines; `end` and no line where none begins there.
    """
    if start >= end:
        return end, Block.of(b"")
    first = max(start - 1, 0)  # the byte before tells whether a line begins at `start`
    file.seek(first)
    buffer = np.empty(end - first + _AHEAD + PADDING, np.uint8)
    size = _fill(file, buffer[: end - first])
    cut = _behind_line_end(buffer[:size]) if start > 0 else 0
    if start > 0 and cut in (0, size):
        return end, Block.of(b"")
    if size and buffer[size - 1] != ord("\n"):
        tail = np.frombuffer(file.readline(), np.uint8)
        if size + len(tail) + PADDING > len(buffer):
            buffer = np.concatenate([buffer[:size], tail, np.empty(PADDING, np.uint8)])
        buffer[size : size + len(tail)] = tail
        size += len(tail)
    buffer[size : size + PADDING] = 0
    return first + cut, Block(buffer[cut : size + PADDING])


def _fill(file: BinaryIO, buffer: np.ndarray) -> int:
    """Reads until the buffer is full or the file ends; gives the bytes read."""
    size = 0
    while size < len(buffer) and (count := file.readinto(buffer[size:])):
        size += count
    return size


def _behind_line_end(data: np.ndarray) -> int:
    """The position behind the first line end, 0 where there is none."""
    found = _LINE_END.search(data)
    return found.end() if found else 0


def read_range(file: BinaryIO, start: int, end: int) -> tuple[int, bytes]:
    """As `read_block`, the lines as bytes."""
    first, block = read_block(file, start, end)
    return first, block.data.tobytes()


def read_pieces(file: BinaryIO, piece_bytes: int) -> Iterator[tuple[int, bytes, bool]]:
    """Cuts a stream that can't seek into the same pieces as `read_range` would.

    Yields:
      Where the piece's first line begins, its lines, and whether it is the last.
    """
    at, ahead = 0, b""
    while True:
        boundary = (at // piece_bytes + 1) * piece_bytes
        data = ahead + _read_fully(file, boundary - at - len(ahead))
        if data and not data.endswith(b"\n"):
            data += file.readline()
        ahead = file.read(1)
        yield at, data, not ahead
        if not ahead:
            return
        at += len(data)


def _read_fully(file: BinaryIO, size: int) -> bytes:
    parts = []
    while size > 0 and (part := file.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
