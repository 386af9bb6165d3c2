"""Commit records: what a finished unit leaves, and what runs are resumed and merged from.

A record names the unit's files with rows, bytes and checksums, its counts by reason and its
partial statistics. It is written last and only once: what no record names does not exist.
"""

import builtins
from collections.abc import Sequence

import msgspec

from transforms.core.base.sealed import CorruptData, seal, unseal
from transforms.core.model import bad_lines
from transforms.core.model.chunk import Chunk
from transforms.core.model.units import Counts, Unit
from transforms.core.output.jobs.job import Job

SHOWN_REJECTS = 20
"""Bad lines that a record describes; all of them are in the `rejected` table."""


class FileEntry(msgspec.Struct, frozen=True):
    """A written file.

    Attributes:
      table: The table it belongs to.
      path: Where it lies, below the output folder.
      rows: Rows in it.
      bytes: Its size.
      crc32c: Its checksum.
      sha256: Another one, hexadecimal, by which others verify it; empty in records of older
        programs.
    """

    table: str
    path: str
    rows: int
    bytes: int
    crc32c: int
    sha256: str = ""


class BadLineEntry(msgspec.Struct, frozen=True):
    """A bad line, short: `line_in_unit` counts from 0."""

    line_in_unit: int
    code: str
    message: str


class UnitRecord(msgspec.Struct):
    """A finished unit.

    Attributes:
      unit: Which.
      attempt: The attempt that finished it; its files lie in a folder of that name.
      files: What it wrote.
      counts: What it held.
      bytes: Bytes of (decompressed) lines that it covers.
      crc32c: Checksum of those bytes.
      last: Whether it is the last piece of a compressed shard.
      bad_lines: The first bad lines.
      statistics: Packed partial statistics (`Statistics.pack`).
      aside: Files of the tables that it sets aside for statistics (`Statistic.aside`), which no
        version shows.
      places: What each index of the job's rows has of it (`row_indexes`), by name.
    """

    unit: Unit
    attempt: str
    files: list[FileEntry]
    counts: Counts
    bytes: int
    crc32c: int
    last: bool
    bad_lines: list[BadLineEntry]
    statistics: dict
    aside: list[FileEntry] = []
    places: dict[str, builtins.bytes] = {}

    @property
    def all_files(self) -> list[FileEntry]:
        """All that the unit wrote."""
        return [*self.files, *self.aside]


def make_record(
    job: Job,
    unit: Unit,
    chunk: Chunk,
    attempt: str,
    files: list[FileEntry],
    aside: Sequence[FileEntry] = (),
    places: dict[str, bytes] | None = None,
) -> UnitRecord:
    """The record of a chunk whose files, and those that it sets aside, are in place."""
    bad = chunk.get(bad_lines.TABLE)
    columns = ["line_in_unit", "code", "message"]
    shown = [] if bad is None else bad.slice(0, SHOWN_REJECTS).select(columns).to_pylist()
    return UnitRecord(
        unit=unit,
        attempt=attempt,
        files=files,
        counts=job.count_chunk(chunk),
        bytes=chunk.bytes,
        crc32c=chunk.crc32c,
        last=chunk.last,
        bad_lines=[BadLineEntry(**row) for row in shown],
        statistics=job.measure_chunk(chunk).pack(),
        aside=list(aside),
        places=places or {},
    )


class CorruptRecord(ValueError):
    """Bytes that are no complete record."""


def encode_record(record: UnitRecord) -> bytes:
    """A record as bytes (`sealed`)."""
    return seal(record)


def decode_record(data: bytes) -> UnitRecord:
    """What `encode_record` made.

    Raises:
      CorruptRecord: It is not that, or not all of it.
    """
    try:
        return unseal(data, UnitRecord)
    except CorruptData as error:
        raise CorruptRecord(str(error)) from error
