"""From options to a Beam pipeline: the only place that knows one engine from another."""

import contextlib
import io
import logging
import pathlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

from pipelines.cli import log, stopping
from pipelines.cli.beam_options import DATAFLOW, FLINK, LOCAL, engine_of, to_flags
from pipelines.cli.engines.temporary import run_folder
from pipelines.cli.options import Options
from pipelines.cli.process import LOG_PREFIX, LOG_SUFFIX, keep_traceback
from transforms import storage
from transforms.core.base.errors import (
    WORKER_ENDED,
    ChangedError,
    DeniedError,
    EngineError,
    RoomError,
    UsageError,
    WorkerEndedError,
    unit_of,
)

_SETUP_FILE = pathlib.Path(__file__).parents[3] / "setup.py"
"""What Dataflow's workers install, where the code is a checkout of the repository."""

_PREPARED = re.compile(r"--(template_location|dry_run)\b(?!=[Ff]alse)")
_WHERE = re.compile(r" \[while running '([^'/]*)[^']*'\]")
"""What Beam adds to an error's message; begins with the label of the stage."""

_OURS = {
    kind.__name__: kind for kind in (UsageError, ChangedError, EngineError, DeniedError, RoomError)
}
_IN_WORKER = re.compile(
    rf"{re.escape(UsageError.__module__)}\.({'|'.join(_OURS)}): (.*)$", re.MULTILINE
)
"""What a worker process leaves of an error: its traceback as text."""

_CUT_OFF = "Channel closed prematurely."
"""What Beam says of a worker on this machine that ended while it sent its results."""


@contextlib.contextmanager
def create_pipeline(options: Options, beam_args: Sequence[str] = ()) -> Iterator:
    """A Beam pipeline on the engine that the options name; runs when the block ends.

    Args:
      options: The job's options.
      beam_args: Flags of Beam's own; they win over `options.beam`.

    Raises:
      UsageError: Beam refuses its flags, or a stage found that the input is unusable.
      EngineError: Anything else failed.
    """
    engine = _engine(options)
    with (
        tempfile.TemporaryFile(
            "w+", errors="replace", prefix=LOG_PREFIX, suffix=LOG_SUFFIX
        ) as workers_log,
        _prepared(engine, options, beam_args, workers_log) as pipeline,
    ):
        try:
            with contextlib.nullcontext() if engine == LOCAL else stopping.elsewhere(), pipeline:
                yield pipeline
        except Exception as error:
            raise _located(_explain(error, workers_log), error) from error


@contextlib.contextmanager
def _prepared(
    engine: str, options: Options, beam_args: Sequence[str], workers_log: TextIO
) -> Iterator:
    """A pipeline to fill and run, whose temporary folder goes with the block."""
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    flags = [*_engine_flags(options), *to_flags(options.beam), *beam_args]
    with contextlib.ExitStack() as left:
        try:
            parsed = PipelineOptions([*flags, *_defaults(engine, flags)])
            _check_usage(parsed)
            _check(engine, parsed)
            runner = _local_runner(options.workers, workers_log) if engine == LOCAL else None
            with stopping.held():
                pipeline = beam.Pipeline(runner=runner, options=parsed)
                folder = left.enter_context(run_folder(pipeline.local_tempdir))
                pipeline.local_tempdir = folder
        except (ValueError, ImportError) as error:
            if isinstance(error, UsageError):
                raise
            raise UsageError(f"Beam's options: {' '.join(str(error).split())}") from error
        yield pipeline


def _engine(options: Options) -> str:
    return engine_of(options.runner)


def _engine_flags(options: Options) -> list[str]:
    engine = _engine(options)
    runner = {FLINK: "--runner=FlinkRunner", DATAFLOW: "--runner=DataflowRunner"}
    flag = runner.get(engine, f"--direct_num_workers={options.workers}")
    return [flag] if options.wait else [flag, "--no_wait_until_finish"]


def _local_runner(workers: int, workers_log: TextIO) -> Any:
    """Beam's portable runner, in this process or with worker processes.

    `DirectRunner` would first look for Prism, whose binary is a download, so runs would not be on
    the same engine.

    Args:
      workers: How many.
      workers_log: File for what worker processes say: tracebacks of what is raised here too.
    """
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner

    # What fails here is raised here; Beam's own log of it would only say it twice.
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    if workers == 1:
        return FnApiRunner()
    from pipelines.cli.engines.local_workers import worker_processes

    return FnApiRunner(worker_processes(workers_log))


