"""`schema.json`: the columns of all tables of a version, for programs that read no Parquet."""

from typing import Any

import pyarrow as pa

from transforms.core.model.columns import SCHEMA_VERSION, ColumnDescription, describe_columns
from transforms.core.model.manifest import Manifest
from transforms.core.output.jobs.job import Job
from transforms.core.output.tables import ending_of


def schema_json(manifest: Manifest, job: Job) -> dict[str, Any]:
    """What `schema.json` of a version holds: a list of columns a table.

    A part of a column stands behind it, by its path: `words[].text`.

    Args:
      manifest: Of the version.
      job: The job that made it.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "title": job.title,
        "version": manifest.version,
        **job.origin.metadata,
        "tables": {
            name: {
                "row": job.all_meanings[name],
                "files": f"{name}/*.{ending_of(schema)}",
                "columns": [_column(found) for found in describe_columns(schema)],
            }
            for name, schema in job.all_tables.items()
        },
    }


def _column(column: ColumnDescription) -> dict[str, Any]:
    known = {"unit": column.unit, "source": column.source}
    return {
        "name": column.path,
        "type": type_name(column.field.type),
        "nullable": column.field.nullable,
        "description": column.description,
        **{key: value for key, value in known.items() if value},
    }


def type_name(type_: pa.DataType) -> str:
    """A type as docs/tables.md names it.

    >>> type_name(pa.list_(pa.dictionary(pa.int32(), pa.string()))), type_name(pa.float64())
    ('list of term', 'float64')
    """
    if pa.types.is_list(type_):
        return f"list of {type_name(type_.value_type)}"
    if pa.types.is_struct(type_):
        return "struct"
    if pa.types.is_dictionary(type_):
        return "term"
    return "float32" if type_ == pa.float32() else str(type_).replace("double", "float64")
