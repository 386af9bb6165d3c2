"""What a run prints that publishes nothing: why, what it found, and where the bad lines are."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from pipelines.cli import log
from pipelines.cli.options import with_flags
from pipelines.runs.options import RunOptions
from transforms import storage
from transforms.core.base.errors import (
    MESSAGE_CHARACTERS,
    ChangedError,
    EngineError,
    UsageError,
    job,
    shown,
)
from transforms.core.model import layout
from transforms.core.model.manifest_entries import CheckRow
from transforms.core.model.narratives.manifest import ExpectedRow
from transforms.core.output.checks import expected
from transforms.core.output.checks.wording import describe_rule, holds, is_broken
from transforms.core.report.page.formats import plural
from transforms.core.report.page.rows import by_number

EXIT_CODES = {
    "published": 0,
    "dry_run": 0,
    "wrong_use": 2,
    "input_changed": 2,
    "not_conserved": 3,
    "too_many_bad_lines": 3,
    "not_as_published": 3,
    "held_back": 3,
    "pinned": 3,
    "failed": 4,
    "damaged": 4,
    "overtaken": 4,
    "busy": 4,
    "unchanged": 5,
    "skipped": 6,
}
"""Exit code of a command by how its run ended."""

RETRYABLE = {"not_conserved", "failed", "damaged", "overtaken", "input_changed", "busy", "skipped"}
"""Ends after which the same command may succeed when nobody has changed anything."""

_COMPLETE = ("held_back", "pinned", "overtaken")
"""Ends after which there is a version that is not current."""

_FILES_SHOWN = 5
_LINES_SHOWN = 20


class Refused(Exception):
    """The input is not what it should be, so that a run ends before it begins.

    Attributes:
      status: As of a run that publishes nothing: `not_as_published`.
    """

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status


def say(options: RunOptions, message: str, event: log.Event = "notice", **facts: Any) -> None:
    """Prints a line for people: on standard error where the summary is for programs."""
    stream = sys.stdout if options.summary == "text" else sys.stderr
    log.tell(event, shown(message, MESSAGE_CHARACTERS), stream=stream, **facts)


def is_place_said(options: RunOptions, version: str) -> bool:
    """Prints a version's folder in place of its summary, where little is to be said.

    Returns:
      Whether it has.
    """
    is_said = log.is_quiet() and options.summary == "text"
    if is_said:
        print(storage.join(options.output, layout.version_folder(version)), flush=True)
    return is_said


def warn(warnings: Iterable[str], event: log.Event = "warning") -> None:
    """Prints warnings on standard error."""
    for warning in warnings:
        log.tell(event, shown(warning, MESSAGE_CHARACTERS), "warning")


def end_refused(
    options: RunOptions, status: str, message: str, found: Mapping[str, Any] | None = None
) -> int:
    """Prints why nothing was published (`report_failure`); returns the exit code."""
    return report_failure(options.summary == "json", status, message, found)


def report_failure(
    as_json: bool, status: str, message: str, found: Mapping[str, Any] | None
) -> int:
    """Prints why nothing was published, on standard error, and what was found.

    Args:
      as_json: Whether to print the same as one JSON object on standard output.
      status: How the run ended, a key of `EXIT_CODES`.
      message: One sentence.
      found: What the run found (`verdict.Found`, as JSON has it), None where nothing was read.

    Returns:
      The exit code.
    """
    said = shown(with_flags(message), MESSAGE_CHARACTERS)
    if status == "skipped":
        log.tell("skipped", said, text=f"skipped: {said}")
    else:
        log.tell("error", said, "error", status=status)
    if found:
        _tell_details(found)
    version = found.get("version") if found and status in _COMPLETE else None
    log.ending(status, said, status in RETRYABLE, version)
    if as_json:
        print(json.dumps(failure_as_json(status, message, found), indent=1))
    return EXIT_CODES[status]


def failure_as_json(status: str, message: str, found: Mapping[str, Any] | None) -> dict:
    """The failure for programs."""
    retryable = status in RETRYABLE
    head = {"status": status, "exit_code": EXIT_CODES[status], "retryable": retryable}
    return {**head, "message": with_flags(message), **(found or {})}


def failure_of(error: UsageError | EngineError) -> dict:
    """The failure, for programs, of a command that ends with one of our errors."""
    status = "wrong_use" if isinstance(error, UsageError) else "failed"
    if isinstance(error, ChangedError):
        status = "input_changed"
    return {**failure_as_json(status, str(error), None), "retryable": error.retryable}


def _tell_details(found: Mapping[str, Any]) -> None:
    for row in msgspec.convert(found.get("expected", []), list[ExpectedRow]):
        if not expected.is_met(row):
            said = f"{row.group}: {expected.describe(row)}"
            log.tell("expected_not_met", said, "error", text=f"  {said}", group=row.group)
    for check in msgspec.convert(found.get("checks", []), list[CheckRow]):
        if is_broken(check) and not holds(check):
            said = shown(with_flags(describe_rule(check)), MESSAGE_CHARACTERS)
            log.tell("check_broken", said, "warning", text=f"  warning: {said}")
    if found["counts"]["rejected"]:
        _tell_rejected(found)


def _tell_rejected(found: Mapping[str, Any]) -> None:
    rejected, lines = found["counts"]["rejected"], found["bad_lines"][:_LINES_SHOWN]
    said, number = _describe_rejected(rejected), sum(rejected.values())
    log.tell("lines_rejected", said, "error", text=f"  {said}", lines=number, codes=rejected)
    for bad in lines:
        said = f"{shown(bad['shard'])}:{bad['line']} {bad['code']} {shown(bad['message'])}"
        place = {name: bad[name] for name in ("shard", "line", "code")}
        log.tell("line_rejected", said, "warning", text=f"    {said}", **place)
    files, more = found["rejected_files"], number - len(lines)
    texts = [f"    … and {more:,} more"] if more else []
    texts += _places(files)
    if texts:
        number = len(files)
        said = f"All rejected lines, with their bytes, are in {plural(number, 'file')}."
        shown_files = files[:_FILES_SHOWN]
        log.tell("rejected_files", said, text="\n".join(texts), files=shown_files, number=number)


def note_rejected(rejected: Mapping[str, int]) -> None:
    """Notes how many lines of a version were rejected, which as text its summary says."""
    if rejected:
        said, number = _describe_rejected(rejected), sum(rejected.values())
        log.note("lines_rejected", said, "warning", lines=number, codes=rejected)


def _describe_rejected(rejected: Mapping[str, int]) -> str:
    listed = ", ".join(f"{code} {number:,}" for code, number in by_number(rejected))
    return f"rejected {sum(rejected.values()):,}: {listed}"


def _places(files: Sequence[str]) -> Iterator[str]:
    if files:
        yield "  all rejected lines, with their bytes, are in"
    yield from (f"    {path}" for path in files[:_FILES_SHOWN])
    if more := len(files) - _FILES_SHOWN if len(files) > _FILES_SHOWN else 0:
        yield f"    … and {more:,} more files; --summary json lists all"
    if files:
        yield "  mend the shards, or publish with a higher --max-bad-share and put repaired lines"
        yield with_flags(f"  into their places by {job('replay')}")
