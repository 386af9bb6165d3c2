"""Cutting documents of one JSON value into pieces that begin with a record.

A piece holds the records that begin in it; the first one also has what is before the list of
records, the last one what is behind it, so that pieces cover the document without a gap.
"""

import dataclasses
import functools
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import google_crc32c
import numpy as np

from transforms.core.base.lines import MAX_LINE_BYTES, PADDING, Block
from transforms.core.sources.captions.documents.scanner import BrokenDocument, Scanner

_BUFFER = 1 << 20


@dataclasses.dataclass(frozen=True)
class RecordBlock(Block):
    """Records of a document as lines; what is beside the list of records is not in memory.

    Attributes:
      original: The same bytes as they stand in the document.
      covered: Bytes of the document that the piece covers.
      checksum: CRC32C of these.
    """

    original: bytes = b""
    covered: int = 0
    checksum: int = 0

    @property
    def size(self) -> int:
        """Bytes of the document that the piece covers."""
        return self.covered

    @functools.cached_property
    def crc32c(self) -> int:
        """Checksum of these bytes."""
        return self.checksum


class Piece(NamedTuple):
    """A piece of a document.

    Attributes:
      start: Where it begins.
      records: Where the bytes in memory begin.
      block: Its records, a line each.
      last: Whether it is the last.
    """

    start: int
    records: int
    block: RecordBlock
    last: bool


def starts_of_pieces(stream: BinaryIO, key: str | None, piece_bytes: int) -> list[int]:
    """Where the pieces of a document begin: with the first record behind so many bytes each.

    Args:
      stream: The document from its beginning; is read to its end, a buffer at a time.
      key: Of the list of records (`Scanner`).
      piece_bytes: Bytes of a piece, but for the record that goes beyond.

    Raises:
      BrokenDocument: It is corrupt or cut short, with the byte.
    """
    scanner, starts = Scanner(key), [0]
    for _, _, found in _scanned(stream, scanner):
        at = 0
        while True:
            boundary = (starts[-1] // piece_bytes + 1) * piece_bytes
            at += int(np.searchsorted(found[at:], boundary))
            if at == len(found):
                break
            starts.append(int(found[at]))
    scanner.finish()
    return starts


def cut_document(stream: BinaryIO, key: str | None, piece_bytes: int) -> Iterator[Piece]:
    """Cuts a document into pieces, one of them in memory at a time, as `starts_of_pieces` does.

    Raises:
      BrokenDocument: It is corrupt or cut short, with the byte.
    """
    scanner = Scanner(key)
    piece = _Growing(0)
    for original, lines, found in _scanned(stream, scanner):
        begin = scanner.at - len(lines)
        at = 0
        while True:
            boundary = (piece.start // piece_bytes + 1) * piece_bytes
            at += int(np.searchsorted(found[at:], boundary))
            if at == len(found):
                break
            end = int(found[at])
            piece.add(scanner, original, lines, begin, end)
            yield piece.finish(last=False)
            piece = _Growing(end)
        piece.add(scanner, original, lines, begin, scanner.at)
    scanner.finish()
    yield piece.finish(last=True)


def read_piece(file: BinaryIO, key: str | None, start: int, end: int, is_last: bool) -> Piece:
    """A piece of a document in a file that can seek.

    Args:
      file: The document.
      key: Of the list of records (`Scanner`).
      start: Where the piece begins: one of `starts_of_pieces`.
      end: One past its last byte.
      is_last: Whether the document ends there.

    Raises:
      BrokenDocument: It is corrupt or cut short, with the byte.
    """
    file.seek(start)
    scanner, piece = Scanner(key, start), _Growing(start)
    for original, lines, _ in _scanned(file, scanner, end - start):
        piece.add(scanner, original, lines, scanner.at - len(lines), scanner.at)
    if is_last:
        scanner.finish()
    return piece.finish(is_last)


class _Growing:
    """A piece of which more is to come."""

    def __init__(self, start: int) -> None:
        self.start, self._end = start, start
        self._records: int | None = None
        self._original: list[bytes] = []
        self._lines: list[np.ndarray] = []
        self._checksum = 0

    def add(
        self, scanner: Scanner, original: bytes, lines: np.ndarray, begin: int, end: int
    ) -> None:
        """Adds what a buffer, which begins at a byte of the document, holds up to another."""
        text = original[self._end - begin : end - begin]
        self._checksum = google_crc32c.extend(self._checksum, text)
        if scanner.first is not None:
            low = max(self._end, scanner.first)
            high = end if scanner.last is None else min(end, scanner.last)
            if low < high:
                self._records = low if self._records is None else self._records
                self._original.append(original[low - begin : high - begin])
                self._lines.append(lines[low - begin : high - begin])
        self._end = end

    def finish(self, last: bool) -> Piece:
        """The piece."""
        padded = np.concatenate([*self._lines, np.zeros(PADDING, np.uint8)])
        block = RecordBlock(
            padded,
            original=b"".join(self._original),
            covered=self._end - self.start,
            checksum=self._checksum,
        )
        records = self.start if self._records is None else self._records
        return Piece(self.start, records, block, last)


def _scanned(
    stream: BinaryIO, scanner: Scanner, size: int | None = None
) -> Iterator[tuple[bytes, np.ndarray, np.ndarray]]:
    """Buffers of a document, the same as lines, and where records begin in the document."""
    left, record = size, scanner.at
    while data := stream.read(_BUFFER if left is None else min(_BUFFER, left)):
        left = None if left is None else left - len(data)
        lines = np.frombuffer(data, np.uint8).copy()
        found = scanner.scan(lines)
        record = _refuse_long(scanner, found, record)
        yield data, lines, found


def _refuse_long(scanner: Scanner, found: np.ndarray, record: int) -> int:
    """Where the last record begins, if none of them is longer than a line may be."""
    if scanner.first is None:
        return record
    end = scanner.at if scanner.last is None else scanner.last
    begins = np.concatenate([[max(record, scanner.first)], found, [max(end, scanner.first)]])
    if len(too_long := np.flatnonzero(np.diff(begins) > MAX_LINE_BYTES)):
        raise BrokenDocument(
            f"has a record of more than {MAX_LINE_BYTES:,} bytes at byte "
            f"{int(begins[too_long[0]]):,}: no caption is that long"
        )
    return int(begins[-2])
