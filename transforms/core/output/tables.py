"""Rows of tables as files: Parquet, Avro, lines of text, and tar."""

import hashlib
import pathlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import google_crc32c
import pyarrow as pa
import pyarrow.parquet as pq

from transforms.core.model import bad_lines
from transforms.core.model.columns import names_in, sorted_by
from transforms.core.output.commit_records import FileEntry
from transforms.core.stages.fetch.pictures.tar_files import write_tar


def ending_of(schema: pa.Schema) -> str:
    """The ending of a table's files: of its schema's metadata, `parquet` where that says nothing.

    >>> ending_of(pa.schema([("n", pa.int32())])), ending_of(bad_lines.SCHEMA)
    ('parquet', 'avro')
    """
    return (schema.metadata or {}).get(b"ending", b"parquet").decode()


def write_table(table: str, rows: pa.Table | pa.RecordBatch, local: str, path: str) -> FileEntry:
    """Writes a table in the format of its file's ending (`WRITERS`).

    Args:
      table: The table's name.
      rows: Its rows.
      local: The file to write.
      path: What the file's entry calls it.
    """
    WRITERS[path.rpartition(".")[2]](rows, local)
    data = pathlib.Path(local).read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    return FileEntry(table, path, len(rows), len(data), google_crc32c.value(data), sha256)


Rows = TypeVar("Rows", pa.Table, pa.RecordBatch)


def declare(rows: Rows, schema: pa.Schema) -> Rows:
    """Rows with the columns of a schema, in its order and with its metadata; nothing is copied."""
    columns = [rows.column(name) for name in schema.names]
    return type(rows).from_arrays(columns, schema=schema)


_DICTIONARY = {
    "words.list.element.text",
    "words.list.element.normalized",
    "words.list.element.start_time",
    "words.list.element.end_time",
    "trace.x.list.element",
    "trace.y.list.element",
    "labels.list.element.confidence",
}
"""Leaf columns, beside all terms, whose values repeat enough for a dictionary to be smaller."""

_TRACE = {f"trace.{axis}.list.element" for axis in "xyt"}
"""Leaf columns whose least and greatest values tell nothing (about 0, about 1, and the length of
the longest recording), and take a tenth of the time of writing."""

_SPLIT_BYTES = {"trace.t.list.element"}
"""Leaf columns of steadily growing floats: their high bytes compress well on their own."""


_SORTED_ROWS = 1 << 14
"""Rows of a row group of a sorted table: few enough to read for one key, whose groups are told by
their statistics; of other tables a group is a file, since each takes 11 kB of footer."""


def write_parquet(table: pa.Table | pa.RecordBatch, path: str) -> None:
    """Writes one table, zstd-compressed, with page index and statistics (but of trace points).

    Encodings were chosen column by column by size on real and generated narratives
    (docs/performance.md).
    """
    if isinstance(table, pa.RecordBatch):
        table = pa.Table.from_batches([table])
    leaves, keys = leaf_columns(table.schema), sorted_by(table.schema)
    repeating = names_in(table.schema, b"repeating")
    with pq.ParquetWriter(
        path,
        table.schema,
        compression="zstd",
        compression_level=1,
        write_page_index=True,
        sorting_columns=pq.SortingColumn.from_ordering(
            table.schema, [(key, "ascending") for key in keys]
        )
        or None,
        write_statistics=[leaf for leaf, _ in leaves if leaf not in _TRACE],
        use_dictionary=[
            leaf for leaf, type_ in leaves if leaf in repeating or _repeats(leaf, type_)
        ],
        column_encoding={
            leaf: encoding for leaf, type_ in leaves if (encoding := _encoding(leaf, type_))
        },
    ) as writer:
        if len(table):  # not every reader takes a row group of no rows
            writer.write_table(table, row_group_size=_SORTED_ROWS if keys else 1 << 20)


def encode_parquet(table: pa.Table) -> bytes:
    """What `write_parquet` writes."""
    with tempfile.NamedTemporaryFile(suffix=".parquet") as local:
        write_parquet(table, local.name)
        return local.read()


def _repeats(leaf: str, type_: pa.DataType) -> bool:
    return pa.types.is_dictionary(type_) or leaf in _DICTIONARY


def _encoding(leaf: str, type_: pa.DataType) -> str | None:
    if leaf in _SPLIT_BYTES:
        return "BYTE_STREAM_SPLIT"
    return "DELTA_BINARY_PACKED" if pa.types.is_integer(type_) else None


def leaf_columns(schema: pa.Schema) -> list[tuple[str, pa.DataType]]:
    """Parquet paths and types of all leaf columns."""
    found = []
    for field in schema:
        found += _leaves(field.name, field.type)
    return found


def _leaves(path: str, type_: pa.DataType) -> list[tuple[str, pa.DataType]]:
    if pa.types.is_struct(type_):
        return [leaf for field in type_ for leaf in _leaves(f"{path}.{field.name}", field.type)]
    if pa.types.is_list(type_):
        return _leaves(f"{path}.list.element", type_.value_type)
    return [(path, type_)]


_ROWS_AT_ONCE = 1 << 14


def write_rejected(rejected: pa.Table | pa.RecordBatch, path: str) -> None:
    """Writes bad lines as Avro, some thousand at a time; the same lines give the same bytes."""
    import fastavro

    # A random one would do for readers; by the content, a file can be told to be the same.
    marker = _hash_rows(rejected)
    with pathlib.Path(path).open("wb") as file:
        fastavro.writer(file, fastavro.parse_schema(bad_lines.AVRO_SCHEMA), _avro_rows(rejected),
                        codec="deflate", sync_marker=marker)  # fmt: skip


def _slices(rejected: pa.Table | pa.RecordBatch) -> Iterator[list[Sequence]]:
    """The columns of some thousand rows at a time, as lists."""
    for start in range(0, len(rejected), _ROWS_AT_ONCE):
        yield [_values(column) for column in rejected.slice(start, _ROWS_AT_ONCE).columns]


def _values(column: pa.Array | pa.ChunkedArray) -> list:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.to_pylist()


def _avro_rows(rejected: pa.Table | pa.RecordBatch) -> Iterator[dict]:
    names = rejected.schema.names
    for columns in _slices(rejected):
        for row in zip(*columns, strict=True):
            yield dict(zip(names, row, strict=True))


def _hash_rows(rejected: pa.Table | pa.RecordBatch) -> bytes:
    """16 bytes that tell by the rows."""
    digest = hashlib.blake2b(digest_size=16)
    for columns in _slices(rejected):
        digest.update(repr(columns).encode())
    return digest.digest()


def write_lines(table: pa.Table | pa.RecordBatch, path: str) -> None:
    """Writes a table of one column as text, a line a row."""
    with pathlib.Path(path).open("wb") as file:
        file.writelines(f"{line}\n".encode() for line in table.column(0).to_pylist())


WRITERS: Mapping[str, Callable[[pa.Table | pa.RecordBatch, str], None]] = {
    "parquet": write_parquet,
    "avro": write_rejected,
    "jsonl": write_lines,
    "tar": write_tar,
}
"""How the rows of a table are written, by the ending of its files."""
