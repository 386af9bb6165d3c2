"""Cutting a shard into blocks of complete lines."""

import dataclasses
import functools
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import google_crc32c
import numpy as np

COMPRESSED = (".gz", ".zst")
"""Endings of files that must be read from their beginning."""

MAX_LINE_BYTES = 16 << 20
"""Bytes of a line without its line end; of a longer one, the rest is read past."""

PADDING = 128
"""Zeros behind a block, so that a scanner may look ahead without asking for the end."""

_LINE_END = re.compile(rb"\n")
_NEWLINE = ord("\n")
_AHEAD = 1 << 18
_SKIP = 1 << 20


@dataclasses.dataclass(frozen=True)
class Skipped:
    """What is read past and not kept: the rest of a too long line, an archive's own bytes.

    Attributes:
      bytes: How many bytes, the line end included.
      line_end: Whether a line end is the last of them.
      crc32c: Checksum of what was kept and skipped together.
    """

    bytes: int
    line_end: bool
    crc32c: int


@dataclasses.dataclass(frozen=True)
class Block:
    """Complete lines in memory.

    Attributes:
      padded: Shape `(len + PADDING,)` uint8: the lines, and zeros.
      skipped: What is not in memory of the last line, None where it is complete.
    """

    padded: np.ndarray
    skipped: Skipped | None = None

    @classmethod
    def of(cls, lines: bytes) -> "Block":
        """A block of these lines, copied."""
        padded = np.empty(len(lines) + PADDING, np.uint8)
        padded[: len(lines)] = np.frombuffer(lines, np.uint8)
        padded[len(lines) :] = 0
        return cls(padded)

    @property
    def data(self) -> np.ndarray:
        """The lines alone, shape `(len,)` uint8."""
        return self.padded[:-PADDING]

    def __len__(self) -> int:
        return len(self.padded) - PADDING

    @property
    def size(self) -> int:
        """Bytes of the shard that the lines cover, in memory or not."""
        return len(self) + (self.skipped.bytes if self.skipped else 0)

    @functools.cached_property
    def crc32c(self) -> int:
        """Checksum of these bytes."""
        return self.skipped.crc32c if self.skipped else google_crc32c.value(self.data)

    def cut(self, start: int, end: int) -> bytes:
        """A copy of some bytes."""
        return self.data[start:end].tobytes()


def is_blank(text: memoryview) -> bool:
    """Whether there is nothing but white space; the first bytes tell most often."""
    return not bytes(text[:64]).strip() and not bytes(text).strip()


def read_block(
    file: BinaryIO, start: int, end: int, max_line: int | None = None
) -> tuple[int, Block]:
    """The lines that begin in the bytes `start` to `end` of a file that can seek.

    Args:
      file: The file.
      start: First byte.
      end: One past the last byte.
      max_line: Bytes of a line, line end left out, beyond which no more of the last line is
        brought into memory; None keeps all.

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
    tail, skipped = _read_tail(file, buffer[cut:size], max_line)
    if size + len(tail) + PADDING > len(buffer):
        buffer = np.concatenate([buffer[:size], np.empty(len(tail) + PADDING, np.uint8)])
    buffer[size : size + len(tail)] = np.frombuffer(tail, np.uint8)
    size += len(tail)
    buffer[size : size + PADDING] = 0
    return first + cut, Block(buffer[cut : size + PADDING], skipped)


def _read_tail(
    file: BinaryIO, data: np.ndarray, max_line: int | None
) -> tuple[bytes, Skipped | None]:
    """The rest of the last line of `data`, as far as it is kept, and what is skipped of it."""
    if not len(data) or data[-1] == _NEWLINE:
        return b"", None
    if max_line is None:
        return file.readline(), None
    wanted = max_line + 1 - (len(data) - _last_line(data))
    tail = file.readline(wanted) if wanted > 0 else b""
    if tail.endswith(b"\n") or 0 <= len(tail) < wanted:
        return tail, None
    return tail, _skip_line(file, google_crc32c.extend(google_crc32c.value(data), tail))


def _last_line(data: np.ndarray) -> int:
    """Where the last line begins."""
    span = _AHEAD
    while True:
        begin = max(0, len(data) - span)
        found = data[begin:].tobytes().rfind(b"\n")
        if found >= 0 or not begin:
            return begin + found + 1
        span *= 8


def _skip_line(file: BinaryIO, crc32c: int) -> Skipped | None:
    """Reads to the next line end piece by piece; None where the file ends here."""
    size, piece = 0, b""
    while not piece.endswith(b"\n") and (more := file.readline(_SKIP)):
        piece = more
        size += len(piece)
        crc32c = google_crc32c.extend(crc32c, piece)
    return Skipped(size, piece.endswith(b"\n"), crc32c) if size else None


def _fill(file: Any, buffer: np.ndarray) -> int:
    """Reads until the buffer is full or the file ends; returns the bytes read."""
    size = 0
    while size < len(buffer) and (count := file.readinto(buffer[size:])):
        size += count
    return size


def _behind_line_end(data: np.ndarray) -> int:
    """The position behind the first line end, 0 where there is none."""
    found = _LINE_END.search(data)  # type: ignore[call-overload]  # arrays are buffers
    return found.end() if found else 0


def read_range(file: BinaryIO, start: int, end: int) -> tuple[int, bytes]:
    """As `read_block`, the lines as bytes."""
    first, block = read_block(file, start, end)
    return first, block.data.tobytes()


def read_pieces(
    file: BinaryIO, piece_bytes: int, max_line: int | None = None
) -> Iterator[tuple[int, Block, bool]]:
    """Cuts a stream that can't seek into the same pieces as `read_block` would.

    Yields:
      Where the piece's first line begins, its lines, and whether it is the last.
    """
    at, ahead = 0, b""
    while True:
        boundary = (at // piece_bytes + 1) * piece_bytes
        data = ahead + _read_fully(file, boundary - at - len(ahead))
        tail, skipped = _read_tail(file, np.frombuffer(data, np.uint8), max_line)
        block = dataclasses.replace(Block.of(data + tail), skipped=skipped)
        ahead = file.read(1)
        yield at, block, not ahead
        if not ahead:
            return
        at += block.size


def _read_fully(file: BinaryIO, size: int) -> bytes:
    parts = []
    while size > 0 and (part := file.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
