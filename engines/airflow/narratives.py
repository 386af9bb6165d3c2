"""A DAG for Airflow 3: the next version of an output, every night and when its input has changed.

It calls the program `narratives`, which has an environment of its own, and needs nothing but
Airflow itself. Change the constants, then copy this file to the DAG folder (docs/schedules.md).
"""

import datetime
import glob
import json
import logging
import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from airflow.sdk import (
    Asset,
    AssetOrTimeSchedule,
    CronTriggerTimetable,
    Param,
    Variable,
    chain,
    dag,
    task,
)
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

CONFIG = "/etc/narratives/build.yaml"
OUTPUT = "/srv/narratives"
NIGHTLY = "30 2 * * *"
RETRIES = 3
RETRY_DELAY = datetime.timedelta(minutes=10)
POKE_SECONDS = 60
WAIT_SECONDS = 6 * 3600
"""Seconds after which a run whose input has not come fails."""

INPUT = Asset("narratives_input")
"""What writes the input may create an event of it: that starts a run."""

VERSION = Asset("narratives_version")
"""Has an event for each version that was published, with the run's summary."""

PROGRAM = "narratives_command"
"""The Airflow Variable that names the program, with its first arguments where it has some.

No parameter of a run does: whoever may start runs shall not choose what is executed.
"""

UNCHANGED, ANOTHER_RUN = 5, 6
"""Exit codes of builds that did nothing and need no attention."""

PERMANENT = {2, 3, 126, 127}
"""Exit codes that are not retried where the program printed no object that says so.

The last two are those of a shell, or of `env`, that cannot start the program.
"""

TASKS = ("build", "verify", "prune")

PARAMS = {
    "config": Param(
        CONFIG, type="string", minLength=1, description="Options of the build, a file."
    ),
    "output": Param(
        OUTPUT, type="string", minLength=1, description="Output folder; wins over the file's."
    ),
    "folder": Param(
        None,
        type=["null", "string"],
        description="Folder that relative paths are relative to; without it the worker's own.",
    ),
    "arguments": Param(
        [],
        type="array",
        items={"type": "string"},
        description="Further arguments of the build, one a line, such as --max-bad-share=0.02.",
    ),
    "if_running": Param(
        "skip",
        type="string",
        enum=["skip", "wait", "fail"],
        description="What to do while another run is at work on the output: skip this one, wait, "
        "or fail, which is retried.",
    ),
    "wait_for": Param(
        [],
        type="array",
        items={"type": "string"},
        description="Patterns, one a line: the build waits until each of them has a file.",
    ),
    "verify": Param(
        "current",
        type="string",
        enum=["current", "all"],
        description="Versions whose files are compared with their checksums.",
    ),
    "keep_last": Param(
        7, type=["null", "integer"], minimum=0, description="Newest versions that prune keeps."
    ),
    "keep_days": Param(
        None,
        type=["null", "number"],
        minimum=0,
        description="Days for which prune keeps versions. Without this and keep_last it removes "
        "nothing.",
    ),
    "grace": Param(
        "24h",
        type="string",
        minLength=1,
        description="Nothing that was written or current within this time is removed.",
    ),
}

log = logging.getLogger(__name__)


class End(NamedTuple):
    """How a command ended.

    Attributes:
      code: Its exit code; negative where a signal ended it.
      found: The object that it printed, empty where there was none.
      last: The last line of its standard error.
    """

    code: int
    found: Mapping[str, Any]
    last: str

    @property
    def is_retryable(self) -> bool:
        """Whether the same command may succeed when nobody has changed anything."""
        return bool(self.found.get("retryable", self.code not in PERMANENT))


def run_program(arguments: Sequence[str], folder: str | None) -> End:
    """Runs a command of the program; its standard error goes to the task's log as it comes.

    Args:
      arguments: Of the program; it prints an object on standard output.
      folder: Where it is started, None for the worker's own folder.

    Raises:
      AirflowFailException: The program or the folder is not there.
    """
    command = [*shlex.split(Variable.get(PROGRAM, default="narratives")), *arguments]
    log.info("%s", shlex.join(command))
    with tempfile.TemporaryFile() as printed:
        try:
            process = subprocess.Popen(
                command, cwd=folder, env=_environment(), stdout=printed, stderr=subprocess.PIPE
            )
        except OSError as error:
            raise AirflowFailException(f"cannot start the program: {error}") from error
        last = _follow(process)
        printed.seek(0)
        return End(process.returncode, _read(printed.read()), last)


