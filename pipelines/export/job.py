"""Exports a version: `python -m pipelines.export --to SYSTEM … --input OUT`."""

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from pipelines.cli import log
from pipelines.cli.engines.runners import create_pipeline, is_detached
from pipelines.cli.options import parse_command_line, with_flags
from pipelines.export.options import ExportOptions
from transforms.core.base.errors import MESSAGE_CHARACTERS, EngineError, UsageError, shown
from transforms.core.report.page.formats import plural

if TYPE_CHECKING:  # Beam takes a second, which help need not wait for
    from transforms.versions.exports.export import Outcome, Target
    from transforms.versions.exports.version import ExportedVersion

PROG = "python -m pipelines.export"
OPTIONS = ExportOptions

_DESCRIPTION = (
    "Puts a version into another system: the tables of a PostgreSQL schema, which is replaced in "
    "one step, or files for BigQuery, COCO's tools, FiftyOne, Hugging Face's datasets or "
    "WebDataset. Each file of the version is put there once, however often the command is "
    "attempted; the same version again has nothing to do."
)


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Exports what the command line describes; returns the exit code."""
    arguments = with_dsn(sys.argv[1:] if argv is None else argv)
    options, beam_args = parse_command_line(ExportOptions, arguments, prog, _DESCRIPTION)
    try:
        return _export(options, beam_args)
    except (UsageError, EngineError) as error:
        if options.summary == "json":
            from pipelines.runs.failure import failure_of

            print(json.dumps(failure_of(error), indent=1), flush=True)
        raise


def with_dsn(arguments: Sequence[str]) -> list[str]:
    """`--to postgres DSN` as `--to postgres --dsn DSN`.

    >>> with_dsn(["--to", "postgres", "service=mine", "--input", "out"])
    ['--to', 'postgres', '--dsn', 'service=mine', '--input', 'out']
    """
    made = list(arguments)
    for at in range(len(made) - 2, 0, -1):
        before = made[at - 1 : at + 1]
        if before == ["--to", "postgres"] and not made[at + 1].startswith("-"):
            made.insert(at + 1, "--dsn")
    return made


def _export(options: ExportOptions, beam_args: Sequence[str]) -> int:
    chosen = options.of_target()
    chosen.check()
    from transforms.versions.exports.version import check_files, find_version

    version = find_version(options.input, options.id, chosen.chosen_tables())
    target = chosen.make_target(version)
    if (found := target.find()) is not None:
        return _show(options, version, found, "unchanged")
    check_files(version)
    target.prepare()
    _run(options, beam_args, target, version)
    if is_detached(options, beam_args):
        _say(options, "Submitted to the engine; this command does not wait for its end.")
        return 0
    found = target.find()
    if found is None:
        raise EngineError(
            f"version {version.name} was exported, and another export has replaced it meanwhile"
        )
    return _show(options, version, found, "exported")


def _run(
    options: ExportOptions, beam_args: Sequence[str], target: "Target", version: "ExportedVersion"
) -> None:
    from pipelines.cli.progress.showing import show_step
    from transforms.versions.exports.export import ExportFiles

    size = sum(file.bytes for file in version.files)
    number = plural(len(version.files), "file")
    _say(options, f"Exporting version {version.name}: {number}, {size:,} bytes.")
    with show_step("Exporting"), create_pipeline(options, beam_args) as pipeline:
        _ = pipeline | "Export" >> ExportFiles(target, version.files)


def _say(options: ExportOptions, sentence: str) -> None:
    stream = sys.stdout if options.summary == "text" else sys.stderr
    log.tell("notice", shown(sentence, MESSAGE_CHARACTERS), stream=stream)


def _show(
    options: ExportOptions, version: "ExportedVersion", outcome: "Outcome", status: str
) -> int:
    """Prints what is there now; returns the exit code."""
    done = "is in" if status == "exported" else "is already in"
    said = f"Version {version.name} {done} {outcome.place}."
    outcome = msgspec.structs.replace(outcome, notes=[with_flags(note) for note in outcome.notes])
    if options.summary == "json":
        head = {"status": status, "exit_code": 0, "version": version.name}
        print(json.dumps({**head, **msgspec.to_builtins(outcome)}, indent=1))
    elif log.is_quiet():
        print(outcome.place)
    else:
        print(said)
        width = max(map(len, outcome.rows), default=0)
        for name, rows in outcome.rows.items():
            print(f"  {name:<{width}} {rows:>14,} rows")
        for note in outcome.notes:
            print(f"  {note}")
    log.note("version_exported", said, version=version.name, rows=outcome.rows)
    log.ending(status, said, version=version.name)
    return 0
