"""A chunk: the rows of one unit in columnar form, a table a name, its bad lines among them."""

import builtins
import dataclasses
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from transforms.core.model.columns import empty_batch, set_columns


@dataclasses.dataclass(frozen=True)
class Chunk:
    """What passes from stage to stage. Stages return a new chunk and share the columns.

    Attributes:
      tables: Rows by table. What a reader makes, and what is there after which stage, is the job's
        (`narratives.schemas` for the main one).
      lines: Lines read, blank and bad ones included.
      blank: Lines of nothing but white space.
      bytes: Bytes of the shard (decompressed) that the unit covers.
      crc32c: Checksum of those bytes.
      last: Whether the unit is the last of a compressed shard (else False).
      repaired: Lines that were read in a repaired form, and not rejected.
      left_out: Lines of which no row is made since a sample leaves them out.
      restored: Whether it comes from a finished unit's tables, and so has been through the stages
        that make these.
    """

    tables: Mapping[str, pa.RecordBatch]
    lines: int
    blank: int
    bytes: int
    crc32c: int
    last: bool = False
    repaired: int = 0
    left_out: int = 0
    restored: bool = False

    def __getitem__(self, table: str) -> pa.RecordBatch:
        return self.tables[table]

    def __contains__(self, table: str) -> bool:
        return table in self.tables

    def get(self, table: str) -> pa.RecordBatch | None:
        """Rows of a table, None where no stage has made it."""
        return self.tables.get(table)

    def with_tables(self, **tables: pa.RecordBatch) -> "Chunk":
        """A chunk with these tables, added or replaced."""
        return dataclasses.replace(self, tables={**self.tables, **tables})

    def with_columns(self, table: str, /, **columns: pa.Array | np.ndarray) -> "Chunk":
        """A chunk of whose tables one has these columns, appended or replaced."""
        return self.with_tables(**{table: set_columns(self[table], **columns)})

    @property
    def nbytes(self) -> int:
        """Bytes of all columns: what a size estimate needs, without serialising."""
        return sum(batch.nbytes for batch in self.tables.values())

    def to_bytes(self) -> "builtins.bytes":
        """Serialises: the tables' names, then Arrow IPC streams of the numbers and each table."""
        numbers = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name != "tables"
        }
        names = ",".join(self.tables).encode()
        sink = pa.BufferOutputStream()
        sink.write(len(names).to_bytes(4, "little") + names)
        for batch in (pa.RecordBatch.from_pylist([numbers]), *self.tables.values()):
            with pa.ipc.new_stream(sink, batch.schema) as writer:
                writer.write_batch(batch)
        return sink.getvalue().to_pybytes()

    @classmethod
    def from_bytes(cls, data: "builtins.bytes") -> "Chunk":
        """Reads what `to_bytes` wrote; columns point into `data`."""
        length = int.from_bytes(data[:4], "little")
        names = data[4 : 4 + length].decode().split(",")
        source = pa.BufferReader(data)
        source.seek(4 + length)
        numbers, *tables = (_read_batch(source) for _ in range(1 + len(names)))
        return cls(dict(zip(names, tables, strict=True)), **numbers.to_pylist()[0])


def _read_batch(source: pa.NativeFile) -> pa.RecordBatch:
    table = pa.ipc.open_stream(source).read_all().combine_chunks()
    return table.to_batches()[0] if table.num_rows else empty_batch(table.schema)
