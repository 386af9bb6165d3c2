"""Options of the commands that manage versions."""

import re
from typing import Annotated, Literal, Self

import pydantic

from pipelines.cli.options import Command
from pipelines.cli.values import Folder, Metavar
from transforms.versions.pruning.retention import Policy

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


_AGE = re.compile(r"([0-9]{1,9}(?:[.][0-9]{1,6})?) ?(s|min|h|d)")
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


def _read_age(value: object) -> object:
    found = _AGE.fullmatch(value.strip()) if isinstance(value, str) else None
    return float(found[1]) * _SECONDS[found[2]] if found else value


Age = Annotated[
    float,
    pydantic.BeforeValidator(_read_age),
    pydantic.Field(ge=0, allow_inf_nan=False),
    Metavar("SECONDS", "such as 86400, 90min, 24h or 7d"),
]
"""A time in seconds, `90min`, `24h` or `7d`."""


class PruneOptions(OutputOptions):
    """Options of `prune`."""

    example = "--output out --keep-last 7 --keep-days 30 --dry-run"
    groups = {
        "keep_last": "what is kept",
        "dry_run": "how",
        "output": OutputOptions.groups["output"],
    }

    keep_last: Annotated[int, pydantic.Field(ge=0)] | None = pydantic.Field(
        None, description="Keep so many of the newest versions."
    )
    keep_days: Annotated[float, pydantic.Field(ge=0, le=1e6)] | None = pydantic.Field(
        None, description="Keep versions that were made, or were current, in so many days."
    )
    keep_tagged: bool = pydantic.Field(True, description="Keep versions that have a tag.")
    grace: Age = pydantic.Field(
        86400.0,
        description="Remove nothing that was written, or was current, within this time: somebody "
        "may be reading it, or making it: 86400, 90min, 24h or 7d.",
    )
    dry_run: bool = pydantic.Field(
        False, description="Only print what would be removed, and what that would free."
    )

    @pydantic.model_validator(mode="after")
    def _check_policy(self) -> Self:
        if self.keep_last is None and self.keep_days is None:
            raise ValueError(
                "say which versions to keep: --keep-last NUMBER, --keep-days NUMBER or both; the "
                "current one, a pinned one and (--keep-tagged) those with tags stay in any case"
            )
        return self

    def policy(self) -> Policy:
        """What is to be kept."""
        seconds = None if self.keep_days is None else self.keep_days * 86400
        return Policy(self.keep_last, seconds, self.keep_tagged, self.grace)


class HistoryOptions(OutputOptions):
    """Options of `history`."""

    example = "--output out --limit 20"

    limit: Annotated[int, pydantic.Field(ge=0)] = pydantic.Field(
        50, description="Print so many of the latest runs; 0 prints all."
    )


class DiffOptions(OutputOptions):
    """Options of `diff`."""

    example = "previous current --output out"
    places = ("old", "new")
    exit_codes = f"0 done, whatever differs; {_ENDS}"

    old: Annotated[str, Metavar("A")] = pydantic.Field(
        description="The version to compare with: its name, four or more of the first characters "
        "of that, a tag, current or previous."
    )
    new: Annotated[str, Metavar("B")] = pydantic.Field(
        description="The version that is compared, likewise named."
    )
    format: Literal["text", "json", "html"] = pydantic.Field(  # type: ignore[assignment]
        "text",
        description="How it is printed: for people, for programs, or as a page that needs nothing "
        "but itself.",
    )
