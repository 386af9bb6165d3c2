"""Puts repaired lines in the place of rejected ones, and judges discarded narratives again.

Takes lines that were rejected and then repaired, by hand or by a program, and makes a version in
which they stand in their shard and place. Only the units that hold them are read and done again;
the repairs are kept below the output, and every later run applies them. Or takes other quality
rules, and makes the version that the main job would make by them, of tables in place of shards.
"""

import functools
from collections.abc import Sequence
from typing import Any

import pydantic

from pipelines.build.job import build_as
from pipelines.build.options import BuildOptions
from pipelines.cli.options import parse_command_line
from pipelines.replay.given import CommandLines, read_given
from pipelines.replay.options import ReplayOptions
from pipelines.replay.taking import Taken, read_rejected, take
from pipelines.runs.failure import say, warn
from transforms import storage
from transforms.core.base.errors import UsageError, shown
from transforms.core.model import layout
from transforms.core.model.manifest import Manifest
from transforms.core.model.narratives.manifest import BuildManifest
from transforms.core.output.jobs.narratives import NARRATIVES
from transforms.core.report.page.formats import plural
from transforms.units.publishing.pin import current_version
from transforms.units.publishing.read_version import read_manifest
from transforms.units.reading.repairs import write_repairs

PROG = "python -m pipelines.replay"
OPTIONS = ReplayOptions

_OWN = ("output", "summary", "log_format", "quiet", "verbose", "runner", "workers", "wait", "beam")
"""Options that are those of this command, whatever made the version."""

_RESET = (
    "repairs",
    "dry_run",
    "if_changed",
    "if_running",
    "profile",
    "verify_output",
    "verify_inputs",
)
"""Options of the run that made the version which say nothing of what it holds."""

_FAILURES_SHOWN = 5


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Runs the command, called by the name `prog`; returns the exit code."""
    options, beam_args = parse_command_line(
        OPTIONS, argv, prog, __doc__.partition("\n\n")[2].strip()
    )
    folder, manifest = _current(options.output)
    build = build_options(options, manifest)
    if options.requeue:
        return build_as("replay", build, beam_args)
    prepare = functools.partial(_take, options, build, folder, manifest)
    return build_as("replay", build, beam_args, prepare)


def _current(output: str) -> tuple[str, BuildManifest]:
    """The current version's folder and manifest.

    Raises:
      UsageError: There is none, or it is not one of narratives.
    """
    version = current_version(output)
    if version is None or not layout.is_version(version):
        raise UsageError(
            f"{output!r} has no current version that says which lines were rejected: run the main "
            "job first (with a --max-bad-share above the share of bad lines)"
        )
    folder = storage.join(output, layout.version_folder(version))
    manifest: Manifest = read_manifest(folder)
    if manifest.job != NARRATIVES.name:
        raise UsageError(
            f"{output!r} holds versions of the job `{manifest.job}`, whose records cannot be "
            "repaired in place: correct the file, and run that job again"
        )
    return folder, read_manifest(folder, BuildManifest)


def build_options(options: ReplayOptions, manifest: BuildManifest) -> BuildOptions:
    """Options by which the version was made, but for the engine and what is printed.

    Raises:
      UsageError: This version of the program does not take them.
    """
    given: dict[str, Any] = {
        name: value for name, value in manifest.configuration.items() if name not in _RESET
    }
    own = {name: getattr(options, name) for name in _OWN}
    if options.requeue:
        rules = {name: getattr(options, name) for name in options.quality}
        own |= {**rules, "discard_share": None, "discard_per_char": False}
    try:
        return BuildOptions.model_validate({**given, **own, "dry_run": options.dry_run})
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        raise UsageError(
            f"version {manifest.version} was made by options that this version of the program does "
            f"not take ({shown('.'.join(map(str, first['loc'])))}: {shown(first['msg'])}): run the "
            "main job once, and replay then"
        ) from error


def _take(
    options: ReplayOptions, build: BuildOptions, folder: str, manifest: BuildManifest
) -> bool:
    """Keeps the repairs that are given; returns whether a run is to follow."""
    if options.command is None:
        taken = take(read_given(options.repaired), folder, manifest, options.output)
    else:
        program = CommandLines(options.command)
        lines = program.repair(read_rejected(folder, manifest))
        taken = take(lines, folder, manifest, options.output)
        warn(_failures(program.failures), "repair_failed")
    say(build, _describe(taken), "repairs_taken", lines=len(taken.repairs))
    if options.dry_run:
        return False
    if taken.repairs:
        write_repairs(options.output, taken.repairs)
    return True


def _failures(failures: Sequence[str]) -> list[str]:
    more = len(failures) - _FAILURES_SHOWN
    rest = [f"--command: {plural(more, 'line')} more of that kind"] if more > 0 else []
    return [f"--command: {failure}" for failure in failures[:_FAILURES_SHOWN]] + rest


def _describe(taken: Taken) -> str:
    shards = len({repair.shard for repair in taken.repairs})
    text = f"{plural(len(taken.repairs), 'line')} repaired"
    text += f", of {plural(shards, 'shard')}" if shards else ""
    if taken.known:
        text += f"; {plural(taken.known, 'line')} repaired in the same way before"
    if taken.unedited:
        text += f"; {plural(taken.unedited, 'line')} left as rejected"
    return f"{text}."
