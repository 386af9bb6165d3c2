"""Options of `python -m pipelines.fetch`."""

from typing import Annotated, Literal

import pydantic

from pipelines.cli.options import Options
from pipelines.cli.values import Bytes, Files, Folder, Metavar

ADDRESS = r"^(https?|gs)://\S+$|^file:\S+$"


class FetchOptions(Options):
    """What is fetched, where to and how."""

    example = "open_images_validation open_images_v7_validation --to data"
    exit_codes = (
        "0 all files are there; 2 wrong use; 3 some are not: refused, other than published, or to "
        "be got by hand; 4 some are not, and the same command may bring them; 129, 130 and 143 "
        "stopped by SIGHUP, Ctrl-C and SIGTERM"
    )
    places = ("names",)
    groups = {
        "to": "where to, and what is known",
        "connections": "how",
        "dry_run": "what is printed",
        "runner": "engine",
    }
    after = {"log_format": "summary"}

    names: Annotated[list[str], Metavar("NAME")] = pydantic.Field(
        min_length=1,
        description="Names of the catalog: groups (open_images_validation), bundles "
        "(open_images_v7_validation, localized_narratives), files, or all.",
    )
    to: Folder = pydantic.Field(
        "data",
        description="Folder or gs:// bucket that gets the files, in subfolders that `build --data` "
        "and names of `build --input` find.",
    )
    catalog: Files = pydantic.Field(
        [], description="Catalogs of further files, in the form of configs/catalog/*.yaml."
    )
    mirror: Annotated[
        list[Annotated[str, pydantic.Field(pattern=r"^\S+=\S+$")]], Metavar("ADDRESS=ADDRESS")
    ] = pydantic.Field(
        [],
        description="Beginnings of addresses, and where the same files are too: asked first, in "
        "the order given.",
    )
    spool: Folder | None = pydantic.Field(
        None,
        description="Folder of this machine for what is on its way into a bucket. Default: one "
        "below the system's folder for temporary files.",
    )
    verify: bool = pydantic.Field(
        False,
        description="Read all files that are there, and compare them with the checksums on record.",
    )
    connections: int = pydantic.Field(
        4, ge=1, le=64, description="Files at a time; also requests at a time to one server."
    )
    limit_rate: Bytes | None = pydantic.Field(
        None,
        ge=1,
        description="Bytes a second of all connections together, such as 5MB; on an engine, of "
        "each worker.",
    )
    attempts: int = pydantic.Field(
        6, ge=1, le=1000, description="Failures in a row after which an address is given up."
    )
    timeout: Annotated[float, Metavar("SECONDS")] = pydantic.Field(
        60.0, gt=0, le=86_400, description="Seconds without a byte after which a request fails."
    )
    max_wait: Annotated[float, Metavar("SECONDS")] = pydantic.Field(
        600.0,
        ge=0,
        le=86_400,
        description="Seconds to wait at most where a server says Retry-After.",
    )
    dry_run: bool = pydantic.Field(
        False, description="Say what would be fetched and how many bytes that is; asks no server."
    )
    summary: Literal["text", "json"] = pydantic.Field(
        "text", description="How the summary is printed at the end."
    )
