"""A version as files that BigQuery loads: in a folder of its own, complete by `export.json`."""

import dataclasses
import io
import json
import tempfile

import google_crc32c
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from transforms import storage
from transforms.core.base.errors import UsageError, option
from transforms.core.base.versions import digest
from transforms.core.model.manifest_entries import PageFile, TableFile
from transforms.core.output.exports.bigquery import load_script, nested_nulls, schema_of
from transforms.core.output.tables import write_parquet
from transforms.units.publishing.read_version import read_listed
from transforms.versions.exports.export import Outcome
from transforms.versions.exports.version import ExportedVersion, read_rows

SEAL = "export.json"
"""What is written last: all files, with their bytes and checksums."""

_FORMAT = 1


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """What `export.json` holds.

    Attributes:
      key: Changes with whatever changes the files.
      version: The version.
      job: The job that made it.
      rows: Rows of each table.
      files: All other files, by their paths.
    """

    key: str
    version: str
    job: str
    rows: dict[str, int]
    files: list[PageFile]


@dataclasses.dataclass(frozen=True)
class BigQueryTarget:
    """A folder, on this machine or in a bucket, in which each version has one of its own.

    Attributes:
      version: What is exported.
      output: The folder.
    """

    version: ExportedVersion
    output: str

    @property
    def folder(self) -> str:
        """The version's folder."""
        return storage.join(self.output, self.version.name)

    @property
    def key(self) -> str:
        """Changes with whatever changes the files."""
        files = [[file.path, file.crc32c, file.rows] for file in self.version.files]
        return digest({"format": _FORMAT, "version": self.version.name, "files": files})[:16]

    def find(self) -> Outcome | None:
        """As of `Target`."""
        path = storage.join(self.folder, SEAL)
        held = storage.read_json(path)
        if held is None:
            return None
        seal = msgspec.convert(held, Seal)
        if seal.key != self.key or storage.corrupt_files(self.folder, seal.files, SEAL):
            return None
        return Outcome(place=self.folder, rows=seal.rows)

    def prepare(self) -> None:
        """As of `Target`.

        Raises:
          UsageError: BigQuery cannot have a column, or the folder cannot be written to.
        """
        for name, columns in self.version.schemas.items():
            schema_of(name, columns)
        storage.check_writable(self.output)
        # Until all files are there, the folder is not complete.
        storage.remove_file(storage.join(self.folder, SEAL))

    def put(self, file: TableFile) -> bool:
        """As of `Target`.

        Raises:
          UsageError: A list holds a null, which BigQuery does not load.
        """
        path = _path_of(file)
        if file.path == _source(path) and storage.checksums(self.folder, [path]) == {
            path: file.crc32c
        }:
            return False
        data = self._data(file)
        self._check(data, file)
        storage.write_bytes(storage.join(self.folder, path), data)
        return True

    def _data(self, file: TableFile) -> bytes:
        """A file's rows as Parquet: its own bytes, if they are that."""
        if file.path.endswith(".parquet"):
            return read_listed(self.version.folder, file)
        schema = self.version.schemas[file.table]
        rows = pa.Table.from_batches(
            [batch.cast(schema) for batch in read_rows(self.version.folder, file)], schema
        )
        with tempfile.NamedTemporaryFile(suffix=".parquet") as local:
            write_parquet(rows, local.name)
            return local.read()

    def _check(self, data: bytes, file: TableFile) -> None:
        parquet = pq.ParquetFile(io.BytesIO(data), pre_buffer=False)
        lists = [field.name for field in parquet.schema_arrow if pa.types.is_nested(field.type)]
        for batch in parquet.iter_batches(1 << 12, columns=lists) if lists else ():
            if found := nested_nulls(pa.Table.from_batches([batch])):
                raise UsageError(
                    f"{file.path}, column {found[0]!r}: a list holds a null, which BigQuery does "
                    f"not load: leave the table out with {option('tables')}"
                )

    def finish(self) -> None:
        """As of `Target`."""
        tables, rows = self.version.schemas, self.version.rows
        bucket = self.folder if "://" in self.folder else None
        pages = {
            f"schemas/{name}.json": json.dumps(schema_of(name, columns), indent=1).encode()
            for name, columns in tables.items()
        }
        pages["load.sh"] = load_script(self.version.name, bucket, tables, rows).encode()
        for path, data in pages.items():
            storage.write_bytes(storage.join(self.folder, path), data)
        listed = [
            *(PageFile(path, len(data), google_crc32c.value(data)) for path, data in pages.items()),
            *self._put_files(),
        ]
        seal = Seal(
            key=self.key,
            version=self.version.name,
            job=self.version.job,
            rows=rows,
            files=listed,
        )
        path = storage.join(self.folder, SEAL)
        storage.write_bytes(path, json.dumps(msgspec.to_builtins(seal), indent=1).encode())

    def _put_files(self) -> list[PageFile]:
        paths = [_path_of(file) for file in self.version.files]
        sizes = {found.path: found.size for found in storage.walk(self.folder)}
        sums = storage.checksums(self.folder, paths)
        missing = [path for path in paths if path not in sums]
        if missing:
            raise UsageError(
                f"{storage.join(self.folder, missing[0])!r} was removed meanwhile: run the same "
                "command again"
            )
        return [PageFile(path, sizes[path], sums[path]) for path in paths]


def _path_of(file: TableFile) -> str:
    return f"tables/{file.path.rpartition('.')[0]}.parquet"


def _source(path: str) -> str:
    return path.removeprefix("tables/")
