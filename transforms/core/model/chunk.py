"""A chunk: the narratives of one unit in columnar form, with its bad lines beside them."""

import builtins
import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from transforms.core.model.columns import empty_batch, set_columns


@dataclasses.dataclass(frozen=True)
class Chunk:
    """What passes from stage to stage. Stages return a new chunk and share the columns.

    Attributes:
      narratives: A row a narrative, ragged columns as Arrow lists; begins as
        `schemas.READ_NARRATIVES` and gains columns as the stages add them.
      rejected: A row a bad line (`schemas.REJECTED`).
      lines: Lines read, blank and bad ones included.
      blank: Lines of nothing but white space.
      bytes: Bytes of the shard (decompressed) that the unit covers.
      crc32c: Checksum of those bytes.
      last: Whether the unit is the last of a compressed shard (else False).
      discarded: Narratives that the quality filter took out, None before it has run.
      mentions: A row a class mention, None before they are matched.
      localization: Mentions and points by class, None before they are measured.
      histogram: Trace points by class and bin, likewise.
    """

    narratives: pa.RecordBatch
    rejected: pa.RecordBatch
    lines: int
    blank: int
    bytes: int
    crc32c: int
    last: bool = False
    discarded: pa.RecordBatch | None = None
    mentions: pa.RecordBatch | None = None
    localization: pa.RecordBatch | None = None
    histogram: pa.RecordBatch | None = None

    def replace(self, **changes: Any) -> "Chunk":
        """A chunk with other parts."""
        return dataclasses.replace(self, **changes)

    def with_columns(self, **columns: pa.Array | np.ndarray) -> "Chunk":
        """A chunk whose narratives have these columns, appended or replaced."""
        return self.replace(narratives=set_columns(self.narratives, **columns))

    @property
    def nbytes(self) -> int:
        """Bytes of all columns: what a size estimate needs, without serialising."""
        return sum(batch.nbytes for _, batch in self._batches())

    def _batches(self) -> Iterable[tuple[str, pa.RecordBatch]]:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, pa.RecordBatch):
                yield field.name, value

    def to_bytes(self) -> "builtins.bytes":
        """Serialises: the batches' names, then Arrow IPC streams of the scalars and each batch."""
        batches = dict(self._batches())
        scalars = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name not in batches and getattr(self, field.name) is not None
        }
        envelope = pa.RecordBatch.from_pylist([scalars])
        parts = [envelope, *batches.values()]
        sink = pa.BufferOutputStream()
        names = ",".join(batches).encode()
        sink.write(len(names).to_bytes(4, "little") + names)
        for batch in parts:
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
        parts = [_read_batch(source) for _ in range(1 + len(names))]
        return cls(**parts[0].to_pylist()[0], **dict(zip(names, parts[1:], strict=True)))


def _read_batch(source: pa.NativeFile) -> pa.RecordBatch:
    table = pa.ipc.open_stream(source).read_all().combine_chunks()
    return table.to_batches()[0] if table.num_rows else empty_batch(table.schema)
