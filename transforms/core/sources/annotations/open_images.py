"""Reads Open Images' CSV files of boxes, labels and images, of every release from V1 to V7.

Columns are found by the header: V3 train boxes end at `YMax`, V6 train boxes have eight click
columns more (not kept), image lists have `Rotation` from V4 on. Boxes and labels hold no quoted
line breaks and can be read by byte ranges; image lists hold free text and are read in one go.
Archives, as V1 to V3 are published, are read member by member.
Formats: https://storage.googleapis.com/openimages/web/download_v7.html (data formats).
"""

import csv
import dataclasses
import io
from collections.abc import Callable, Iterator
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from transforms.core.base import lines
from transforms.core.base.errors import UsageError, shown
from transforms.core.sources import foreign
from transforms.core.sources.annotations import contents
from transforms.core.sources.annotations.problems import Column, describe_problem, line_at
from transforms.core.sources.annotations.releases.files.members import members_of, open_member
from transforms.core.sources.annotations.releases.forms import is_archive
from transforms.core.sources.annotations.row_scanner import Field, scan_rows
from transforms.core.sources.index.buckets import MAX_KEY_BYTES, coded_schema, plain_schema
from transforms.core.sources.index.manifest import Source
from transforms.core.sources.kinds import OpenSource, Part, SourceBlock, SourceKind

STREAM_BLOCK_BYTES = 8 << 20

_TEXT, _NUMBER, _WHOLE, _FLAG = pa.string(), pa.float64(), pa.int64(), pa.int8()


@dataclasses.dataclass(frozen=True)
class FileKind:
    """A kind of CSV file.

    Attributes:
      table: The table its rows go to.
      title: What the file is called in messages, with its article.
      columns: The CSV columns that are kept.
      foreign: Columns that give a file away as one of another kind.
    """

    table: str
    title: str
    columns: tuple[Column, ...]
    foreign: tuple[str, ...] = ()

    @property
    def required(self) -> list[str]:
        """Names of the columns without which a file is not of this kind."""
        return [column.name for column in self.columns if column.required]


_IMAGE_ID = Column("ImageID", "key", _TEXT, required=True, filled=True)
_SOURCE = Column("Source", "source", _TEXT, required=True)
_LABEL_NAME = Column("LabelName", "class_id", _TEXT, required=True, filled=True)

BOXES = FileKind(
    "boxes",
    "a file of boxes",
    (
        _IMAGE_ID,
        _SOURCE,
        _LABEL_NAME,
        Column("XMin", "x_min", _NUMBER, required=True, filled=True),
        Column("XMax", "x_max", _NUMBER, required=True, filled=True),
        Column("YMin", "y_min", _NUMBER, required=True, filled=True),
        Column("YMax", "y_max", _NUMBER, required=True, filled=True),
        Column("IsOccluded", "is_occluded", _FLAG),
        Column("IsTruncated", "is_truncated", _FLAG),
        Column("IsGroupOf", "is_group_of", _FLAG),
        Column("IsDepiction", "is_depiction", _FLAG),
        Column("IsInside", "is_inside", _FLAG),
    ),
)

LABELS = FileKind(
    "labels",
    "a file of labels",
    (
        _IMAGE_ID,
        _SOURCE,
        _LABEL_NAME,
        Column("Confidence", "confidence", _NUMBER, required=True, filled=True),
    ),
    foreign=("XMin", "XMax"),
)

IMAGES = FileKind(
    "images",
    "an image list",
    (
        _IMAGE_ID,
        Column("Subset", "subset", _TEXT, required=True),
        Column("OriginalURL", "url", _TEXT, required=True),
        Column("OriginalLandingURL", "landing_url", _TEXT),
        Column("License", "licence", _TEXT, required=True),
        Column("AuthorProfileURL", "author_profile_url", _TEXT),
        Column("Author", "author", _TEXT),
        Column("Title", "title", _TEXT),
        Column("OriginalSize", "original_size", _WHOLE),
        Column("OriginalMD5", "original_md5", _TEXT),
        Column("Thumbnail300KURL", "thumbnail_url", _TEXT),
        Column("Rotation", "rotation", _NUMBER),
    ),
)


@dataclasses.dataclass(frozen=True)
class CsvFile:
    """A CSV file whose header has been read.

    Attributes:
      name: What to call it in messages.
      kind: What its rows are.
      open: Opens it at its first byte, decompressed.
      header: Its columns.
      header_bytes: Where its first row begins.
    """

    name: str
    kind: FileKind
    open: Callable[[], BinaryIO]
    header: tuple[str, ...]
    header_bytes: int


