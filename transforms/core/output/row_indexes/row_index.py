"""What an index of rows is, and what each unit's record keeps of it."""

import dataclasses
from collections.abc import Callable, Mapping

import pyarrow as pa

FILE = "file"
"""The column that names a file: only a version knows what its files are called."""


@dataclasses.dataclass(frozen=True)
class RowIndex:
    """An index of the rows of a table.

    Attributes:
      table: The table that each unit writes a file of.
      schema: Columns, `FILE` among them; its metadata say by which it is sorted (`sorted_by`).
      row: What a row is.
      find: The columns but `FILE`, in any order of rows, of the rows of a unit's tables.
    """

    table: str
    schema: pa.Schema
    row: str
    find: Callable[[Mapping[str, pa.RecordBatch]], pa.RecordBatch]


def pack_places(
    indexes: Mapping[str, RowIndex], rows: Mapping[str, pa.RecordBatch]
) -> dict[str, bytes]:
    """What each index finds in a unit, as Arrow IPC.

    Args:
      indexes: By name.
      rows: Of the unit's tables, as they are written.
    """
    return {
        name: _pack(index.find(rows))
        for name, index in indexes.items()
        if index.table in rows and len(rows[index.table])
    }


def _pack(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd", use_threads=False)
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()
