"""Runs: what each leaves of itself below the output when it begins and when it ends.

A run that has begun and not ended says which units, versions and indexes it needs, so that nobody
removes them. It is taken for at work until it ends, or until nothing has been heard of it for some
time: of a process on this machine, whether it is there; of others, when units were last finished.
"""

import contextlib
import datetime
import json
import os
import pathlib
import platform
import time
import uuid
from collections.abc import Iterator
from typing import Any

import msgspec

from transforms import storage
from transforms.core.base.errors import UNREADABLE, EngineError, UsageError
from transforms.core.model import layout
from transforms.core.model.manifest_entries import MadeBy


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that has begun.

    Attributes:
      run: Its name.
      command: What was called: `build`, or a command of `versions`.
      begun: When, ISO 8601 with the time zone.
      host: The machine on which the command was called.
      process: The process on that machine without which the run is over, when the machine
        started it, and the namespace that numbers it; empty where the run is elsewhere.
      engine: `local`, `flink`, `dataflow` or a runner's name; empty for what needs none.
      workers: Worker processes of the local engine.
      program: Version of this program.
      base: The version that was current.
      version: The version that it makes, or makes current; None where that is not known yet.
      pending: Units to do.
      bytes: Bytes of these, as the shards hold them.
      reused: Keys of finished units that it relies on.
      indexes: Names of the indexes below the output that it reads.
    """

    run: str
    command: str
    begun: str
    host: str = ""
    process: str = ""
    engine: str = ""
    workers: int = 0
    program: str = ""
    base: str | None = None
    version: str | None = None
    pending: int = 0
    bytes: int = 0
    reused: list[str] = []
    indexes: list[str] = []


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """A run that has ended.

    Attributes:
      status: How, as `PublishPlan`'s outcome or the summary says it.
      version: The version that it made or made current; empty for none.
      message: One sentence.
      found: What it found, where it is not published: `verdict.Found`, as JSON has it.
      run: Its name; older records have it in their file's name only.
      ended: When, ISO 8601 with the time zone; empty in older records.
      begin: How it began, None where that is not known; without the keys of units.
      reused: How many finished units it relied on.
    """

    status: str
    version: str = ""
    message: str = ""
    found: dict[str, Any] = {}
    run: str = ""
    ended: str = ""
    begin: Begun | None = None
    reused: int = 0

    @property
    def seconds(self) -> float | None:
        """How long it took, None where that is not known."""
        return _seconds(self.begin.begun, self.ended) if self.begin and self.ended else None


def _seconds(begun: str, ended: str) -> float | None:
    with contextlib.suppress(ValueError, TypeError):  # a time that is none, or has no zone
        first, last = map(datetime.datetime.fromisoformat, (begun, ended))
        return (last - first).total_seconds()
    return None


def now() -> str:
    """The time, ISO 8601 in UTC, to the millisecond."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def new_run(command: str, is_here: bool = True, run: str = "", **more: Any) -> Begun:
    """A run that this process begins now, and ends with this process where it `is_here`.

    It has a name of its own, unless `run` gives it one.
    """
    pid = os.getpid()
    process = f"{pid}:{_started(pid)}:{_namespace()}" if is_here else ""
    return Begun(
        run=run or uuid.uuid4().hex[:16],
        command=command,
        begun=now(),
        host=platform.node(),
        process=process,
        **more,
    )


def _started(pid: int) -> str:
    """When the machine started a process, as it counts; empty where it does not say."""
    with contextlib.suppress(OSError):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]  # one that ended and nobody has waited for
    return ""


def _namespace() -> str:
    """What numbers this process, which of containers with one name is another one in each."""
    with contextlib.suppress(OSError):
        return os.readlink("/proc/self/ns/pid")  # noqa: PTH115  # it leads to no path
    return ""


def is_here(begun: Begun) -> bool:
    """Whether the run is over when its process on this machine has ended."""
    pid, _, rest = begun.process.partition(":")
    started, _, namespace = rest.partition(":")
    is_known = pid.isdigit() and bool(started) and namespace == _namespace()
    return is_known and begun.host == platform.node()


def is_gone(begun: Begun) -> bool:
    """Whether the run was on this machine and its process has ended."""
    pid, started, *_ = [*begun.process.split(":"), ""]
    return is_here(begun) and _started(int(pid)) != started


def write_begin(output: str, begun: Begun) -> None:
    """Says that a run has begun."""
    path = storage.join(output, layout.begun_path(begun.run))
    storage.write_bytes(path, msgspec.json.encode(begun))