def read_header(name: str, kind: FileKind, open_file: Callable[[], BinaryIO]) -> CsvFile:
    """Reads and checks the first line.

    Raises:
      UsageError: It is not the header of a file of this kind.
    """
    with open_file() as file:
        line = file.readline(1 << 16)
    text = line.decode("utf-8-sig", errors="replace").strip()
    try:
        header = tuple(column.strip() for column in next(csv.reader([text]), []))
    except csv.Error:  # line ends of another system, or no text at all
        header = ()
    missing = [column for column in kind.required if column not in header]
    strange = [column for column in kind.foreign if column in header]
    if strange:
        raise UsageError(
            f"{name}: its first line has {', '.join(strange)}, which {kind.title} do not: give "
            "the file with the option of its own kind"
        )
    if missing:
        shown = text if len(text) <= 120 else f"{text[:120]}…"
        raise UsageError(
            f"{name}: its first line {shown!r} is not the header of {kind.title}: "
            f"no {', '.join(missing)}; expected {','.join(kind.required)} and more"
        )
    return CsvFile(name, kind, open_file, header, len(line))


def read_block(source: CsvFile, start: int, end: int) -> pa.RecordBatch:
    """Reads the rows that begin in the byte range `[start, end)` of an uncompressed file.

    Returns:
      Rows of the table's plain schema (`bucket_index.plain_schema`).

    Raises:
      UsageError: A row that does not fit, with its line and column.
    """
    start = max(start, source.header_bytes)
    with source.open() as file:
        first, block = lines.read_block(file, start, end)
    data = memoryview(block.data)  # type: ignore[arg-type]
    if lines.is_blank(data):
        return _no_rows(source.kind)
    if (scanned := _scan(block, source)) is not None:
        return scanned
    try:
        table = pa.csv.read_csv(
            pa.py_buffer(data),
            read_options=pa.csv.ReadOptions(column_names=source.header),
            convert_options=_conversion(source),
        )
        return _to_rows(table.combine_chunks(), source)
    except pa.ArrowInvalid as error:
        raise _explain(source, io.BytesIO(data), line_at(source.open, first), error) from error


def _scan(block: lines.Block, source: CsvFile) -> pa.RecordBatch | None:
    """The rows of a block in the usual form, terms as dictionaries; None for any other block."""
    by_name = {column.name: column for column in source.kind.columns}
    if len(set(source.header)) < len(source.header):
        return None
    fields = [_field_of(by_name.get(name)) for name in source.header]
    scanned = scan_rows(block, fields)
    if scanned is None:
        return None
    names = [name for name in source.header if name in by_name]
    found = dict(zip(names, scanned, strict=True))
    rows = len(scanned[0])
    codes = pa.array(np.zeros(rows, np.int32))
    columns = {"vocabulary": pa.DictionaryArray.from_arrays(codes, [contents.OPEN_IMAGES])}
    for column in source.kind.columns:
        values = found[column.name] if column.name in found else pa.nulls(rows, column.type)
        columns[column.target] = _to_flags(values) if column.type == _FLAG else values
    schema = coded_schema(contents.TABLES[source.kind.table])
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


def _field_of(column: Column | None) -> Field:
    if column is None:
        return Field.SKIPPED
    if column.target == "key":
        return Field.KEY
    return {_NUMBER: Field.NUMBER, _FLAG: Field.FLAG}.get(column.type, Field.TERM)


def read_stream(source: CsvFile) -> Iterator[pa.RecordBatch]:
    """Reads a whole file from front to back in flat memory; quoted line breaks are allowed.

    Yields:
      Rows of the table's plain schema.

    Raises:
      UsageError: A row that does not fit, with its line and column.
    """
    with source.open() as file:
        file.readline(1 << 16)
        try:
            yield from _read_rows(source, file)
        except pa.ArrowInvalid as error:
            with source.open() as again:
                again.readline(1 << 16)
                raise _explain(source, again, 2, error) from error


def _read_rows(source: CsvFile, file: BinaryIO) -> Iterator[pa.RecordBatch]:
    """Rows of a file that is open behind its header.

    Raises:
      pa.ArrowInvalid: One does not fit.
    """
    for batch in _open_stream(source, file):
        yield _to_rows(pa.Table.from_batches([batch]), source)


def read_archive(
    source: Source, kind: FileKind, open_source: OpenSource
) -> Iterator[pa.RecordBatch]:
    """Reads all members of a kind of an archive of V1 to V3, as they are published.

    Raises:
      UsageError: A row that does not fit, with its member, line and column; or none is of the kind.
    """
    with open_source(source) as file:
        for member in members_of(file, source.path, kind.table):
            name = f"{source.path}, {member.name}"
            header = member.form.columns
            csv_file = CsvFile(name, kind, lambda: open_source(source), header, member.header_bytes)
            _check_columns(csv_file)
            try:
                yield from _read_rows(csv_file, member.file)
            except pa.ArrowInvalid as error:
                with (
                    open_source(source) as again,
                    open_member(again, source.path, kind.table, member.number) as rows,
                ):
                    raise _explain(csv_file, rows, 2, error) from error


