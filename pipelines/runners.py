"""From options to a Beam pipeline: the only place that knows one engine from another."""

import logging
from collections.abc import Sequence

from pipelines.options import Options

LOCAL = "local"


def create_pipeline(options: Options, beam_args: Sequence[str] = ()):
    """A Beam pipeline on the engine that the options name.

    The local engine is Beam's portable in-process runner by name: `DirectRunner` would first
    look for Prism, whose binary is a download, so runs would not be on the same engine.
    """
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    _quieten()
    if options.runner != LOCAL:
        return beam.Pipeline(options=PipelineOptions([f"--runner={options.runner}", *beam_args]))
    mode = "in_memory" if options.workers == 1 else "multi_processing"
    flags = [
        "--runner=FnApiRunner",
        f"--direct_running_mode={mode}",
        f"--direct_num_workers={options.workers}",
        *beam_args,
    ]
    return beam.Pipeline(options=PipelineOptions(flags))


def _quieten() -> None:
    for name in ("apache_beam", "root"):
        logging.getLogger(name).setLevel(logging.ERROR)
