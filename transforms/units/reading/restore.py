"""Restoring units: chunks from the tables of units that are finished, in place of the shard."""

import io
from collections.abc import Callable, Iterator, Mapping
from typing import cast

import fastavro
import google_crc32c
import pyarrow as pa
import pyarrow.parquet as pq

from transforms import storage
from transforms.core.base.errors import UsageError
from transforms.core.model import bad_lines, layout
from transforms.core.model.chunk import Chunk
from transforms.core.model.units import Unit
from transforms.core.output.commit_records import (
    CorruptRecord,
    FileEntry,
    UnitRecord,
    decode_record,
)

Restorer = Callable[[UnitRecord, Mapping[str, pa.Table]], Mapping[str, pa.RecordBatch] | None]
"""Makes a chunk's tables, but for the bad lines, of those of a finished unit. None where these do
not tell exactly what the shard holds."""


def restore_unit(unit: Unit, restore: Restorer) -> list[tuple[Unit, Chunk]] | None:
    """The chunks of a unit, from finished ones that hold the same lines (`Unit.before`).

    Args:
      unit: The unit.
      restore: The job's.

    Returns:
      The unit, or the pieces of a compressed shard, with their chunks; None where the shard must
      be read, since records or tables are gone, corrupt or not exact.
    """
    found = []
    for path in unit.before:
        try:
            record, held = _read_finished(path)
        except (CorruptRecord, UsageError):
            return None
        bad = held.pop(bad_lines.TABLE, bad_lines.SCHEMA.empty_table())
        tables = restore(record, held)
        if tables is None:
            return None
        chunk = Chunk(
            {**tables, bad_lines.TABLE: one_batch(bad)},
            lines=record.counts.lines,
            blank=record.counts.blank,
            bytes=record.bytes,
            crc32c=record.crc32c,
            last=record.last,
            repaired=record.counts.repaired,
            left_out=record.counts.left_out,
            restored=True,
        )
        found.append((_piece(unit, record), chunk))
    return found


def _read_finished(path: str) -> tuple[UnitRecord, dict[str, pa.Table]]:
    """A commit record, and the tables that it names."""
    record = decode_record(storage.read_bytes(path))
    output, _ = layout.unit_of(path)
    return record, {file.table: read_unit_table(output, file) for file in record.files}


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """All rows of a table, each column in one piece."""
    batches = table.unify_dictionaries().combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)


def _piece(unit: Unit, record: UnitRecord) -> Unit:
    if not unit.compressed:
        return unit
    held = record.unit
    return unit.piece(held.index, held.start, held.start + record.bytes)


def read_unit_table(output: str, file: FileEntry) -> pa.Table:
    """The rows of a file of a unit.

    Raises:
      CorruptRecord: It is not what the unit's record says.
      UsageError: It is gone.
    """
    data = storage.read_bytes(storage.join(output, file.path))
    if google_crc32c.value(data) != file.crc32c:
        raise CorruptRecord(f"{file.path!r} is not what its commit record says")
    if file.table == bad_lines.TABLE:
        rows = list(cast(Iterator[dict], fastavro.reader(io.BytesIO(data))))
        return pa.Table.from_pylist(rows, schema=bad_lines.SCHEMA)
    return pq.read_table(pa.BufferReader(data), use_threads=False, pre_buffer=False)
