"""A chunk: the narratives of one unit in columnar form, with its bad lines beside them."""

import builtins
import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from transforms.core.model.narratives import schemas


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


def empty_batch(schema: pa.Schema) -> pa.RecordBatch:
    """A batch of this schema with no rows."""
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)


def set_columns(batch: pa.RecordBatch, **columns: pa.Array | np.ndarray) -> pa.RecordBatch:
    """A batch with these columns appended or replaced, the others shared."""
    for name, column in columns.items():
        array = column if isinstance(column, pa.Array) else pa.array(column)
        at = batch.schema.get_field_index(name)
        batch = batch.append_column(name, array) if at < 0 else batch.set_column(at, name, array)
    return batch


def list_array(offsets: np.ndarray, values: pa.Array) -> pa.ListArray:
    """A list column over flat `values`; `offsets` has shape `(n_rows + 1,)`."""
    return pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32()), values, type=schemas.list_of(values.type)
    )


def unpack(column: pa.ListArray) -> tuple[np.ndarray, pa.Array]:
    """A list column's offsets, shape `(n_rows + 1,)` from 0, and its flat values."""
    offsets = column.offsets.to_numpy()
    first, end = (int(offsets[0]), int(offsets[-1])) if len(offsets) else (0, 0)
    return offsets - first, column.values.slice(first, end - first)


def numbers(array: pa.Array) -> np.ndarray:
    """A numeric column without nulls as a numpy view."""
    return array.to_numpy(zero_copy_only=not pa.types.is_boolean(array.type))


def points(narratives: pa.RecordBatch) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The flattened trace points: offsets `(n + 1,)` and x, y, t `(n_points,)` float64 each."""
    trace = narratives["trace"]
    offsets, x = unpack(trace.field("x"))
    _, y = unpack(trace.field("y"))
    _, t = unpack(trace.field("t"))
    return offsets, numbers(x), numbers(y), numbers(t)


def reduce_rows(ufunc: np.ufunc, values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Minimum or maximum of each row's values, NaN where a row has none."""
    result = np.full(len(offsets) - 1, np.nan)
    filled = np.flatnonzero(np.diff(offsets))
    if len(filled):
        result[filled] = ufunc.reduceat(values, offsets[filled])
    return result


def term_codes(column: pa.DictionaryArray) -> tuple[np.ndarray, list[str | None]]:
    """A column of terms as codes, shape `(n_rows,)` int64, and the values that they stand for.

    The last value is None and stands for null.
    """
    values = column.dictionary.to_pylist()
    codes = column.indices.fill_null(len(values)).to_numpy().astype(np.int64)
    return codes, [*values, None]


def dataset_splits(narratives: pa.RecordBatch) -> tuple[list[tuple], np.ndarray]:
    """The distinct (dataset, split) pairs, and each narrative's position among them."""
    dataset_codes, datasets = term_codes(narratives["dataset"])
    split_codes, splits = term_codes(narratives["split"])
    found, pair_of_row = np.unique(dataset_codes * len(splits) + split_codes, return_inverse=True)
    pairs = [(datasets[code // len(splits)], splits[code % len(splits)]) for code in found]
    return pairs, pair_of_row
