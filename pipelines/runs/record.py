"""What a command leaves of itself in the output's `runs`, from its beginning to its end."""

import contextlib
import json
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from pipelines import __version__
from pipelines.cli import log
from pipelines.cli.engines.runners import is_detached, is_local, is_prepared_only
from pipelines.cli.options import with_flags
from pipelines.runs.failure import EXIT_CODES, RETRYABLE, Refused, end_refused, failure_of, say
from pipelines.runs.options import RunOptions
from pipelines.runs.plan import RunPlan
from transforms import storage
from transforms.core.base import unfinished
from transforms.core.base.errors import (
    MESSAGE_CHARACTERS,
    EngineError,
    UsageError,
    describe_os_error,
    option,
    shown,
)
from transforms.core.model import layout
from transforms.units.lease import (
    DETACHED_SECONDS,
    SECONDS,
    Holding,
    lease_path,
    take_lease,
)
from transforms.units.publishing.pin import read_pin
from transforms.units.runs import (
    Begun,
    Ended,
    is_removed,
    new_run,
    note_end,
    read_pruning,
    write_begin,
)

_INSTEAD = {
    "skipped": "nothing was done",
    "busy": f"run again when it has ended, or let this one wait with {option('if_running')} wait",
}
_NO_WAIT = f"{option('if_running')} skip or fail does not wait"

_REMOTE_PAUSE = 5.0
"""Seconds until a store is asked again whether a run has ended."""

_PAUSE = 0.5
"""Seconds until it is looked again whether something is still being removed."""

Plan = TypeVar("Plan", bound=RunPlan)


class RunRecord:
    """The record of one run; a dry run leaves none.

    Args:
      options: Of the job.
      command: The job's name.
    """

    def __init__(self, options: RunOptions, command: str) -> None:
        self._output, self._has_begun = options.output, False
        self._metrics, self._status = options.metrics, ""
        self._is_dry = options.dry_run
        self._held = contextlib.ExitStack()
        self._holding: Holding | None = None
        self._begun = new_run(
            command,
            is_local(options),
            engine=options.runner,
            workers=options.workers,
            program=__version__,
        )
        log.bind(run=self.run)

    @property
    def run(self) -> str:
        """The run's name."""
        return self._begun.run

    def take_lease(self, options: RunOptions, beam_args: Sequence[str]) -> bool:
        """Makes this the one run that works on the output, until `close`; waits for another one.

        One that has the lease, or only looks, needs none.

        Args:
          options: Of the job.
          beam_args: Beam's own flags.

        Returns:
          Whether it has waited: what was planned before may have been done by the other one.

        Raises:
          Refused: Another one is at work, and this one is not to wait.
        """
        if self._holding or self._is_dry or is_prepared_only(options, beam_args):
            return False
        detached, told = is_detached(options, beam_args), False
        seconds = DETACHED_SECONDS if detached else SECONDS
        while isinstance(taken := take_lease(self._output, self._begun, seconds), Begun):
            sentence = _describe(taken, self._output)
            if options.if_running != "wait":
                status = "skipped" if options.if_running == "skip" else "busy"
                raise Refused(status, f"{sentence}: {_INSTEAD[status]}")
            if not told:
                text = with_flags(f"Waiting: {sentence}; {_NO_WAIT}.")
                say(options, text, "waiting", other_run=taken.run)
            told = True
            time.sleep(_REMOTE_PAUSE if "://" in self._output else _PAUSE)
        if not detached:
            self._held.enter_context(unfinished.removed_at_stop(lease_path(self._output)))
        self._holding = self._held.enter_context(Holding(self._output, taken, detached))
        return told

    def close(self, submitted: bool = False) -> None:
        """Lets another run work on the output, unless a job that was submitted goes on there."""
        if self._holding and not submitted:
            self._holding.is_left = False
        self._held.close()

    def begin(self, plan: RunPlan) -> bool:
        """Says what the run needs; returns whether that is being removed at the moment."""
        self._begun = msgspec.structs.replace(
            self._begun,
            base=plan.base,
            version=plan.version,
            pending=len(plan.units),
            bytes=sum(unit.bytes for unit in plan.units),
            reused=[layout.unit_of(path)[1] for path in plan.finished],
            indexes=[path.rstrip("/").rpartition("/")[2] for path in plan.indexes],
        )
        write_begin(self._output, self._begun)
        self._has_begun = True
        return is_removed(self._begun, read_pruning(self._output))

    def end(self, status: str, message: str, version: str = "") -> None:
        """Says how the run has ended, unless it has said so itself."""
        self._status = status
        log.ending(status, with_flags(message), status in RETRYABLE, version)
        ended = Ended(status=status, version=version, message=shown(message, MESSAGE_CHARACTERS))
        if self._holding:
            self._holding.is_left = False
        if not self._is_dry:
            note_end(self._output, self._begun, ended, self._has_begun)

    def measure(self, exit_code: int) -> None:
        """Writes the metrics of the run, if they are asked for.

        Args:
          exit_code: Of the command.
        """
        if self._metrics is None or self._is_dry:
            return
        from pipelines.runs.metrics import write_metrics

        said = storage.read_json(storage.join(self._output, layout.run_path(self.run))) or {}
        status = self._status or said.get("status") or "submitted"
        write_metrics(self._metrics, self._output, self._begun, status, exit_code)


