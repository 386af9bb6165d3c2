"""Flink's settings: the file beside this one, with what this cluster adds to them."""

import pathlib
import re
from collections.abc import Mapping, Sequence

from transforms.core.base.errors import UsageError

FILE = pathlib.Path(__file__).with_name("flink-conf.yaml")

_LINE = re.compile(r"^([\w.-]+): (.+)$", re.MULTILINE)
_DURATION = re.compile(r"(\d+) ?(ms|s|min)?")
_MILLISECONDS = {None: 1, "ms": 1, "s": 1000, "min": 60_000}


def read_settings(overrides: Sequence[str] = ()) -> dict[str, str]:
    """The settings of flink-conf.yaml.

    Args:
      overrides: `KEY=VALUE`, each in place of the file's or beside them.

    Raises:
      UsageError: An override is not of that form.
    """
    settings = dict(_LINE.findall(FILE.read_text()))
    for override in overrides:
        key, separator, value = override.partition("=")
        if not (key and separator and value):
            raise UsageError(f"-D {override}: give KEY=VALUE, for example heartbeat.timeout=8000")
        settings[key] = value
    return settings


def write_settings(settings: Mapping[str, str], folder: pathlib.Path) -> None:
    """Writes the settings where Flink reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{key}: {value}\n" for key, value in settings.items())
    (folder / FILE.name).write_text(text)


def job_manager_flags(settings: Mapping[str, str]) -> list[str]:
    """Java's flags of memory for a JobManager."""
    return [f"-Xmx{settings['jobmanager.memory.heap.size']}", "-XX:MaxMetaspaceSize=256m"]


def task_manager_flags(settings: Mapping[str, str]) -> list[str]:
    """Java's flags of memory for a TaskManager, as Flink's own scripts reckon them."""

    def total(*keys: str) -> int:
        return sum(_megabytes(settings[f"taskmanager.memory.{key}"]) for key in keys)

    heap = total("framework.heap.size", "task.heap.size")
    direct = total("framework.off-heap.size", "task.off-heap.size", "network.max")
    return [
        f"-Xms{heap}m",
        f"-Xmx{heap}m",
        f"-XX:MaxDirectMemorySize={direct}m",
        f"-XX:MaxMetaspaceSize={total('jvm-metaspace.size')}m",
    ]


def _megabytes(size: str) -> int:
    found = re.fullmatch(r"(\d+)(m|g)", size)
    if not found:
        raise UsageError(f"{size!r}: give sizes of memory as 512m or 2g")
    return int(found[1]) * (1024 if found[2] == "g" else 1)


def restart_delay(settings: Mapping[str, str]) -> int:
    """Milliseconds after which a job starts again."""
    given = settings["restart-strategy.fixed-delay.delay"]
    found = _DURATION.fullmatch(given)
    if not found:
        raise UsageError(f"restart-strategy.fixed-delay.delay is {given!r}: give for example 8 s")
    return int(found[1]) * _MILLISECONDS[found[2]]
