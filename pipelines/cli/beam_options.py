"""Engines by name, and Beam's own flags: what options are checked against."""

import argparse
import functools
from collections.abc import Iterator, Mapping

LOCAL, FLINK, DATAFLOW = "local", "flink", "dataflow"

ENGINES = (LOCAL, FLINK, DATAFLOW)
_BEAM_NAMES = {
    "DirectRunner": LOCAL,
    "FnApiRunner": LOCAL,
    "FlinkRunner": FLINK,
    "DataflowRunner": DATAFLOW,
}

JAVA_OPTIONS = frozenset(
    {"execution_mode_for_batch", "execution_retry_delay", "files_to_stage",
     "number_of_execution_retries"}
)  # fmt: skip
"""Options that only the Java part of a runner (Flink's) knows, so that Python cannot list them:
https://beam.apache.org/documentation/runners/flink/#pipeline-options-for-the-flink-runner"""


def engine_of(runner: str) -> str:
    """The engine that a name stands for: one of `ENGINES`, or what Beam calls its runner."""
    return _BEAM_NAMES.get(runner, runner)


def check_runner(name: str) -> None:
    """Looks whether there is an engine of a name: ours, or what Beam calls its runner.

    Beam's other runners are refused, since nothing of a run was tried on them.

    Raises:
      ValueError: There is none.
    """
    if name not in ENGINES and name not in _BEAM_NAMES:
        others = ", ".join(_BEAM_NAMES)
        raise ValueError(
            f"there is no such engine: give {LOCAL}, {FLINK} or {DATAFLOW} (or the name of their "
            f"Beam runner: {others})"
        )


@functools.cache
def known_flags() -> Mapping[str, bool]:
    """All of Beam's flags, and whether each takes a value."""
    from apache_beam.options.pipeline_options import PipelineOptions

    known = {f"--{name}": True for name in JAVA_OPTIONS}
    for group in (PipelineOptions, *PipelineOptions.__subclasses__()):
        parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
        if adder := group.__dict__.get("_add_argparse_args"):
            adder.__func__(group, parser)
        actions = parser._option_string_actions
        known.update({name: action.nargs != 0 for name, action in actions.items()})
    return known


def to_flags(values: Mapping[str, object]) -> list[str]:
    """Beam's options as flags: a list is the flag once for each value.

    A truth value is the flag or its opposite (`--no_NAME`), where that takes no value.
    """
    return [
        flag
        for name, value in values.items()
        for item in (value if isinstance(value, list) else [value])
        for flag in _to_flag(name, item)
    ]


def _to_flag(name: str, value: object) -> Iterator[str]:
    if not isinstance(value, bool) or known_flags().get(f"--{name}", True):
        yield f"--{name}={value}"
    elif value:
        yield f"--{name}"
    elif f"--no_{name}" in known_flags():
        yield f"--no_{name}"
