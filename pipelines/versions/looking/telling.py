"""`history`: what was run on an output, how each run ended, and what is held back."""

from typing import Any

import msgspec

from pipelines.cli.options import with_flags
from pipelines.versions.options import HistoryOptions
from pipelines.versions.printing import duration, moment, print_columns, print_json, size
from transforms.core.base.errors import MESSAGE_CHARACTERS, shown
from transforms.versions.history import RunRow, read_history
from transforms.versions.survey import HELD, Survey, read_survey

HEADS = ("began", "command", "took", "read", "units", "reused", "engine", "on", "ended", "version")
_NONE = "–"


def show_history(options: HistoryOptions) -> int:
    """Prints all runs, the latest last, and what is held back."""
    survey = read_survey(options.output)
    rows = read_history(survey)
    shown_rows = rows[-options.limit :] if options.limit else rows
    if options.format == "json":
        held = {version.name: with_flags(version.why) for version in _held(survey)}
        print_json(
            {
                "output": options.output,
                "current": survey.current,
                "pinned": survey.pinned,
                "held": held,
                "runs": [_as_json(row) for row in shown_rows],
            }
        )
        return 0
    if len(rows) > len(shown_rows):
        print(f"{len(rows) - len(shown_rows):,} earlier runs are left out (--limit)")
    print_columns(HEADS, map(_columns, shown_rows), right="took read units reused")
    _print_messages(shown_rows)
    _print_held(survey)
    return 0


def _held(survey: Survey) -> list[Any]:
    return [version for version in survey.versions if version.state == HELD]


def _as_json(row: RunRow) -> dict[str, Any]:
    made = msgspec.to_builtins(row)
    return made | {"message": with_flags(row.message)}


def _columns(row: RunRow) -> tuple:
    return (
        moment(row.begun or row.ended),
        row.command or _NONE,
        duration(row.seconds),
        size(row.bytes) if row.bytes else _NONE,
        row.pending or _NONE,
        row.reused or _NONE,
        row.engine or _NONE,
        row.host or _NONE,
        row.status,
        row.version or _NONE,
    )


def _print_messages(rows: list[RunRow]) -> None:
    """Why runs ended otherwise than they should."""
    for row in rows:
        if row.went_wrong and row.message:
            said = shown(with_flags(row.message), MESSAGE_CHARACTERS)
            print(f"\n{moment(row.ended or row.begun)} {row.status}: {said}")


def _print_held(survey: Survey) -> None:
    for version in _held(survey):
        why = shown(with_flags(version.why), MESSAGE_CHARACTERS)
        print(f"\nheld back: {version.name}: {why}")
    if survey.pinned:
        print(f"\nThe output is pinned to version {shown(survey.pinned)} until `unpin`.")
