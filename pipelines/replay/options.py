"""Options of `replay`."""

from typing import Annotated, Literal, Self

import pydantic

from pipelines.cli.options import Options
from pipelines.cli.values import Files, Folder, Metavar


class ReplayOptions(Options):
    """What repairs there are; all else is as the current version was made."""

    example = "--output out --repaired repaired.jsonl"
    exit_codes = (
        "0 done or nothing to do; 2 wrong use, or repairs of no rejected line; 3 a version that "
        "the main job would not publish either; 4 the engine or the system failed, or another run "
        "published first; 129, 130 and 143 stopped by SIGHUP, Ctrl-C and SIGTERM"
    )
    groups = {
        "output": "which output, and what is repaired",
        "dry_run": "what is done and printed",
        "runner": "engine",
    }

    output: Folder = pydantic.Field(
        min_length=1,
        description="Output folder of the main job. Its current version says which lines were "
        "rejected, and of which input and by which options it was made.",
    )
    repaired: Files = pydantic.Field(
        [],
        description="Repaired lines: files of the table `rejected` (Avro) in which the bytes `raw` "
        "were edited, or JSON Lines with shard, byte_offset and raw (the line as a text). Rows "
        "that are as they were rejected stay rejected.",
    )
    command: Annotated[str, Metavar("COMMAND")] | None = pydantic.Field(
        None,
        description="A program, with its arguments, that gets a rejected line on standard input "
        "and prints the repaired one; called once a line, without a shell. A line for which it "
        "prints nothing, or fails, stays rejected.",
    )
    dry_run: bool = pydantic.Field(
        False, description="Only say how many repairs there are, and check them."
    )
    summary: Literal["text", "json"] = pydantic.Field(
        "text", description="How the summary is printed at the end."
    )

    @pydantic.model_validator(mode="after")
    def _check_source(self) -> Self:
        if bool(self.repaired) == (self.command is not None):
            raise ValueError(
                "say where the repaired lines are: --repaired FILE ..., or --command with a "
                "program that repairs lines; one of the two"
            )
        return self
