"""`views.sql`: a view of DuckDB a table, with comments on views and columns."""

from collections.abc import Iterator

from transforms.core.model.columns import describe_columns
from transforms.core.model.manifest import Manifest
from transforms.core.output.described.naming import parquet_tables, told
from transforms.core.output.jobs.job import Job

_HEAD = """\
-- Views of version {version} for DuckDB, in whose folder they are made: duckdb -init views.sql
"""


def views_sql(manifest: Manifest, job: Job) -> str:
    """The text of a version's `views.sql`.

    Args:
      manifest: Of the version.
      job: The job that made it.
    """
    return _HEAD.format(version=manifest.version) + "".join(_statements(job))


def _statements(job: Job) -> Iterator[str]:
    for name, schema in parquet_tables(job).items():
        view = _name(name)
        files = _text(f"{name}/*.parquet")
        yield f"\nCREATE OR REPLACE VIEW {view} AS SELECT * FROM read_parquet({files});\n"
        yield f"COMMENT ON VIEW {view} IS {_text(f'A row is {job.all_meanings[name]}')};\n"
        for column in describe_columns(schema):
            if column.path == column.field.name:
                yield f"COMMENT ON COLUMN {view}.{_name(column.path)} IS {_text(told(column))};\n"


def _name(name: str) -> str:
    return f'"{name}"'


def _text(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"
