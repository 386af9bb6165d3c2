"""All files that describe a version to other tools, made of its manifest and its job alone."""

import json
from typing import Any

from transforms.core.base.errors import UsageError
from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import rows_by_table
from transforms.core.output.described.croissant import croissant
from transforms.core.output.described.data_package import data_package
from transforms.core.output.described.naming import parquet_tables
from transforms.core.output.described.schema_json import schema_json
from transforms.core.output.described.views import views_sql
from transforms.core.output.exports.bigquery import load_script, places_in_version, schema_of
from transforms.core.output.jobs.job import Job


def describe_version(manifest: Manifest, job: Job) -> dict[str, str]:
    """The texts of `croissant.json`, `datapackage.json`, `schema.json` and others, by path.

    Args:
      manifest: Of the version, with the files of all tables.
      job: The job that made it.
    """
    return {
        "croissant.json": _text(croissant(manifest, job)),
        "datapackage.json": _text(data_package(manifest, job)),
        "schema.json": _text(schema_json(manifest, job)),
        "views.sql": views_sql(manifest, job),
        **_bigquery(manifest, job),
    }


def _text(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _bigquery(manifest: Manifest, job: Job) -> dict[str, str]:
    """Schemas of the tables that BigQuery can have, and the script that loads them."""
    schemas = {}
    tables = {k: v for k, v in parquet_tables(job).items() if k not in job.indexes}
    for name, columns in tables.items():
        try:
            schemas[name] = schema_of(name, columns)
        except UsageError:  # `narratives export` says what is in the way
            continue
    taken = {name: tables[name] for name in schemas}
    rows = dict.fromkeys(taken, 0) | rows_by_table(manifest.files)
    script = load_script(manifest.version, None, taken, rows, places_in_version(taken))
    made = {f"bigquery/{name}.json": _text(schema) for name, schema in schemas.items()}
    return {**made, "bigquery/load.sh": script}
