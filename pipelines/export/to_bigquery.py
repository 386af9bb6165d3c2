"""`--to bigquery`."""

from typing import TYPE_CHECKING

from transforms.core.base.errors import UsageError, option

if TYPE_CHECKING:
    from pipelines.export.options import ExportOptions
    from transforms.versions.exports.export import Target
    from transforms.versions.exports.version import ExportedVersion


def check_options(options: "ExportOptions") -> None:
    """Finds wrong use before any work is done.

    Raises:
      UsageError: No folder is given, or what only PostgreSQL takes.
    """
    if options.output is None:
        raise UsageError(
            f"give the folder for the files with {option('output')}, for example gs://BUCKET/FOLDER"
        )
    for name in ("dsn", "db_schema"):
        if getattr(options, name) is not None:
            raise UsageError(f"{option(name)} is for PostgreSQL: leave it out")


def make_target(options: "ExportOptions", version: "ExportedVersion") -> "Target":
    """The folder that the options name."""
    from transforms.versions.exports.bigquery import BigQueryTarget

    return BigQueryTarget(version, options.output or "")
