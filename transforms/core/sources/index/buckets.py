"""An index of rows by a string key: columnar, in buckets, content-addressed, read by mapping.

Rows go to a bucket by a stable hash of their key. A bucket of a table is one Arrow IPC file of
a single batch, one row a key in order of the keys: `key` (fixed width) and `rows` (list of
struct), the rows in order of the sources. Columns of type `TERM` are kept as int32
positions in the table's sorted terms, which the index's manifest holds once. So a whole chunk's
rows come from one search and one gather a column (`gathering`), without an object for a row.
"""

import hashlib
import io
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

import google_crc32c
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.base.compiled import compiled
from transforms.core.base.errors import UsageError, option
from transforms.core.model.columns import TERM
from transforms.core.sources.index.gathering import CorruptBucketError, MappedColumn, MappedKeys
from transforms.core.sources.index.manifest import BucketFile, TableManifest

KEY = "key"
MAX_KEY_BYTES = 255
BYTES_PER_BUCKET = 32 << 20
MAX_BUCKETS = 1024
_FNV_PRIME, _FNV_OFFSET, _32_BITS = 16777619, 2166136261, 2**32 - 1


def bucket_count(input_bytes: int) -> int:
    """Buckets for a table read from so many bytes: a power of two, 1 for small input."""
    wanted = -(-input_bytes // BYTES_PER_BUCKET)
    return min(MAX_BUCKETS, 1 << max(0, wanted - 1).bit_length())


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """A table's rows as they are parsed: `key` first, terms as strings."""
    fields = [_with_type(field, pa.string()) for field in schema]
    return pa.schema([pa.field(KEY, pa.string()), *fields])


def coded_schema(schema: pa.Schema) -> pa.Schema:
    """A table's rows as a reader may give them that codes terms by itself: `key` first."""
    return pa.schema([pa.field(KEY, pa.string()), *schema])


def _coded_struct(schema: pa.Schema) -> pa.StructType:
    return pa.struct([_with_type(field, pa.int32()) for field in schema])


def _with_type(field: pa.Field, type_of_terms: pa.DataType) -> pa.Field:
    return field.with_type(type_of_terms) if field.type == TERM else field


class FixedKeys(msgspec.Struct):
    """Keys as fixed-width bytes.

    Attributes:
      matrix: Shape `(n_keys, width)` uint8, padded with zeros.
      lengths: Shape `(n_keys,)`: bytes of each key, 0 for a null.
    """

    matrix: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, keys: pa.StringArray) -> "FixedKeys":
        """Keys of at most `MAX_KEY_BYTES` bytes; a longer or null one becomes empty."""
        usable = pc.fill_null(pc.less_equal(pc.binary_length(keys), MAX_KEY_BYTES), False)
        if not pc.all(usable).as_py():
            keys = pc.if_else(usable, keys, "")
        if not len(keys):
            return cls(np.zeros((0, 1), np.uint8), np.zeros(0, np.int64))
        _, offsets, data = keys.buffers()
        offsets = np.frombuffer(offsets, np.int32)[keys.offset : keys.offset + len(keys) + 1]
        lengths = np.diff(offsets).astype(np.int64)
        if data is not None and (lengths == lengths[0]).all() and lengths[0]:
            own = np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]]
            return cls(own.reshape(len(keys), int(lengths[0])), lengths)
        matrix = np.zeros((len(keys), max(1, int(lengths.max()))), np.uint8)
        if data is not None:
            _spread(np.frombuffer(data, np.uint8), offsets, matrix)
        return cls(matrix, lengths)

    def buckets(self, buckets: int) -> np.ndarray:
        """The bucket of each key, shape `(n_keys,)`: 32-bit FNV-1a of its bytes."""
        return _fnv(self.matrix, self.lengths, buckets)

    def values(self) -> np.ndarray:
        """The keys as numpy byte strings, all of the matrix's width."""
        return np.ascontiguousarray(self.matrix).view(f"S{self.matrix.shape[1]}")[:, 0]


@compiled
def _spread(data, offsets, matrix):
    """Copies the texts `data[offsets[i]:offsets[i + 1]]` to the beginnings of rows."""
    for i in range(len(matrix)):
        for k in range(offsets[i + 1] - offsets[i]):
            matrix[i, k] = data[offsets[i] + k]


@compiled
def _fnv(matrix, lengths, buckets):
    numbers = np.zeros(len(lengths), np.int64)
    for i in range(len(lengths) if buckets > 1 else 0):
        state = _FNV_OFFSET
        for k in range(lengths[i]):
            state = ((state ^ matrix[i, k]) * _FNV_PRIME) & _32_BITS
        numbers[i] = state % buckets
    return numbers