def write_end(output: str, run: str, ended: Ended, begun: Begun | None = None) -> None:
    """Says that a run has ended.

    Args:
      output: The output folder.
      run: Its name.
      ended: How it ended.
      begun: How it began, where it has not said so; None takes what `write_begin` has written.
    """
    path = storage.join(output, layout.begun_path(run))
    began = begun or _decode(storage.read_json(path), Begun)
    reused = len(began.reused) if began else 0
    if began:
        began = msgspec.structs.replace(began, reused=[])
    ended = msgspec.structs.replace(ended, run=run, ended=now(), begin=began, reused=reused)
    data = json.dumps(msgspec.to_builtins(ended)).encode()
    storage.write_bytes(storage.join(output, layout.run_path(run)), data)
    if begun is None:
        storage.remove_file(path)


def describe_making(output: str, run: str) -> MadeBy | None:
    """A run as the manifest of the version that it makes tells it, None where it left no record."""
    began = _decode(storage.read_json(storage.join(output, layout.begun_path(run))), Begun)
    if began is None:
        return None
    return MadeBy(
        run=began.run,
        engine=began.engine,
        workers=began.workers,
        begun=began.begun,
        seconds=_seconds(began.begun, now()),
        pending=began.pending,
        bytes=began.bytes,
        reused=len(began.reused),
    )


def note_end(output: str, begun: Begun, ended: Ended, has_begun: bool = True) -> None:
    """Says how a run has ended that could not say it itself, where the store lets it be said.

    Args:
      output: The output folder; one in which no run has ever ended is left alone.
      begun: How it began.
      ended: How it ended.
      has_begun: Whether it has said that it began.
    """
    folder = storage.join(output, layout.RUNS)
    with contextlib.suppress(OSError, EngineError, UsageError):
        if has_begun and not storage.exists(storage.join(output, layout.run_path(begun.run))):
            write_end(output, begun.run, ended)
        elif not has_begun and storage.list_dir(folder):
            write_end(output, begun.run, ended, begun)


class Pruning(msgspec.Struct, frozen=True, kw_only=True):
    """What is being removed from an output.

    Attributes:
      until: Seconds since 1970, until when it may be removed if this is not said again.
      versions: Names of versions.
      units: Keys of units.
      indexes: Names of indexes.
      holder: Who removes it, None where that is not said; when its process on this machine has
        ended, nothing is being removed any more.
    """

    until: float
    versions: list[str]
    units: list[str]
    indexes: list[str]
    holder: Begun | None = None


def pruning_path(output: str) -> str:
    """The file that says what is being removed."""
    return storage.join(output, layout.PRUNING)


CLOCKS_APART = 60.0
"""Seconds by which clocks of machines that share an output may differ."""


def read_pruning(output: str) -> Pruning | None:
    """What is being removed, None where nothing is."""
    found = _decode(storage.read_json(pruning_path(output)), Pruning)
    if found is None or (found.holder and is_gone(found.holder)):
        return None
    return found if time.time() < found.until + CLOCKS_APART else None


def is_removed(begun: Begun, pruning: Pruning | None) -> bool:
    """Whether something is being removed that a run needs, or a unit that it may be about to do."""
    if pruning is None:
        return False
    needed = {begun.version, begun.base} & set(pruning.versions)
    return bool(
        needed
        or (begun.pending and pruning.units)
        or set(begun.reused) & set(pruning.units)
        or set(begun.indexes) & set(pruning.indexes)
    )


def read_runs(output: str) -> tuple[list[Begun], list[Ended]]:
    """Runs that have begun and not ended, and those that have; each in order of their times."""
    folder = storage.join(output, layout.RUNS)
    names = storage.list_dir(folder)
    ends = [name for name in names if name.endswith(".json") and not name.endswith(_BEGIN)]
    ended = [
        msgspec.structs.replace(found, run=found.run or name.removesuffix(".json"))
        for name, found in _read_all(folder, ends, Ended)
    ]
    over = {record.run for record in ended}
    begins = [name for name in names if name.endswith(_BEGIN)]
    begun = [found for _, found in _read_all(folder, begins, Begun) if found.run not in over]
    return sorted(begun, key=lambda run: run.begun), sorted(ended, key=lambda run: run.ended)


_BEGIN = ".begin.json"


def _read_all(folder: str, names: list[str], kind: Any) -> Iterator[tuple[str, Any]]:
    for name, data in storage.read_many(folder, names).items():
        with contextlib.suppress(*UNREADABLE):
            yield name, msgspec.json.decode(data, type=kind)


def _decode(values: dict | None, kind: Any) -> Any:
    with contextlib.suppress(*UNREADABLE):
        return msgspec.convert(values, kind)
    return None
