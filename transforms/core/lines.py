"""Cutting a shard into blocks of whole lines."""

from collections.abc import Iterator
from typing import BinaryIO


def read_range(file: BinaryIO, start: int, end: int) -> tuple[int, bytes]:
    """The lines that begin in the bytes `start` to `end` of a file that can seek.

    Returns:
      Where the first line begins, and the lines; `(end, b"")` where none begins there.
    """
    first = max(start - 1, 0)  # the byte before tells whether a line begins at `start`
    file.seek(first)
    data = _read_fully(file, end - first)
    if start > 0:
        cut = data.find(b"\n") + 1
        if not cut or cut == len(data):
            return end, b""
        first, data = first + cut, data[cut:]
    if data and not data.endswith(b"\n"):
        data += file.readline()
    return first, data


def _read_fully(file: BinaryIO, size: int) -> bytes:
    parts = []
    while size > 0 and (part := file.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


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
