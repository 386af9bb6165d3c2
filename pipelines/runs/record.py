"""What a command leaves of itself in the output's `runs`, from its beginning to its end."""

import json
import time
import uuid
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from pipelines import __version__
from pipelines.cli.engines.runners import is_local, is_prepared_only
from pipelines.runs.failure import EXIT_CODES, Refused, end_refused, failure_of, say
from pipelines.runs.options import RunOptions
from pipelines.runs.plan import RunPlan
from transforms import storage
from transforms.core.base.errors import (
    MESSAGE_CHARACTERS,
    EngineError,
    UsageError,
    describe_os_error,
    shown,
)
from transforms.core.model import layout
from transforms.units.runs import (
    Ended,
    is_removed,
    new_run,
    note_end,
    read_pruning,
    write_begin,
)

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
        self._begun = new_run(
            uuid.uuid4().hex[:16],
            command,
            is_local(options),
            engine=options.runner,
            workers=options.workers,
            program=__version__,
        )

    @property
    def run(self) -> str:
        """The run's name."""
        return self._begun.run

    def begin(self, plan: RunPlan) -> bool:
        """Says what the run needs; returns whether that is being removed at the moment."""
        self._begun = msgspec.structs.replace(
            self._begun,
            base=plan.base,
            version=plan.version,
            pending=len(plan.units),
            bytes=sum((unit.end or unit.size) - unit.start for unit in plan.units),
            reused=[path.split("/")[-2] for path in plan.finished],
            indexes=[path.rstrip("/").rpartition("/")[2] for path in plan.indexes],
        )
        write_begin(self._output, self._begun)
        self._has_begun = True
        return is_removed(self._begun, read_pruning(self._output))

    def end(self, status: str, message: str, version: str = "") -> None:
        """Says how the run has ended, unless it has said so itself."""
        self._status = status
        ended = Ended(status=status, version=version, message=shown(message, MESSAGE_CHARACTERS))
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
    record = RunRecord(options, command)
    try:
        code = work(record)
    except Refused as refused:
        record.end(refused.status, str(refused))
        code = end_refused(options, refused.status, str(refused))
    except (UsageError, EngineError) as error:
        failure = failure_of(error)
        record.end(failure["status"], str(error))
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


def plan_and_begin(
    options: RunOptions, beam_args: Sequence[str], record: RunRecord, plan_run: Callable[[], Plan]
) -> Plan:
    """Plans a run and says that it begins; waits while something is removed that it needs.

    Args:
      options: Of the job.
      beam_args: Beam's own flags.
      record: Of the run.
      plan_run: Plans it.
    """
    while True:
        plan = plan_run()
        only_looks = options.dry_run or is_prepared_only(options, beam_args)
        if plan.is_current or only_looks or not record.begin(plan):
            return plan
        say(options, "Waiting: `versions prune` is removing units that this run would use.")
        while read_pruning(options.output):
            time.sleep(_PAUSE)
