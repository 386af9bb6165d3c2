"""Metrics of an output's runs for a Prometheus node exporter, as a text file.

The form is that of its textfile collector, names follow OpenMetrics (base units, unit in the name):
https://github.com/prometheus/node_exporter#textfile-collector and
https://prometheus.io/docs/instrumenting/exposition_formats/. Each is a gauge: the file is of the
last run.
"""

import contextlib
import datetime
from collections.abc import Iterator
from typing import NamedTuple

from transforms import storage
from transforms.core.base.errors import EngineError, UsageError
from transforms.core.model import layout
from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import rows_by_table
from transforms.units.publishing.pin import current_version
from transforms.units.publishing.read_version import read_manifest
from transforms.units.runs import Begun, Ended, read_runs

PREFIX = "localized_narratives"

SUCCESS = ("published", "unchanged")
"""Ends of runs after which what they were asked for is current."""


class Sample(NamedTuple):
    """A value of a metric.

    Attributes:
      name: Of the metric, without the prefix.
      meaning: Its help.
      value: The value.
      labels: Further labels.
    """

    name: str
    meaning: str
    value: float
    labels: dict[str, str] = {}


def write_metrics(path: str, output: str, begun: Begun, status: str, exit_code: int) -> None:
    """Writes the metrics of an output after a run; the file appears complete.

    Args:
      path: The file; a node exporter reads those that end with `.prom`.
      output: The output folder.
      begun: How the run began.
      status: How it ended.
      exit_code: Of the command.
    """
    samples = [
        *_of_run(begun, status, exit_code),
        *_of_history(output, begun, status),
        *_of_version(output),
    ]
    storage.write_bytes(path, render(samples, {"job": begun.command, "output": output}).encode())


def render(samples: list[Sample], labels: dict[str, str]) -> str:
    """Samples in Prometheus' text form, each metric with its help and type.

    >>> print(render([Sample("run_exit_code", "Exit code.", 0)], {"job": "build"}), end="")
    # HELP localized_narratives_run_exit_code Exit code.
    # TYPE localized_narratives_run_exit_code gauge
    localized_narratives_run_exit_code{job="build"} 0
    """
    lines: list[str] = []
    named: set[str] = set()
    for sample in samples:
        name = f"{PREFIX}_{sample.name}"
        if name not in named:
            lines += [f"# HELP {name} {sample.meaning}", f"# TYPE {name} gauge"]
            named.add(name)
        pairs = ",".join(
            f'{key}="{_escaped(value)}"' for key, value in {**labels, **sample.labels}.items()
        )
        lines.append(f"{name}{{{pairs}}} {sample.value!r}")
    return "".join(f"{line}\n" for line in lines)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _of_run(begun: Begun, status: str, exit_code: int) -> Iterator[Sample]:
    now = datetime.datetime.now(datetime.UTC)
    seconds = (now - datetime.datetime.fromisoformat(begun.begun)).total_seconds()
    yield Sample("run_end_timestamp_seconds", "When the last run ended.", now.timestamp())
    yield Sample("run_duration_seconds", "How long it took.", round(seconds, 3))
    yield Sample("run_exit_code", "Its exit code.", exit_code)
    yield Sample("run_units_pending", "Units that it had to do.", begun.pending)
    yield Sample("run_units_reused", "Finished units that it used.", len(begun.reused))
    yield Sample("run_bytes", "Bytes of the units that it had to do.", begun.bytes)
    info = {"status": status, "engine": begun.engine, "program": begun.program}
    yield Sample("run_info", "How it ended; always 1.", 1, info)


def _of_history(output: str, begun: Begun, status: str) -> Iterator[Sample]:
    ended: list[Ended] = []
    with contextlib.suppress(OSError, EngineError, UsageError):
        _, ended = read_runs(output)
    good = [moment for run in ended if run.status in SUCCESS for moment in _moments(run)]
    if status in SUCCESS and begun.run not in {run.run for run in ended}:
        good.append(datetime.datetime.now(datetime.UTC).timestamp())
    if good:
        meaning = "When a run last ended with the output up to date."
        yield Sample("run_success_timestamp_seconds", meaning, max(good))


def _moments(run: Ended) -> Iterator[float]:
    """When a run has ended; nothing where its record does not say."""
    with contextlib.suppress(ValueError):
        yield datetime.datetime.fromisoformat(run.ended).timestamp()


def _of_version(output: str) -> Iterator[Sample]:
    manifest = _current_manifest(output)
    if manifest is None:
        return
    created = datetime.datetime.fromisoformat(manifest.created).timestamp()
    meaning = "When the current version was made."
    yield Sample("version_created_timestamp_seconds", meaning, created)
    size = sum(file.bytes for file in manifest.listed)
    yield Sample("version_bytes", "Bytes of its files.", size)
    for table, number in rows_by_table(manifest.files).items():
        yield Sample("version_rows", "Rows of its tables.", number, {"table": table})
    yield Sample("version_lines", "Lines that were read for it.", manifest.counts.lines)
    yield Sample("version_lines_rejected", "Of these, bad ones.", manifest.counts.bad)
    yield Sample("version_info", "Its name; always 1.", 1, {"version": manifest.version})


def _current_manifest(output: str) -> Manifest | None:
    with contextlib.suppress(OSError, EngineError, UsageError):
        current = current_version(output)
        if current and layout.is_version(current):
            return read_manifest(storage.join(output, layout.version_folder(current)))
    return None
