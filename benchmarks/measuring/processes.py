"""Running commands and watching them from outside: time, memory, the first read of a file."""

import contextlib
import ctypes
import os
import pathlib
import re
import select
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from tests.build_helpers import descendants

_IN_ACCESS = 0x01
"""inotify: a read of the file, not its opening."""


class CommandFailed(RuntimeError):
    """A command that was to be measured failed."""


def run(command: Sequence[str], folder: str | os.PathLike = ".") -> float:
    """Seconds that a command takes, from its start to its end."""
    begin = time.perf_counter()
    with _started(command, folder) as process:
        process.wait()
        return time.perf_counter() - begin


def peak_memory(
    command: Sequence[str], folder: str | os.PathLike = ".", interval: float = 0.05
) -> int:
    """Largest sum of bytes (PSS) of a command and all processes that it starts.

    A page that several processes share counts in parts that add up to one (PSS), so the sum is
    what the command really takes.

    Args:
      command: The command.
      folder: Where it runs.
      interval: Seconds between two looks.
    """
    return watch(command, {"memory": memory_of}, folder, interval)["memory"]


def watch(
    command: Sequence[str],
    looks: Mapping[str, Callable[[int], int]],
    folder: str | os.PathLike = ".",
    interval: float = 0.2,
) -> dict[str, float]:
    """Seconds that a command takes (`seconds`), and the largest number that each look gave.

    Args:
      command: The command.
      looks: By name, from the process's id to an amount.
      folder: Where it runs.
      interval: Seconds between two looks.
    """
    peaks = dict.fromkeys(looks, 0)
    begin = time.perf_counter()
    with _started(command, folder) as process:
        while process.poll() is None:
            for name, look in looks.items():
                peaks[name] = max(peaks[name], look(process.pid))
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(interval)
        seconds = time.perf_counter() - begin
    return {"seconds": seconds, **peaks}


def memory_of(pid: int) -> int:
    """Bytes (PSS) of a process and all that it has started."""
    return sum(map(pss, [pid, *descendants(pid)]))


def pss(pid: int) -> int:
    """Proportional set size of a process, bytes; 0 when it has ended."""
    try:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = re.search(r"^Pss: +(\d+) kB$", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def first_read(
    command: Sequence[str], paths: Sequence[str], folder: str | os.PathLike = "."
) -> tuple[float, float]:
    """Seconds from a command's start to the first read of one of the files, and to its end.

    The kernel reports the read (inotify), so the command is neither changed nor slowed down.

    Raises:
      CommandFailed: The command failed, or read none of the files.
    """
    first = None
    with _watched(paths) as watch:
        begin = time.perf_counter()
        with _started(command, folder) as process:
            while first is None and process.poll() is None:
                if select.select([watch], [], [], 0.05)[0]:
                    first = time.perf_counter() - begin
            process.wait()
            end = time.perf_counter() - begin
    if first is None:
        raise CommandFailed(f"{_shown(command)}: read none of {', '.join(paths)}")
    return first, end


@contextlib.contextmanager
def _started(command: Sequence[str], folder: str | os.PathLike) -> Iterator[subprocess.Popen]:
    """A running command; ends with it. Raises CommandFailed with its last words if it fails."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if process.returncode:
            output.seek(0)
            last = output.read().decode(errors="replace").strip().splitlines()[-5:]
            raise CommandFailed(f"{_shown(command)}: {' | '.join(last)}")


@contextlib.contextmanager
def _watched(paths: Sequence[str]) -> Iterator[int]:
    """A descriptor that is readable as soon as one of the files has been read."""
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init()
    try:
        for path in paths:
            if libc.inotify_add_watch(watch, os.fsencode(path), _IN_ACCESS) < 0:
                raise OSError(ctypes.get_errno(), f"cannot watch {path}")
        yield watch
    finally:
        os.close(watch)


def _shown(command: Sequence[str]) -> str:
    return " ".join(map(str, command))[:200]
