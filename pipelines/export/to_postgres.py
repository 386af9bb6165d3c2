"""`--to postgres`."""

import re
from typing import TYPE_CHECKING

from transforms.core.base.errors import UsageError, option

if TYPE_CHECKING:
    from pipelines.export.options import ExportOptions
    from transforms.versions.exports.export import Target
    from transforms.versions.exports.version import ExportedVersion

SCHEMAS = {"build": "localized_narratives", "open-images": "open_images"}
"""Names of schemas by job; others are called after their job."""


def check_options(options: "ExportOptions") -> None:
    """Finds wrong use, and a library or server that is not there, before any work is done.

    Raises:
      UsageError: psycopg is missing, or the connection string is none.
    """
    from transforms.versions.exports.postgres.connection import parameters

    if options.output is not None:
        raise UsageError(f"{option('output')} is for files: PostgreSQL takes {option('dsn')}")
    parameters(options.dsn or "")


def make_target(options: "ExportOptions", version: "ExportedVersion") -> "Target":
    """The schema that the options name."""
    from transforms.versions.exports.postgres.target import PostgresTarget

    usual = SCHEMAS.get(version.job) or re.sub("[^a-z0-9]+", "_", version.job.lower())[:36]
    return PostgresTarget(version, options.dsn or "", options.db_schema or usual)
