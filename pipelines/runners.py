"""From options to a Beam pipeline: the only place that knows one engine from another."""

import contextlib
import logging
import os
import re
import tempfile
import traceback
from collections.abc import Iterator, Sequence

from pipelines.options import Options
from transforms.core.errors import EngineError, UsageError
from transforms.core.memory import ONE_HEAP

LOCAL = "local"

_WHERE = re.compile(r" \[while running '[^']*'\]")
_IN_WORKER = re.compile(rf"^{re.escape(UsageError.__module__)}\.UsageError: (.*)$", re.MULTILINE)
"""What a worker process leaves of an error: its traceback as text."""


@contextlib.contextmanager
def create_pipeline(options: Options, beam_args: Sequence[str] = ()) -> Iterator:
    """A Beam pipeline on the engine that the options name; runs when the block ends.

    The local engine is Beam's portable in-process runner by name: `DirectRunner` would first
    look for Prism, whose binary is a download, so runs would not be on the same engine.

    Raises:
      UsageError: Beam refuses its flags, or a stage found that the input is unusable.
      EngineError: Anything else failed.
    """
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    try:
        pipeline = beam.Pipeline(options=PipelineOptions([*_flags(options), *beam_args]))
    except ValueError as error:
        raise UsageError(f"Beam's options: {' '.join(str(error).split())}") from error
    try:
        with pipeline:
            yield pipeline
    except UsageError as error:
        raise UsageError(_WHERE.sub("", str(error))) from None
    except Exception as error:
        if found := _IN_WORKER.search(str(error)):
            raise UsageError(_WHERE.sub("", found[1])) from None
        if str(error).startswith("KeyboardInterrupt"):  # Beam wraps it like a stage's error
            raise KeyboardInterrupt from None
        raise EngineError(_describe(error)) from error


def _flags(options: Options) -> list[str]:
    if options.runner != LOCAL:
        return [f"--runner={options.runner}"]
    # What fails here is raised here; Beam's own log of it would only say it twice.
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    mode = "in_memory"
    if options.workers > 1:
        mode = "multi_processing"
        os.environ.update(ONE_HEAP)  # for the worker processes; this one has begun without it
    return [
        "--runner=FnApiRunner",
        f"--direct_running_mode={mode}",
        f"--direct_num_workers={options.workers}",
    ]


def _describe(error: Exception) -> str:
    """What failed, in a line, and the file that has the whole traceback."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="localized-narratives-", suffix=".log", delete=False
    ) as log:
        log.write("".join(traceback.format_exception(error)))
    last = str(error).strip().splitlines()[-1:] or [type(error).__name__]
    return (
        f"the run failed: {last[0]}; finished units are kept, so the same command goes on from "
        f"there. The traceback is in {log.name}"
    )