def _check_columns(source: CsvFile) -> None:
    missing = [column for column in source.kind.required if column not in source.header]
    if missing:
        raise UsageError(
            f"{source.name}: its first line is not the header of {source.kind.title}: no "
            f"{', '.join(missing)}"
        )


def _open_stream(source: CsvFile, file: BinaryIO) -> Iterator[pa.RecordBatch]:
    try:
        reader = pa.csv.open_csv(
            pa.PythonFile(file, mode="r"),
            read_options=pa.csv.ReadOptions(
                column_names=source.header, block_size=STREAM_BLOCK_BYTES
            ),
            parse_options=pa.csv.ParseOptions(newlines_in_values=True),
            convert_options=_conversion(source),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV file" in str(error):
            return
        raise
    yield from reader


def _conversion(source: CsvFile) -> pa.csv.ConvertOptions:
    present = [column for column in source.kind.columns if column.name in source.header]
    return pa.csv.ConvertOptions(
        include_columns=[column.name for column in present],
        column_types={column.name: column.type for column in present},
        null_values=[""],
        strings_can_be_null=True,
    )


def _to_rows(table: pa.Table, source: CsvFile) -> pa.RecordBatch:
    """Renames, fills and checks columns.

    Raises:
      pa.ArrowInvalid: A value that the types allow and the format does not.
    """
    columns = {"vocabulary": pa.repeat(pa.scalar(contents.OPEN_IMAGES), len(table))}
    for column in source.kind.columns:
        if column.name in source.header:
            values = table[column.name].combine_chunks()
            _check(column, values)
        else:
            values = pa.nulls(len(table), column.type)
        columns[column.target] = _to_flags(values) if column.type == _FLAG else values
    schema = plain_schema(contents.TABLES[source.kind.table])
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


def _check(column: Column, values: pa.Array) -> None:
    bad = column.filled and values.null_count > 0
    if column.type == _NUMBER:
        bad = bad or not pc.all(pc.is_finite(values), min_count=0).as_py()
    elif column.type == _FLAG:
        allowed = pc.and_(pc.greater_equal(values, -1), pc.less_equal(values, 1))
        bad = bad or not pc.all(allowed, min_count=0).as_py()
    elif column.target == "key":
        bad = bad or (pc.max(pc.binary_length(values)).as_py() or 0) > MAX_KEY_BYTES
    if bad:
        raise pa.ArrowInvalid(f"column {column.name} holds a value that is not allowed")


def _to_flags(values: pa.Array) -> pa.Array:
    """0, 1 and -1 (unknown) to false, true and null."""
    return pc.if_else(pc.less(values, 0), None, pc.equal(values, 1))


def _no_rows(kind: FileKind) -> pa.RecordBatch:
    schema = plain_schema(contents.TABLES[kind.table])
    return pa.RecordBatch.from_pylist([], schema=schema)


def _explain(source: CsvFile, rows: BinaryIO, line: int, error: Exception) -> UsageError:
    problem = describe_problem(rows, line, source.header, source.kind.columns)
    where = problem or f": not readable as {source.kind.title} ({shown(error)})"
    return UsageError(f"{source.name}{where}")


def _kind(file: foreign.Kind, kind: FileKind, by_lines: bool) -> SourceKind:
    def open_file(source: Source, open_source: OpenSource) -> CsvFile:
        return read_header(source.path, kind, lambda: open_source(source))

    def check(source: Source, open_source: OpenSource) -> None:
        if not is_archive(source.path):
            open_file(source, open_source)

    def parse(block: SourceBlock, open_source: OpenSource) -> Iterator[Part]:
        ((index, source),) = block.files
        if is_archive(source.path):
            for number, rows in enumerate(read_archive(source, kind, open_source)):
                yield Part(kind.table, (index, number), rows)
            return
        opened = open_file(source, open_source)
        if block.end is not None:
            rows = read_block(opened, block.start, block.end)
            yield Part(kind.table, (index, block.start), rows)
            return
        for number, rows in enumerate(read_stream(opened)):
            yield Part(kind.table, (index, number), rows)

    return SourceKind(
        file,
        {kind.table: contents.TABLES[kind.table]},
        parse,
        by_lines=by_lines,
        check=check,
    )


BOXES_KIND = _kind(foreign.BOXES, BOXES, by_lines=True)
LABELS_KIND = _kind(foreign.LABELS, LABELS, by_lines=True)
IMAGES_KIND = _kind(foreign.IMAGES, IMAGES, by_lines=False)