def _environment() -> dict[str, str]:
    """What the program inherits: not Airflow's settings and secrets, nor its Python packages."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.lstrip("_").startswith("AIRFLOW_") and name not in ("PYTHONPATH", "PYTHONHOME")
    }


def _follow(process: subprocess.Popen) -> str:
    """Logs what a process says until it ends; returns the last line."""
    last = ""
    with process:
        try:
            for line in process.stderr or ():
                if text := line.decode(errors="replace").rstrip():
                    last = text
                    log.info("%s", text)
        except BaseException:  # a timeout of the task, say: the program must not go on alone
            process.terminate()
            raise
    return last


def _read(printed: bytes) -> dict[str, Any]:
    try:
        found = json.loads(printed)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def conclude(end: End, summary: Mapping[str, Any]) -> None:
    """Ends a task as its command ended.

    Raises:
      AirflowSkipException: There was nothing to do, or another run is at work.
      AirflowException: It failed, and the same may succeed later: the task is retried.
      AirflowFailException: It failed, and somebody must act first.
    """
    sentence = summary["sentence"]
    log.info("%s", sentence)
    if end.code in (UNCHANGED, ANOTHER_RUN):
        raise AirflowSkipException(sentence)
    if end.code:
        raise (AirflowException if end.is_retryable else AirflowFailException)(sentence)


def summarize(end: End, told: str) -> dict[str, Any]:
    """The end of a command for other tasks and for people.

    Args:
      end: Of the command.
      told: What the object that it printed says, in words.
    """
    status = end.found.get("status", "failed" if end.code else "done")
    sentence = told
    if end.code:
        sentence = end.found.get("message") or end.last or told
    if end.code == UNCHANGED:
        status = "unchanged"
    elif end.code and end.code != ANOTHER_RUN:
        sentence = f"{status} (exit code {end.code}): {sentence}"
    return {
        "status": status,
        "exit_code": end.code,
        "retryable": bool(end.code) and end.is_retryable,
        "version": end.found.get("version"),
        "sentence": sentence,
    }


def describe_build(found: Mapping[str, Any]) -> str:
    """What a build has published."""
    total = found.get("conservation", {}).get("total", {})
    numbers = ", ".join(
        f"{total.get(name, 0):,} {name}" for name in ("narratives", "discarded", "rejected")
    )
    version, lines = found.get("version"), total.get("lines", 0)
    return f"version {version} is current: {numbers} of {lines:,} lines"


def describe_verify(found: Mapping[str, Any]) -> str:
    """What was verified, and what differs."""
    versions = found.get("versions", [])
    files = sum(version["files"] for version in versions)
    wrong = [problem for version in versions for problem in version["problems"]]
    if not wrong:
        return f"all files are as recorded: {files:,} of {len(versions):,} version(s)"
    first = f"{wrong[0]['path']} ({wrong[0]['what']})"
    return (
        f"{len(wrong):,} of {files:,} files are not as recorded, the first {first}; "
        "`narratives versions verify --repair` rebuilds what it can"
    )


def describe_prune(found: Mapping[str, Any]) -> str:
    """What was removed."""
    removed = len(found.get("removed_versions", []))
    return f"{removed:,} version(s) removed, {found.get('freed_bytes', 0):,} bytes are free"


def build_arguments(params: Mapping[str, Any]) -> list[str]:
    """The build's command line; what the DAG relies on comes last and wins."""
    own = ["--config", params["config"], "--output", params["output"]]
    own += ["--if-changed", "--if-running", params["if_running"], "--summary", "json"]
    return ["build", *params["arguments"], *own]


def verify_arguments(params: Mapping[str, Any]) -> list[str]:
    """The command line that verifies."""
    which = ["current"] if params["verify"] == "current" else []
    return ["versions", "verify", *which, "--output", params["output"], "--format", "json"]


