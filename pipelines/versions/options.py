"""Options of the commands that manage versions."""

from typing import Annotated, Literal

import pydantic

from pipelines.cli.options import Command
from pipelines.cli.values import Folder, Metavar

ID = Annotated[str, Metavar("ID")]
"""A version: its name, the beginning of that, a tag, `current` or `previous`."""

_WHICH = (
    "The version: its name, four or more of the first characters of that, a tag, current or "
    "previous."
)

_ENDS = "2 wrong use; 4 the system failed; 129, 130 and 143 stopped by SIGHUP, Ctrl-C and SIGTERM"


class OutputOptions(Command):
    """Options that all of these commands have."""

    example = "--output out"
    exit_codes = f"0 done; {_ENDS}"
    groups = {"output": "which output, and how it is printed"}

    output: Folder = pydantic.Field(
        description="Output folder of the main job, on this machine or in a bucket."
    )
    format: Literal["text", "json"] = pydantic.Field(
        "text", description="How it is printed: for people or for programs."
    )


class VersionOptions(OutputOptions):
    """Options of commands about one version."""

    example = "previous --output out"
    places = ("id",)

    id: ID = pydantic.Field(description=_WHICH)


class VerifyOptions(OutputOptions):
    """Options of `verify`."""

    example = "--output out --repair"
    places = ("id",)
    exit_codes = f"0 all files are what the manifests say; 3 some are not; {_ENDS}"

    id: ID | None = pydantic.Field(None, description=f"{_WHICH} Without one, all versions.")
    repair: bool = pydantic.Field(
        False,
        description="Rebuild what units, or other versions, still have. A unit that is corrupt "
        "itself is removed, so that the next run of the main job does it again.",
    )


class TagOptions(OutputOptions):
    """Options of `tag`."""

    example = "current paper-2026 --output out"
    places = ("id", "name")

    id: ID = pydantic.Field(description=_WHICH)
    name: Annotated[str, Metavar("NAME")] = pydantic.Field(
        description="The tag: letters, digits, -, _ and ., such as paper-2026."
    )


class UntagOptions(OutputOptions):
    """Options of `untag`."""

    example = "paper-2026 --output out"
    places = ("name",)

    name: Annotated[str, Metavar("NAME")] = pydantic.Field(description="The tag.")
