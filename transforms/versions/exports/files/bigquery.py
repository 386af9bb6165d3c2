"""A version as files that BigQuery loads."""

import dataclasses
import io
import json
from collections.abc import Sequence
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.core.base.errors import UsageError, option
from transforms.core.model.manifest_entries import TableFile
from transforms.core.output.exports.bigquery import load_script, nested_nulls, schema_of
from transforms.core.output.tables import encode_parquet
from transforms.units.publishing.read_version import read_listed
from transforms.versions.exports.files.folder import ExportFolder
from transforms.versions.exports.files.target import Completion, Part
from transforms.versions.exports.version import ExportedVersion, read_rows

_FORMAT = 1


@dataclasses.dataclass(frozen=True)
class BigQueryFiles:
    """Load files, schemas and a script: a `FileWriter`.

    Attributes:
      version: What is exported.
    """

    version: ExportedVersion
    name: ClassVar[str] = "bigquery"

    @property
    def settings(self) -> dict[str, Any]:
        """As of `FileWriter`."""
        return {"format": _FORMAT}

    def check(self) -> None:
        """As of `FileWriter`.

        Raises:
          UsageError: BigQuery cannot have a column.
        """
        for name, columns in self.version.schemas.items():
            schema_of(name, columns)

    def write(self, file: TableFile, folder: ExportFolder) -> Part:
        """As of `FileWriter`.

        Raises:
          UsageError: A list holds a null, which BigQuery does not load.
        """
        data = self._data(file)
        _check(data, file)
        return Part(files=[folder.write(_path_of(file), data)])

    def _data(self, file: TableFile) -> bytes:
        """A file's rows as Parquet: its own bytes, if they are that."""
        if file.path.endswith(".parquet"):
            return read_listed(self.version.folder, file)
        schema = self.version.schemas[file.table]
        rows = pa.Table.from_batches(
            [batch.cast(schema) for batch in read_rows(self.version.folder, file)], schema
        )
        return encode_parquet(rows)

    def complete(self, _: Sequence[tuple[TableFile, Part]], folder: ExportFolder) -> Completion:
        """As of `FileWriter`."""
        tables = self.version.schemas
        bucket = folder.path if "://" in folder.path else None
        pages = {
            f"schemas/{name}.json": json.dumps(schema_of(name, columns), indent=1)
            for name, columns in tables.items()
        }
        pages["load.sh"] = load_script(self.version.name, bucket, tables, self.version.rows)
        return Completion(files=[folder.write(path, text.encode()) for path, text in pages.items()])


def _check(data: bytes, file: TableFile) -> None:
    parquet = pq.ParquetFile(io.BytesIO(data), pre_buffer=False)
    lists = [field.name for field in parquet.schema_arrow if pa.types.is_nested(field.type)]
    for batch in parquet.iter_batches(1 << 12, columns=lists) if lists else ():
        if found := nested_nulls(pa.Table.from_batches([batch])):
            raise UsageError(
                f"{file.path}, column {found[0]!r}: a list holds a null, which BigQuery does "
                f"not load: leave the table out with {option('tables')}"
            )


def _path_of(file: TableFile) -> str:
    return f"tables/{file.path.rpartition('.')[0]}.parquet"