def prune_arguments(params: Mapping[str, Any]) -> list[str]:
    """The command line that prunes.

    Raises:
      AirflowSkipException: Nothing says what to keep.
    """
    kept = [
        word
        for name in ("keep_last", "keep_days")
        if params[name] is not None
        for word in (f"--{name.replace('_', '-')}", str(params[name]))
    ]
    if not kept:
        raise AirflowSkipException("nothing is pruned: keep_last and keep_days are empty")
    own = ["--grace", params["grace"], "--output", params["output"], "--format", "json"]
    return ["versions", "prune", *kept, *own]


def has_files(patterns: Sequence[str], folder: str | None) -> bool:
    """Whether each pattern has a file.

    Raises:
      AirflowFailException: A pattern is of a bucket.
    """
    if remote := [pattern for pattern in patterns if "://" in pattern]:
        raise AirflowFailException(
            f"wait_for: {remote[0]} is not on a disk; create an event of the asset {INPUT.name} "
            "when it is there"
        )
    missing = [pattern for pattern in patterns if not _matches(pattern, folder)]
    for pattern in missing:
        log.info("%s has no file yet", pattern)
    return not missing


def _matches(pattern: str, folder: str | None) -> list[str]:
    # A pattern may be absolute, which pathlib's glob does not take.
    return glob.glob(pattern, root_dir=folder, recursive=True)  # noqa: PTH207


def describe_run(context: Mapping[str, Any]) -> str:
    """A run in words: a line for it, and one for each of its commands."""
    head = f"run {context['run_id']} of {context['dag'].dag_id}: {context['reason']}"
    instance = context.get("ti")
    return "\n".join([head, *(f"  {name}: {_sentence(instance, name)}" for name in TASKS)])


def _sentence(instance: Any, name: str) -> str:
    """How a task's command ended."""
    try:
        summary = instance.xcom_pull(task_ids=name, key="summary")
    except (AttributeError, ImportError):  # `airflow dags test` has no XComs for callbacks
        return "its log has it"
    return summary["sentence"] if summary else "did not run"


def tell_success(context: Mapping[str, Any]) -> None:
    """Logs the summary of a run that did what it should, or had nothing to do."""
    log.info("%s", describe_run(context))


def tell_failure(context: Mapping[str, Any]) -> None:
    """Logs the summary of a run that somebody should look at."""
    log.error("%s", describe_run(context))


@task.sensor(poke_interval=POKE_SECONDS, timeout=WAIT_SECONDS, mode="reschedule")
def wait_for_input(params: Mapping[str, Any]) -> bool:
    """Waits until the input is there."""
    return has_files(params["wait_for"], params["folder"])


@task(outlets=[VERSION])
def build(params: Mapping[str, Any], ti: Any, outlet_events: Any) -> None:
    """Makes the next version, where anything has changed."""
    end = run_program(build_arguments(params), params["folder"])
    summary = summarize(end, describe_build(end.found))
    ti.xcom_push("summary", summary)
    conclude(end, summary)
    outlet_events[VERSION].extra = summary


@task
def verify(params: Mapping[str, Any], ti: Any) -> None:
    """Compares the files of what was published with their checksums."""
    end = run_program(verify_arguments(params), params["folder"])
    summary = summarize(end, describe_verify(end.found))
    ti.xcom_push("summary", summary)
    conclude(end, summary)


@task
def prune(params: Mapping[str, Any], ti: Any) -> None:
    """Removes versions and units that nothing needs any more."""
    end = run_program(prune_arguments(params), params["folder"])
    summary = summarize(end, describe_prune(end.found))
    ti.xcom_push("summary", summary)
    conclude(end, summary)


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable(NIGHTLY, timezone="UTC"), assets=[INPUT]
    ),
    start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    catchup=False,
    max_active_runs=1,
    params=PARAMS,
    default_args={"retries": RETRIES, "retry_delay": RETRY_DELAY},
    on_success_callback=tell_success,
    on_failure_callback=tell_failure,
    tags=["narratives"],
)
def narratives() -> None:
    """Builds the next version of an output, verifies it, and prunes old ones."""
    chain(wait_for_input(), build(), verify(), prune())


narratives()