def _defaults(engine: str, flags: Sequence[str]) -> list[str]:
    """Flags that an engine needs and that were not given."""
    given = {flag.partition("=")[0] for flag in flags}
    defaults: dict[str, object] = {}
    if engine == FLINK:
        from pipelines.cli.engines.loopback import bind_to_loopback

        bind_to_loopback()
        defaults = {"flink_master": "localhost:8081", "environment_type": "LOOPBACK"}
    if engine == DATAFLOW:
        # The tagger's thread of matrix arithmetic is a setting of the process.
        defaults = {"number_of_worker_harness_threads": 1}
        if "--sdk_container_image" not in given and _SETUP_FILE.exists():
            defaults["setup_file"] = str(_SETUP_FILE)
    return to_flags({name: value for name, value in defaults.items() if f"--{name}" not in given})


def _check_usage(parsed: Any) -> None:
    """Where messages are events, takes the last line of Beam's usage for the error that it is.

    Raises:
      UsageError: Beam would print its usage and end the process.
    """
    if not log.is_json():
        return
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            parsed.get_all_options()
    except SystemExit as end:
        last = said.getvalue().strip().rpartition("\n")[2]
        raise UsageError(f"Beam's options: {last.partition(': error: ')[2]}") from end


def _check(engine: str, parsed: Any) -> None:
    """Finds now what Beam would find late, only after minutes of trying, or not at all.

    Raises:
      UsageError: There are no Google credentials, or they do not open the bucket for staging. Or
        nobody waits for a job on Flink that would end with this process.
    """
    if engine == LOCAL:
        return
    given = parsed.get_all_options()
    if engine == FLINK:
        stays = given["job_endpoint"] and given["environment_type"] != "LOOPBACK"
        if given["no_wait_until_finish"] and not stays:
            raise UsageError(
                "without waiting, job server and workers must outlive this command: give "
                "job_endpoint, and environment_type EXTERNAL, PROCESS or DOCKER"
            )
        return
    place = given["staging_location"] or given["temp_location"]
    if not place:
        raise UsageError(
            "Dataflow needs a bucket for what it stages: give temp_location, for example "
            "gs://BUCKET/tmp"
        )
    storage.exists(f"{place.rstrip('/')}/credentials")


def _located(explained: BaseException, error: Exception) -> BaseException:
    """What is raised for an error, with the stage and the unit that are known of it."""
    if isinstance(explained, UsageError | EngineError):
        stage = _WHERE.search(str(error))
        explained.stage, explained.unit = stage[1] if stage else "", unit_of(error)
    return explained


def _explain(error: Exception, workers_log: TextIO) -> BaseException:
    """What to raise for an error that ended a pipeline."""
    if isinstance(error, UsageError | EngineError):
        return type(error)(_WHERE.sub("", str(error)))
    if found := _IN_WORKER.search(str(error)):
        return _OURS[found[1]](_WHERE.sub("", found[2]))
    if str(error).startswith("KeyboardInterrupt"):  # Beam wraps it like a stage's error
        return KeyboardInterrupt()
    workers_log.seek(0)
    kept = keep_traceback(error, workers_log.read())
    where = f"{kept[:1].upper()}{kept[1:]}"
    message = (
        f"the run failed: {_reason(error)}; finished units are kept, so the same command resumes "
        f"from there. {where}"
    )
    if _reason(error) == WORKER_ENDED:
        return WorkerEndedError(message, where)
    return EngineError(message)


def _reason(error: Exception) -> str:
    last = (str(error).strip().splitlines() or [type(error).__name__])[-1]
    return WORKER_ENDED if last == _CUT_OFF else last


def is_prepared_only(options: Options, beam_args: Sequence[str] = ()) -> bool:
    """Whether a pipeline is only made ready, for a template or to look at, and not run."""
    flags = [*to_flags(options.beam), *beam_args]
    return any(_PREPARED.match(flag) for flag in flags)


def is_local(options: Options) -> bool:
    """Whether the pipeline runs on this machine, in this process and its worker processes."""
    return _engine(options) == LOCAL


def is_detached(options: Options, beam_args: Sequence[str] = ()) -> bool:
    """Whether a pipeline is only submitted, or only prepared, and nobody waits for its end."""
    if _engine(options) == LOCAL:
        return False  # it runs in this process
    flags = [*to_flags(options.beam), *beam_args]
    leaves = not options.wait or "--no_wait_until_finish" in flags
    return leaves or is_prepared_only(options, beam_args)


def job_id(pipeline: Any) -> str | None:
    """What the engine calls the job of a pipeline that was run; None where it has no name yet."""
    try:
        return pipeline.result.job_id()
    except (AttributeError, OSError):  # prepared only
        return None


def fails_jobs(options: Options, beam_args: Sequence[str] = ()) -> bool:
    """Whether a job that publishes nothing is to fail: where its state is all that one may see."""
    return _engine(options) == DATAFLOW or is_detached(options, beam_args)
