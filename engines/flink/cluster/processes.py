"""Processes that outlive the command that started them, and that are found again.

Each carries a mark in its environment, which those that it starts inherit, so that all of them can
be found. A number and the time of the start together name a process for ever: the number alone may
by now be another's.
"""

import dataclasses
import os
import pathlib
import signal
import subprocess
import time
from collections.abc import Collection, Iterator, Mapping, Sequence

MARK = "LOCALIZED_NARRATIVES_FLINK"
"""Environment variable that holds the cluster's folder."""

TIMEOUT_SECONDS = 10
"""Seconds that a process has to end by itself."""


@dataclasses.dataclass(frozen=True)
class Process:
    """A process.

    Attributes:
      name: What it is; its log is called so.
      pid: Its number.
      started: When it was started, in clock ticks since the machine was.
    """

    name: str
    pid: int
    started: int

    @property
    def is_running(self) -> bool:
        """Whether it has not ended, and the number is still its own."""
        return start_time(self.pid) == self.started

    def send(self, number: int) -> None:
        """Sends a signal, unless the process has ended."""
        if self.is_running:
            os.kill(self.pid, number)


def start_time(pid: int) -> int | None:
    """When a process was started, in clock ticks since the machine was; None when it has ended."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()  # the name before may hold anything
    return None if fields[0] in "ZX" else int(fields[19])


def start(
    name: str,
    command: Sequence[str],
    folder: pathlib.Path,
    environment: Mapping[str, str],
    pass_fds: Collection[int] = (),
) -> Process:
    """Starts a process that goes on when this one ends; its output goes to `logs/NAME.log`."""
    with log_path(folder, name).open("ab") as log:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment, MARK: str(folder)},
            start_new_session=True,
            pass_fds=pass_fds,
        )
    return Process(name, child.pid, start_time(child.pid) or 0)


def log_path(folder: pathlib.Path, name: str) -> pathlib.Path:
    """Where a process writes what it says."""
    return folder / "logs" / f"{name}.log"


def marked(folder: pathlib.Path) -> Iterator[Process]:
    """The processes that bear the folder's mark."""
    wanted = f"{MARK}={folder}".encode()
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            found = wanted in (entry / "environ").read_bytes().split(b"\0")
        except OSError:  # it has ended, or is another user's
            continue
        started = start_time(int(entry.name))
        if found and started is not None:
            yield Process("marked", int(entry.name), started)


def end(processes: Collection[Process]) -> None:
    """Ends processes: asks them, waits, and kills those that stay."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            process.send(number)
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while any(process.is_running for process in processes) and time.monotonic() < deadline:
            time.sleep(0.05)