def deal_out(keys: FixedKeys, buckets: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows in order of their buckets, shape `(n_rows,)`, and where each of these begins in it.

    Rows of a bucket keep their order. The second has shape `(buckets + 1,)`.
    """
    numbers = keys.buckets(buckets).astype(np.uint16)  # which numpy sorts by counting
    bounds = np.r_[0, np.cumsum(np.bincount(numbers, minlength=buckets))]
    return np.argsort(numbers, kind="stable"), bounds


def _without_codes(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Rows with all terms as strings."""
    columns = [
        column.cast(pa.string()) if column.type == TERM else column for column in rows.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=rows.schema.names)


def split_by_bucket(rows: pa.RecordBatch, buckets: int) -> Iterator[tuple[int, bytes]]:
    """Deals out rows of a `plain_schema`: (bucket, Arrow IPC bytes) for each that has any.

    Rows of a bucket keep their order.
    """
    order, bounds = deal_out(FixedKeys.of(rows[KEY]), buckets)
    rows = _without_codes(rows)
    ordered = rows if buckets == 1 else rows.take(pa.array(order))
    for bucket in range(buckets):
        first, end = int(bounds[bucket]), int(bounds[bucket + 1])
        if end > first:
            yield bucket, _to_ipc(ordered.slice(first, end - first))


def _to_ipc(batch: pa.RecordBatch) -> bytes:
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def distinct_terms(rows: pa.RecordBatch, schema: pa.Schema) -> dict[str, list[str]]:
    """The distinct values of each column of terms."""
    found = {name: rows[name].unique().drop_null() for name in term_columns(schema)}
    return {
        name: column.cast(pa.string()).to_numpy(zero_copy_only=False).tolist()  # not one by one
        for name, column in found.items()
    }


def term_columns(schema: pa.Schema) -> list[str]:
    """Names of a table's columns of terms."""
    return [field.name for field in schema if field.type == TERM]


def build_bucket(
    parts: Iterable[bytes], schema: pa.Schema, terms: Mapping[str, list[str]]
) -> tuple[bytes, int, int]:
    """Makes a bucket's file.

    Args:
      parts: What `split_by_bucket` gave for this bucket, in the order of the sources.
      schema: The table's columns, without the key.
      terms: Of each column of terms, all values in the index.

    Returns:
      The file's bytes, which depend on the rows and their order alone; its rows; its keys.
    """
    tables = [pa.ipc.open_stream(part).read_all() for part in parts]
    rows = pa.concat_tables(tables).combine_chunks().to_batches()[0]
    values = FixedKeys.of(rows[KEY]).values()
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    columns = _code_rows(rows.take(pa.array(order)), schema, terms)
    data = encode_bucket(ordered[starts], np.r_[starts, len(order)], columns, schema)
    return data, len(order), len(starts)


def encode_bucket(
    keys: np.ndarray, offsets: np.ndarray, rows: Sequence[pa.Array], schema: pa.Schema
) -> bytes:
    """A bucket's file.

    Args:
      keys: Shape `(n_keys,)`: sorted byte strings.
      offsets: Shape `(n_keys + 1,)`: where each key's rows begin.
      rows: The table's columns in order of the keys, terms as int32 codes.
      schema: The table's columns, without the key.
    """
    unique = np.ascontiguousarray(keys)
    key_type = pa.binary(unique.dtype.itemsize)
    struct = pa.StructArray.from_arrays(list(rows), fields=list(_coded_struct(schema)))
    columns = {
        KEY: pa.FixedSizeBinaryArray.from_buffers(
            key_type, len(unique), [None, pa.py_buffer(unique)]
        ),
        "rows": pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), struct),
    }
    return _to_file(pa.RecordBatch.from_pydict(columns))


def _code_rows(
    rows: pa.RecordBatch, schema: pa.Schema, terms: Mapping[str, list[str]]
) -> list[pa.Array]:
    return [
        pc.index_in(rows[field.name], value_set=pa.array(terms[field.name], pa.string()))
        if field.type == TERM
        else rows[field.name]
        for field in schema
    ]


def _to_file(batch: pa.RecordBatch) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def describe_file(name: str, bucket: int, data: bytes, rows: int, keys: int) -> BucketFile:
    """A bucket's entry in the manifest."""
    sha256, crc32c = hashlib.sha256(data).hexdigest(), google_crc32c.value(data)
    return BucketFile(name, bucket, rows, keys, len(data), sha256, crc32c)


