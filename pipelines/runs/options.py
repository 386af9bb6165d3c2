"""Options of every job that makes versions."""

from typing import ClassVar, Literal

import pydantic

from pipelines.cli.options import Options
from pipelines.cli.values import Bytes, File, Folder, Share

ENDS = (
    "4 the engine or the system failed, or another run published first or, with --if-running fail, "
    "is at work; 5 nothing to do, with --if-changed; 6 another run is at work, with --if-running "
    "skip; 129, 130 and 143 stopped by SIGHUP, Ctrl-C and SIGTERM"
)
"""Exit codes that mean the same of all these jobs."""


class RunOptions(Options):
    """What units, publishing and the summary need. A job may describe them in its own words."""

    results: ClassVar[tuple[str, ...]] = ("unit_bytes",)
    """Options that change what units hold, beside those that name files."""

    output: Folder = pydantic.Field(
        min_length=1,
        description="Output folder: versions, the pointer to the current one, and finished units.",
    )
    unit_bytes: Bytes = pydantic.Field(
        32 << 20,
        ge=1024,
        le=1 << 30,
        description="Bytes of lines that are one unit of work: 33554432, 32MiB or 32MB.",
    )
    max_bad_share: Share = pydantic.Field(
        0.01,
        description="Share of bad lines above which the run fails and publishes nothing: 0.01 or "
        "1%.",
    )
    dry_run: bool = pydantic.Field(
        False,
        description="Say what would be done, which units and why each, how many are reused and "
        "about how long it takes; changes nothing.",
    )
    if_changed: bool = pydantic.Field(
        False,
        description="End with exit code 5 when there is nothing to do, for schedulers.",
    )
    if_running: Literal["wait", "skip", "fail"] = pydantic.Field(
        "wait",
        description="What to do while another run is at work on the output: wait for its end, skip "
        "this one (exit code 6), or fail (exit code 4).",
    )
    verify_output: bool = pydantic.Field(
        False,
        description="Compare the checksums of all files of the current version, and rebuild it "
        "where one differs. Without it sizes are compared, and checksums of files that were "
        "modified since, before a run has nothing to do.",
    )
    verify_inputs: bool = pydantic.Field(
        False,
        description="Read all inputs and compare their contents with what earlier runs have found. "
        "Without it a file is read where its size, its times, its inode or its first, middle or "
        "last bytes are others. A bucket knows its checksums, so that nothing is read.",
    )
    summary: Literal["text", "json"] = pydantic.Field(
        "text", description="How the summary is printed at the end."
    )
    profile: bool = pydantic.Field(
        False, description="Print what each stage took, at the end, on standard error."
    )
    metrics: File | None = pydantic.Field(
        None,
        description="File for metrics of the run and of the current version when it ends, in the "
        "form of a Prometheus node exporter's textfile collector (NAME.prom).",
    )