def recorded(options: RunOptions, command: str, work: Callable[[RunRecord], int]) -> int:
    """Runs a job's command, and leaves a record of how it ended; returns its exit code.

    Args:
      options: Of the job.
      command: The job's name.
      work: The command; takes its record.
    """
    record, code = RunRecord(options, command), None
    try:
        code = _recorded(options, record, work)
        return code
    finally:
        record.close(submitted=code == 0)


def _recorded(options: RunOptions, record: RunRecord, work: Callable[[RunRecord], int]) -> int:
    try:
        code = work(record)
    except Refused as refused:
        record.end(refused.status, str(refused))
        code = end_refused(options, refused.status, str(refused))
    except (UsageError, EngineError) as error:
        failure = failure_of(error)
        record.end(failure["status"], str(error))
        log.ending(failure["status"], failure["message"], failure["retryable"])
        if options.summary == "json":
            print(json.dumps(failure, indent=1), flush=True)
        record.measure(failure["exit_code"])
        raise
    except OSError as error:
        record.end("failed", describe_os_error(error))
        record.measure(EXIT_CODES["failed"])
        raise
    record.measure(code)
    return code


def _describe(run: Begun, output: str) -> str:
    """A sentence's beginning on the run that is at work."""
    process, _, _ = run.process.partition(":")
    where = f"process {process} on {run.host}" if process else f"begun on {run.host}"
    return f"run {run.run} ({run.command}, {where}, since {run.begun}) is at work on {output!r}"


def is_only_looking(options: RunOptions, beam_args: Sequence[str]) -> bool:
    """Whether nothing is run: a dry run, or a pipeline that is only prepared."""
    return options.dry_run or is_prepared_only(options, beam_args)


def plan_and_begin(
    options: RunOptions, beam_args: Sequence[str], record: RunRecord, plan_run: Callable[[], Plan]
) -> Plan:
    """Plans a run and says that it begins; waits while something is removed that it needs.

    The run takes the lease, unless its planning has done so when it knew that the output can be
    written to.

    Args:
      options: Of the job.
      beam_args: Beam's own flags.
      record: Of the run.
      plan_run: Plans it.
    """
    only_looks = is_only_looking(options, beam_args)
    while True:
        plan = plan_run()
        if plan.is_current or only_looks:
            return plan
        if record.take_lease(options, beam_args):
            continue
        if not record.begin(plan):
            return plan
        text = "Waiting: `versions prune` is removing units that this run would use."
        say(options, text, "waiting")
        while read_pruning(options.output):
            time.sleep(_PAUSE)


def end_unchanged(options: RunOptions, record: RunRecord, version: str) -> int:
    """Says that a run has nothing to do, and records it; returns the exit code.

    Args:
      options: The job's options.
      record: The run's.
      version: The current version.
    """
    message = f"Nothing to do: version {version} has the same input, options and code."
    if read_pin(options.output):
        message += " The output is pinned to it."
    record.end("unchanged", message, version)
    say(options, message, "nothing_to_do", version=version)
    return EXIT_CODES["unchanged"] if options.if_changed else 0
