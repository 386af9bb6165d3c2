"""A version as it is exported: its files, and what is in them."""

import dataclasses
import io
from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from transforms import storage
from transforms.core.base.errors import UsageError, job, option, shown
from transforms.core.model import bad_lines, layout
from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import TableFile
from transforms.units.publishing.read_version import read_listed
from transforms.versions.jobs import index_tables
from transforms.versions.survey import read_survey

_BATCH_BYTES = 4 << 20
"""Bytes of rows, as Parquet counts them before it compresses, that are in memory at a time."""


@dataclasses.dataclass(frozen=True)
class ExportedVersion:
    """A version, and which tables of it are exported.

    Attributes:
      folder: Where its files are.
      name: Its name.
      job: The job that made it.
      files: The files of the tables.
      schemas: Columns of each table.
      others: Files of the tables that are not exported.
    """

    folder: str
    name: str
    job: str
    files: tuple[TableFile, ...]
    schemas: Mapping[str, pa.Schema]
    others: tuple[TableFile, ...] = ()

    @property
    def rows(self) -> dict[str, int]:
        """Rows of each table."""
        rows = dict.fromkeys(self.schemas, 0)
        for file in self.files:
            rows[file.table] += file.rows
        return rows

    def beside(self, file: TableFile, table: str) -> TableFile | None:
        """The file of another table with rows of the same unit, None where it has none.

        Files of a unit have the same number in all tables.
        """
        path = file.path.replace(file.table, table)
        return next((found for found in self.files if found.path == path), None)


def find_version(output: str, which: str, tables: tuple[str, ...] = ()) -> ExportedVersion:
    """A version of an output.

    Args:
      output: The output folder of the job that made it.
      which: Its name, the beginning of that, a tag, `current` or `previous`.
      tables: Names of tables; none takes all.

    Raises:
      UsageError: There is no such version or table, or the version's manifest cannot be read.
    """
    survey = read_survey(output)
    found = survey.find(which)
    if found.manifest is None:
        raise UsageError(found.why)
    manifest: Manifest = found.manifest
    indexes = index_tables(manifest)  # of files, which others do not have
    files = [file for file in manifest.files if file.table not in indexes]
    names = dict.fromkeys(file.table for file in files)
    files = [file for file in files if not tables or file.table in tables]
    if unknown := [name for name in tables if name not in names]:
        raise UsageError(
            f"version {found.name}, which {shown(manifest.job)} has made, has no table "
            f"{unknown[0]!r}: it has {', '.join(names)}"
        )
    folder = storage.join(output, layout.version_folder(found.name))
    first = {file.table: file for file in reversed(files)}
    schemas = {name: _schema_of(folder, first[name]) for name in names if name in first}
    others = tuple(file for file in manifest.files if file not in files)
    return ExportedVersion(folder, found.name, manifest.job, tuple(files), schemas, others)


def _schema_of(folder: str, file: TableFile) -> pa.Schema:
    if file.path.endswith(".avro"):
        return bad_lines.SCHEMA.remove_metadata()
    return _parquet(folder, file).schema_arrow.remove_metadata()


def _parquet(folder: str, file: TableFile) -> pq.ParquetFile:
    # As of `read_table`, in this thread.
    data = pa.BufferReader(read_listed(folder, file))
    try:
        return pq.ParquetFile(data, pre_buffer=False)
    except pa.ArrowInvalid as error:
        raise UsageError(
            f"{storage.join(folder, file.path)!r} cannot be exported, since it is no Parquet file: "
            f"leave its table out with {option('tables')}"
        ) from error


def read_rows(
    folder: str, file: TableFile, columns: Sequence[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """All rows of a file, some at a time.

    Args:
      folder: The version's folder.
      file: The file.
      columns: Of a Parquet file, what is read; None for all.

    Raises:
      UsageError: The file is not what the manifest says.
    """
    if file.path.endswith(".avro"):
        yield from _avro_rows(read_listed(folder, file))
        return
    parquet = _parquet(folder, file)
    metadata = parquet.metadata
    size = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    rows = max(1, _BATCH_BYTES * file.rows // max(1, size))
    size = min(rows, 1 << 16)
    yield from parquet.iter_batches(batch_size=size, columns=columns, use_threads=False)


def mentioned_classes(version: ExportedVersion) -> tuple[str, ...]:
    """Ids of all classes that a version of narratives mentions, in order; else none."""
    found: set[str] = set()
    for file in (*version.files, *version.others):
        if file.table == "localization" and file.rows and version.job == "build":
            for batch in read_rows(version.folder, file, ["class_id"]):
                found.update(batch["class_id"].to_pylist())
    return tuple(sorted(found))


def _avro_rows(data: bytes) -> Iterator[pa.RecordBatch]:
    import fastavro

    rows = list(fastavro.reader(io.BytesIO(data)))
    yield pa.RecordBatch.from_pylist(rows, schema=bad_lines.SCHEMA)


def check_files(version: ExportedVersion) -> None:
    """Looks whether the files are there in their sizes, before any work is done.

    Raises:
      UsageError: One is not.
    """
    sizes = {file.path: file.bytes for file in version.files}
    if not storage.are_whole(version.folder, sizes):
        raise UsageError(
            f"{version.folder!r} is incomplete: {job('versions')}, `verify` with "
            f"{option('repair')}, rebuilds what the units still have"
        )
