"""How far a run is, on any engine: by the commit records of its units, by files of an index."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TextIO

from transforms import storage
from transforms.core.base.errors import EngineError, UsageError
from transforms.core.model import layout
from transforms.core.model.units import Unit

BAR_SECONDS, LINE_SECONDS = 2.0, 30.0
"""How often a terminal's bar is redrawn, and how often a line is written where there is none."""

SPARING = 20
"""How many times as long as a look took there is none: a bucket lists all units for each."""

TIMEOUT_SECONDS = 5.0
"""Seconds that the end of a run waits for a question to a slow store."""


class FinishedBytes:
    """Bytes of the units that are finished, of those that were to do.

    A compressed shard counts when all of it is done: where its pieces are cut is not known before.

    Attributes:
      total: Of all units pending.
    """

    def __init__(self, units: Sequence[Unit], output: str) -> None:
        self._sizes = {
            storage.join(output, layout.record_path(unit.key)): unit.bytes
            for unit in units
            if not unit.compressed
        }
        self.total = sum(self._sizes.values())
        self._done = 0

    def count(self) -> int:
        """Looks which units have been finished since; returns the bytes of all that are."""
        for path in storage.existing(self._sizes.keys()):
            self._done += self._sizes.pop(path)
        return self._done


@contextlib.contextmanager
def show_progress(units: Sequence[Unit], output: str, stream: TextIO | None = None) -> Iterator:
    """Shows progress on a stream, standard error by default, while the block runs."""
    stream = stream or sys.stderr
    finished = FinishedBytes(units, output)
    show = _draw_bar if stream.isatty() else _write_lines
    with _shown(show, finished, stream) if finished.total else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def _shown(show: Callable, finished: Any, stream: TextIO) -> Iterator:
    ended = threading.Event()
    thread = threading.Thread(target=show, args=(finished, ended, stream), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(TIMEOUT_SECONDS)


class WrittenFiles:
    """Files of an index that are written: all come after the sources have been read.

    Attributes:
      total: Of all files that there may be.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._missing = set(paths)
        self.total = len(paths)

    def count(self) -> int:
        """Looks which files have been written since; returns the number of all that are."""
        self._missing -= storage.existing(self._missing)
        return self.total - len(self._missing)


@contextlib.contextmanager
def show_index_progress(
    name: str, sizes: Sequence[int], paths: Sequence[str], stream: TextIO | None = None
) -> Iterator:
    """Says that an index is being built, and shows how far that is while the block runs.

    Args:
      name: What the index is of.
      sizes: Bytes of each of its sources.
      paths: The files that it will have.
      stream: Standard error by default.
    """
    stream = stream or sys.stderr
    files = "1 file" if len(sizes) == 1 else f"{len(sizes)} files"
    total = sum(sizes)
    size = f"{total / 1e6:,.1f} MB" if total >= 1e6 else f"{total / 1e3:,.1f} kB"
    print(f"Building the index of {name} from {files} ({size}), once.", file=stream, flush=True)
    show = _draw_index_bar if stream.isatty() else _write_index_lines
    with _shown(show, WrittenFiles(paths), stream):
        yield


def _draw_index_bar(written: WrittenFiles, ended: threading.Event, stream: TextIO) -> None:
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
    )
    with progress.Progress(*columns, console=Console(file=stream), transient=True) as bar:
        task = bar.add_task("Reading sources", total=None)
        for done in _counts(written, ended, BAR_SECONDS):
            if done:
                bar.update(task, description="Index files", completed=done, total=written.total)


def _write_index_lines(written: WrittenFiles, ended: threading.Event, stream: TextIO) -> None:
    begin = time.perf_counter()
    for done in _counts(written, ended, LINE_SECONDS):
        state = f"{done} of {written.total} files written" if done else "reading its sources"
        since = _duration(time.perf_counter() - begin)
        print(f"Building the index: {state}, {since} so far.", file=stream, flush=True)


def _draw_bar(finished: FinishedBytes, ended: threading.Event, stream: TextIO) -> None:
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
    )
    console = Console(file=stream)
    with progress.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Units", total=finished.total)
        for done in _counts(finished, ended, BAR_SECONDS):
            bar.update(task, completed=done)


def _write_lines(finished: FinishedBytes, ended: threading.Event, stream: TextIO) -> None:
    begin = time.perf_counter()
    for done in _counts(finished, ended, LINE_SECONDS):
        line = describe(done, finished.total, time.perf_counter() - begin)
        print(line, file=stream, flush=True)


def _counts(
    finished: FinishedBytes | WrittenFiles, ended: threading.Event, seconds: float
) -> Iterator[int]:
    """Counts every so often until the end; a slow store less often, one that fails again later."""
    pause = seconds
    while not ended.wait(pause):
        begin = time.perf_counter()
        with contextlib.suppress(EngineError, UsageError):
            done = finished.count()
            pause = max(seconds, SPARING * (time.perf_counter() - begin))
            yield done


def describe(done: int, total: int, seconds: float) -> str:
    """A line of progress: bytes, share, rate and, once there is a rate, the time left."""
    if not done:
        return f"Of {total / 1e6:,.0f} MB, no unit is finished yet after {_duration(seconds)}."
    line = f"Finished {done / 1e6:,.0f} of {total / 1e6:,.0f} MB ({done / total:.0%})"
    left = (total - done) * seconds / done
    return f"{line}, {done / 1e6 / seconds:,.1f} MB/s, {_duration(left)} left."


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"
