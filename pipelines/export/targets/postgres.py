"""`--to postgres`."""

import re
from typing import TYPE_CHECKING, Annotated

import pydantic

from pipelines.cli.values import Metavar
from pipelines.export.targets.options import TablesOptions

if TYPE_CHECKING:
    from transforms.versions.exports.export import Target
    from transforms.versions.exports.version import ExportedVersion

SCHEMAS = {"build": "localized_narratives", "open-images": "open_images"}
"""Names of schemas by job; others are called after their job."""


class PostgresOptions(TablesOptions):
    """Options of `--to postgres`."""

    about = "tables of a schema, which is replaced in one step"

    dsn: Annotated[str, Metavar("DSN")] = pydantic.Field(
        "",
        description="The database, as libpq takes it: postgresql://USER@HOST:PORT/DATABASE, or "
        "'service=NAME'. Without it, what PGHOST, PGDATABASE and the like say. Keep the password "
        "in ~/.pgpass or PGPASSWORD, since others can see command lines.",
    )
    db_schema: Annotated[str, Metavar("NAME")] | None = pydantic.Field(
        None,
        pattern="^[a-z_][a-z0-9_]{0,35}$",
        description="The schema that the version takes the place of: up to 36 small letters, "
        "digits and _. Default: open_images or localized_narratives, by the version's job.",
    )

    def check(self) -> None:
        from transforms.versions.exports.postgres.connection import parameters

        parameters(self.dsn)

    def make_target(self, version: "ExportedVersion") -> "Target":
        from transforms.versions.exports.postgres.target import PostgresTarget

        usual = SCHEMAS.get(version.job) or re.sub("[^a-z0-9]+", "_", version.job.lower())[:36]
        return PostgresTarget(version, self.dsn, self.db_schema or usual)
