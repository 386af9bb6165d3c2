"""Tables of a version as BigQuery takes them: JSON schemas, and the commands that load files.

Load files are the version's own Parquet files: BigQuery takes their types, lists (with list
inference, since the child is `element`) and zstd, and loads them without parsing text; numbers stay
what they are, where JSON has no NaN. An unknown list becomes an empty one, since BigQuery has no
null in a repeated column.
"""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import pyarrow as pa

from transforms.core.base.errors import UsageError, option, shown

_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]{0,299}")
_RESERVED = ("_table_", "_file_", "_partition", "_row_timestamp", "__root__", "_colidentifier")
"""How no column of BigQuery may begin, in small letters."""

_CLUSTERED = ("release", "dataset", "split", "image_id", "class_id")
_CLUSTER_COLUMNS = 4
"""BigQuery sorts by so many columns at most."""

_TYPES = (
    (pa.types.is_boolean, "BOOLEAN"),
    (pa.types.is_uint64, None),
    (pa.types.is_integer, "INTEGER"),
    (pa.types.is_floating, "FLOAT"),
    (pa.types.is_string, "STRING"),
    (pa.types.is_large_string, "STRING"),
    (pa.types.is_binary, "BYTES"),
    (pa.types.is_timestamp, "TIMESTAMP"),
    (pa.types.is_date, "DATE"),
)


def schema_of(table: str, columns: pa.Schema | pa.StructType) -> list[dict[str, Any]]:
    """A table's columns as `bq` reads them.

    Args:
      table: The table's name, for messages.
      columns: Its columns, or the fields of one of them.

    Raises:
      UsageError: BigQuery cannot have a column.

    >>> schema_of("t", pa.schema([("tags", pa.list_(pa.string()))]))
    [{'name': 'tags', 'type': 'STRING', 'mode': 'REPEATED'}]
    """
    taken: set[str] = set()
    described = []
    for field in columns:
        name = field.name.lower()
        if not _NAME.fullmatch(name) or name.startswith(_RESERVED) or name in taken:
            raise _refused(table, field.name, "a column of this name")
        taken.add(name)
        described.append(_describe(table, field))
    return described


def _describe(table: str, field: pa.Field) -> dict[str, Any]:
    type_, mode = field.type, "NULLABLE" if field.nullable else "REQUIRED"
    if pa.types.is_list(type_):
        type_, mode = type_.value_type, "REPEATED"
    if pa.types.is_dictionary(type_):
        type_ = type_.value_type
    about = (field.metadata or {}).get(b"description", b"").decode()
    head = {"name": field.name, "type": "RECORD", "mode": mode}
    head |= {"description": about} if about else {}
    if pa.types.is_struct(type_):
        return {**head, "fields": schema_of(table, type_)}
    known = next((name for is_it, name in _TYPES if is_it(type_)), None)
    if known is None:
        raise _refused(table, field.name, f"a column of the type {field.type}")
    return {**head, "type": known}


def _refused(table: str, column: str, what: str) -> UsageError:
    return UsageError(
        f"table {table}, column {shown(column)!r}: BigQuery cannot have {what}: leave the table "
        f"out with {option('tables')}"
    )


def nested_nulls(rows: pa.Table) -> list[str]:
    """Columns with a list that holds a null, which BigQuery does not load.

    >>> nested_nulls(pa.table({"a": [[1], None], "b": [[1, None], []]}))
    ['b']
    """
    return [
        name for name in rows.column_names if any(_holds_null(chunk) for chunk in rows[name].chunks)
    ]


def _holds_null(column: pa.Array) -> bool:
    if pa.types.is_struct(column.type):
        return any(_holds_null(child) for child in column.flatten())
    if not pa.types.is_list(column.type):
        return False
    values = column.flatten()  # without what stands below lists that are null
    return bool(values.null_count) or _holds_null(values)


def cluster_columns(columns: pa.Schema) -> list[str]:
    """Columns by which BigQuery had better sort a table, most selective last.

    >>> cluster_columns(pa.schema([("image_id", pa.string()), ("release", pa.string())]))
    ['release', 'image_id']
    """
    return [name for name in _CLUSTERED if name in columns.names][:_CLUSTER_COLUMNS]


_HEAD = """\
#!/usr/bin/env bash
# Loads version {version} into BigQuery: {script} PROJECT:DATASET gs://BUCKET/FOLDER
# The second argument is where this folder is in a bucket{where}.
# Tables are clustered; none has a date or a number range by which to partition it.
set -euo pipefail
cd "$(dirname "$0")"
dataset=${{1:?give PROJECT:DATASET}}
bucket={bucket}
"""


class Places(NamedTuple):
    """Where a script that loads tables finds things.

    Attributes:
      files: Before a table's folder, in the bucket.
      schemas: Before the name of a table's schema, beside the script.
      copy: The command that copies the tables into the bucket.
    """

    files: str = "tables/"
    schemas: str = "schemas/"
    copy: str = 'gcloud storage cp --recursive tables "$bucket/"\n'


def places_in_version(tables: Iterable[str]) -> Places:
    """Those of a script in the folder `bigquery` of a version.

    Without the tables beside it, they are taken to be in the bucket.
    """
    folders = " ".join(f"../{table}" for table in tables)
    copy = f'gcloud storage cp --recursive {folders} "$bucket/"'
    return Places("", "", f"if [ -e ../manifest.json ]; then {copy}; fi\n")


_EXPORTED = Places()


def load_script(
    version: str,
    bucket: str | None,
    tables: Mapping[str, pa.Schema],
    rows: Mapping[str, int],
    places: Places = _EXPORTED,
) -> str:
    """A script that loads all tables with `bq`; each table is replaced in one step.

    Args:
      version: The version's name.
      bucket: Where the folder is, if that is a bucket; None where it has to be copied to one.
      tables: Columns of each table.
      rows: Rows of each table: one without rows is only made.
      places: Where it finds things.
    """
    given = f"${{2:-{shlex.quote(bucket)}}}" if bucket else "${2:?give gs://BUCKET/FOLDER}"
    where = "" if bucket else ", to which it is copied first"
    head = _HEAD.format(version=version, script="load.sh", where=where, bucket=given)
    return head + ("" if bucket else places.copy) + "".join(_commands(tables, rows, places))


def _commands(
    tables: Mapping[str, pa.Schema], rows: Mapping[str, int], places: Places
) -> Iterator[str]:
    for table, columns in tables.items():
        clustered = cluster_columns(columns)
        by = f" --clustering_fields={','.join(clustered)}" if clustered else ""
        if rows[table]:
            yield (
                "bq load --replace --source_format=PARQUET --parquet_enable_list_inference"
                f"{by} \\\n"
                f'  "$dataset.{table}" "$bucket/{places.files}{table}/*.parquet" '
                f"{places.schemas}{table}.json\n"
            )
        else:
            yield f'bq rm -f -t "$dataset.{table}"\n'
            yield f'bq mk -t{by} "$dataset.{table}" {places.schemas}{table}.json\n'