class TableIndex:
    """One table of an index on this machine's disk; buckets are mapped when they are needed."""

    def __init__(self, folder: str, manifest: TableManifest, schema: pa.Schema) -> None:
        """Looks at the sizes of the table's files.

        Raises:
          UsageError: One of them is missing or has another size.
        """
        for file in manifest.files:
            path = pathlib.Path(folder, file.name)
            if not path.is_file() or path.stat().st_size != file.bytes:
                raise _unusable(str(path))
        self.manifest = manifest
        self._schema = schema
        self._paths = {file.bucket: f"{folder}/{file.name}" for file in manifest.files}
        self._unmapped = np.zeros(manifest.buckets, bool)
        self._unmapped[list(self._paths)] = True
        self._kept: list[pa.RecordBatch] = []  # mapped; threads may map a bucket twice, to no harm
        self._keys = MappedKeys(manifest.buckets)
        self._rows = MappedColumn.of(_coded_struct(schema), manifest.buckets)
        self._terms = {
            name: pa.array(values, pa.string()) for name, values in manifest.terms.items()
        }

    def _map(self, number: int) -> None:
        """Makes a bucket's file known to the kernels; pages come from the disk when they are read.

        Raises:
          TypeError: It is of another table.
          UsageError: It is corrupt.
        """
        path = self._paths[number]
        try:
            batch = pa.ipc.open_file(pa.memory_map(path)).get_batch(0)
            batch.validate()
        except pa.ArrowInvalid as error:
            raise _unusable(path) from error
        if batch["rows"].type.value_type != _coded_struct(self._schema):
            raise TypeError(f"{path}: {batch['rows'].type}, not rows of the table's columns")
        self._kept.append(batch)
        self._keys.add(number, batch[KEY], batch["rows"])
        self._rows.add(number, batch["rows"].values)
        self._unmapped[number] = False

    def lookup(self, keys: pa.StringArray) -> tuple[np.ndarray, pa.RecordBatch]:
        """All rows of each key, in the order of the sources.

        Args:
          keys: Shape `(n_keys,)`; any order, repeats and nulls allowed.

        Returns:
          Offsets, shape `(n_keys + 1,)`, and the rows: those of key i are
          `[offsets[i], offsets[i + 1])`; none for a key that is not in the index.
        """
        wanted = FixedKeys.of(keys)
        buckets = wanted.buckets(self.manifest.buckets)
        for number in np.unique(buckets[self._unmapped[buckets]]):
            self._map(int(number))
        try:
            ranges = self._keys.find(wanted.matrix, wanted.lengths, buckets)
            rows = self._rows.take(ranges)
        except CorruptBucketError as error:
            raise _unusable(self._paths[error.bucket]) from error
        return np.r_[0, np.cumsum(ranges.lengths)], self._decode(rows)

    def first(self, keys: pa.StringArray) -> pa.RecordBatch:
        """The first row of each key, shape `(n_keys,)`; all null for one that is not here."""
        offsets, rows = self.lookup(keys)
        missing = offsets[1:] == offsets[:-1]
        return rows.take(pa.array(offsets[:-1], mask=missing))

    def _decode(self, rows: pa.StructArray) -> pa.RecordBatch:
        columns = [
            pa.DictionaryArray.from_arrays(column, self._terms[field.name])
            if field.type == TERM
            else column
            for field, column in zip(self._schema, rows.flatten(), strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self._schema)

    def all_rows(self) -> tuple[list[str], pa.RecordBatch]:
        """Every key with its rows, for small tables: keys repeated a row, bucket by bucket."""
        keys, batches = [], []
        for number in sorted(self._paths):
            mapped = pa.ipc.open_file(pa.memory_map(self._paths[number])).get_batch(0)
            parents = mapped["rows"].value_parent_indices()
            texts = pc.cast(pc.cast(mapped[KEY].take(parents), pa.binary()), pa.string())
            keys += [text.rstrip("\0") for text in texts.to_pylist()]
            batches.append(self._decode(mapped["rows"].flatten()))
        if not batches:
            return [], pa.RecordBatch.from_pylist([], schema=self._schema)
        return keys, pa.Table.from_batches(batches).combine_chunks().to_batches()[0]


def _unusable(path: str) -> UsageError:
    return UsageError(
        f"{path}: is missing or corrupt: run the same command again, which rebuilds an index below "
        f"{option('output')}; one given with {option('annotations')} must be built again"
    )


def expand_ranges(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The indices of ranges one after another: `[start, start + length)` of each."""
    before = np.cumsum(lengths) - lengths
    return np.arange(int(lengths.sum())) + np.repeat(starts - before, lengths)


def compact_terms(column: pa.DictionaryArray) -> pa.DictionaryArray:
    """The same values over a dictionary of only those that occur, in the same order."""
    codes = column.indices
    present = pc.fill_null(codes, 0).to_numpy()
    used = np.zeros(len(column.dictionary), bool)
    used[present[codes.is_valid().to_numpy(zero_copy_only=False)]] = True
    renumbered = pa.array(np.cumsum(used) - 1, pa.int32()).take(codes)
    return pa.DictionaryArray.from_arrays(renumbered, column.dictionary.filter(pa.array(used)))
