"""All runs on an output: those that have ended, those at work, and those that were cut off."""

import msgspec

from transforms.units.runs import Begun, Ended, is_gone, is_here
from transforms.versions.survey import BECAME_CURRENT, Survey

RUNNING, INTERRUPTED, BEGUN = "running", "interrupted", "begun"
"""Of a run that has not said how it ended: its process is there; is not; is elsewhere."""

_WELL = (*BECAME_CURRENT, "unpinned", "pruned", RUNNING, BEGUN)


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """A run.

    Attributes:
      run: Its name.
      command: What was called; empty where its record does not say.
      begun: When it began, ISO 8601; empty likewise.
      ended: When it ended, ISO 8601; empty for one that has not.
      seconds: How long it took, None where that is not known.
      status: How it ended, `RUNNING`, `INTERRUPTED` or `BEGUN`.
      version: The version that it made, made current, or meant to make; empty for none.
      message: One sentence.
      pending: Units that were to be done.
      bytes: Bytes of these, as the shards hold them.
      reused: Finished units that it relied on.
      engine: On which it ran; empty for what needs none.
      workers: Worker processes of the local engine.
      host: The machine on which it was called.
      program: Version of this program.
    """

    run: str
    command: str
    begun: str
    ended: str
    seconds: float | None
    status: str
    version: str
    message: str
    pending: int
    bytes: int
    reused: int
    engine: str
    workers: int
    host: str
    program: str

    @property
    def went_wrong(self) -> bool:
        """Whether it ended otherwise than one who called it wished."""
        return self.status not in _WELL


def read_history(survey: Survey) -> list[RunRow]:
    """All runs, in the order in which they began."""
    rows = [_of_ended(record) for record in survey.ended] + [_of_begun(run) for run in survey.begun]
    return sorted(rows, key=lambda row: (row.begun or row.ended, row.run))


def _of_ended(record: Ended) -> RunRow:
    begun = record.begin or Begun(run=record.run, command="", begun="")
    return _row(
        begun,
        ended=record.ended,
        seconds=record.seconds,
        status=record.status,
        version=record.version,
        message=record.message,
        reused=record.reused,
    )


def _of_begun(run: Begun) -> RunRow:
    status = INTERRUPTED if is_gone(run) else RUNNING if is_here(run) else BEGUN
    return _row(
        run,
        ended="",
        seconds=None,
        status=status,
        version=run.version or "",
        message="its process ended without a word" if status == INTERRUPTED else "",
        reused=len(run.reused),
    )


def _row(
    begun: Begun,
    *,
    ended: str,
    seconds: float | None,
    status: str,
    version: str,
    message: str,
    reused: int,
) -> RunRow:
    names = ("run", "command", "begun", "pending", "bytes", "engine", "workers", "host", "program")
    return RunRow(
        **{name: getattr(begun, name) for name in names},
        ended=ended,
        seconds=seconds,
        status=status,
        version=version,
        message=message,
        reused=reused,
    )
