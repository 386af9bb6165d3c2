"""Options of the exports of versions."""

from typing import Annotated, Literal

import pydantic

from pipelines.cli.options import Options
from pipelines.cli.values import Folder, Metavar
from pipelines.export.targets import TARGETS


class ExportOptions(Options):
    """Options of `python -m pipelines.export`."""

    example = "--to postgres --dsn postgresql://me@localhost/images --input out"
    exit_codes = (
        "0 done or nothing to do; 2 wrong use, or data that the system cannot take; 4 the engine "
        "or the system failed or refuses the user; 129, 130 and 143 stopped by SIGHUP, Ctrl-C and "
        "SIGTERM"
    )
    groups = {
        "to": "what is exported, and where to",
        "dsn": "--to postgres",
        "output": "--to bigquery",
        "summary": "what is printed",
        "runner": "engine",
    }
    after = {"log_format": "summary"}

    to: Literal[*TARGETS] = pydantic.Field(  # type: ignore[valid-type]
        description="The system: postgres, or files for bigquery. `--to postgres DSN` is short for "
        "`--to postgres --dsn DSN`."
    )
    input: Folder = pydantic.Field(
        min_length=1, description="Output folder of the job that made the version."
    )
    id: Annotated[str, Metavar("ID")] = pydantic.Field(
        "current",
        description="The version: its name, four or more of the first characters of that, a tag, "
        "current or previous.",
    )
    tables: list[str] = pydantic.Field([], description="Only these tables. Default: all.")
    dsn: Annotated[str, Metavar("DSN")] | None = pydantic.Field(
        None,
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
    output: Folder | None = pydantic.Field(
        None, description="Folder for the files, on this machine or in a bucket."
    )
    summary: Literal["text", "json"] = pydantic.Field(
        "text", description="How the summary is printed at the end."
    )
