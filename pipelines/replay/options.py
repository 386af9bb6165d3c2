"""Options of `replay`."""

import copy
from typing import Annotated, Any, ClassVar, Literal, Self

import pydantic

from pipelines.build.options import BuildOptions, Exact
from pipelines.cli.options import Options
from pipelines.cli.values import Files, Folder, Metavar, Share


def _as_in_build(name: str) -> Any:
    """The option of the main job, with its limits and its description."""
    return copy.copy(BuildOptions.model_fields[name])


class ReplayOptions(Options):
    """What is repaired or judged again; all else is as the current version was made."""

    quality: ClassVar[tuple[str, ...]] = (
        "max_distance",
        "max_distance_per_char",
        "require_trace",
        "min_trace_share",
        "min_words",
    )
    """Options that say what is kept, with the names of those of the main job."""

    example = "--output out --repaired repaired.jsonl"
    exit_codes = (
        "0 done or nothing to do; 2 wrong use, or repairs of no rejected line; 3 a version that "
        "the main job would not publish either; 4 the engine or the system failed, or another run "
        "published first; 129, 130 and 143 stopped by SIGHUP, Ctrl-C and SIGTERM"
    )
    after = {"log_format": "summary"}
    groups = {
        "output": "which output, and what is repaired or judged again",
        "max_distance": "with --requeue: what is kept, in place of the rules of the version",
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
    requeue: Literal["discarded"] | None = pydantic.Field(
        None,
        description="Judge all narratives again, those that were discarded too, by the rules that "
        "are given here and no others (none keeps all). Shards are not read: the tables of the "
        "version's units hold what is needed, unless traces were rounded in them.",
    )
    max_distance: int | None = _as_in_build("max_distance")
    max_distance_per_char: Exact | None = _as_in_build("max_distance_per_char")
    require_trace: bool = _as_in_build("require_trace")
    min_trace_share: Share | None = _as_in_build("min_trace_share")
    min_words: int | None = _as_in_build("min_words")
    dry_run: bool = pydantic.Field(
        False,
        description="Only check the repairs and say how many there are; with --requeue, say what "
        "would be done.",
    )
    summary: Literal["text", "json"] = pydantic.Field(
        "text", description="How the summary is printed at the end."
    )

    @pydantic.model_validator(mode="after")
    def _check_source(self) -> Self:
        given = [bool(self.repaired), self.command is not None, self.requeue is not None]
        if sum(given) != 1:
            raise ValueError(
                "say where the repaired lines are, --repaired FILE ..., or --command with a "
                "program that repairs lines; or --requeue discarded to judge narratives again; one "
                "of the three"
            )
        rules = sorted(self.model_fields_set.intersection(self.quality))
        if rules and not self.requeue:
            raise ValueError(
                f"--{rules[0].replace('_', '-')} goes with --requeue discarded: repaired lines are "
                "judged by the rules of the version"
            )
        return self
