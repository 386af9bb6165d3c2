"""How far a long step is, on any engine: by commit records of units, by files, by bytes.

On a terminal that is a bar with rate and time left, which goes when the step ends. Elsewhere it is
a line now and then, or, where lines are events, one of them.
"""

import contextlib
import functools
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, TextIO

from pipelines.cli import log
from pipelines.cli.progress.counting import (
    Counted,
    FinishedBytes,
    FinishedText,
    UnitEvents,
    WrittenFiles,
)
from transforms.core.base.errors import EngineError, UsageError
from transforms.core.model.units import Unit

BAR_SECONDS, LINE_SECONDS = 1.0, 30.0
"""How often a terminal's bar is redrawn, and how often a line is written where there is none."""

SPARING = 20
"""How many times as long as a look took there is none: a bucket lists all units for each."""

TIMEOUT_SECONDS = 5.0
"""Seconds that the end of a run waits for a question to a slow store."""


@contextlib.contextmanager
def show_progress(units: Sequence[Unit], output: str, stream: TextIO | None = None) -> Iterator:
    """Shows progress on a stream, standard error by default, while the block runs."""
    stream = stream or sys.stderr
    finished: FinishedBytes | FinishedText | UnitEvents
    tells_units = log.is_json() or log.is_verbose()
    finished = UnitEvents(units, output) if tells_units else FinishedBytes(units, output)
    show: Callable = _tell_units if tells_units else _write_lines
    if log.is_bar(stream):
        show = _draw_bar
        if not finished.total and not tells_units:
            finished = FinishedText(units, output)
    is_shown = units and (finished.total or tells_units or log.is_bar(stream))
    with _shown(show, finished, stream) if is_shown else contextlib.nullcontext():
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
    sentence = f"Building the index of {name} from {files} ({size}), once."
    log.tell("index_building", sentence, stream=stream, files=len(sizes), bytes=total)
    bar = functools.partial(_draw_bar, title="Index files", waiting="Reading sources", unit="files")
    show = bar if log.is_bar(stream) else _write_index_lines
    with _shown(show, WrittenFiles(paths), stream):
        yield


@contextlib.contextmanager
def show_files(title: str, paths: Sequence[str], stream: TextIO | None = None) -> Iterator:
    """Shows how many files are written, with rate and time left, while the block runs.

    Args:
      title: What they are, for a terminal's bar.
      paths: The files.
      stream: Standard error by default; what is no terminal gets nothing.
    """
    stream = stream or sys.stderr
    show = functools.partial(_draw_bar, title=title, unit="files")
    is_shown = log.is_bar(stream)
    with _shown(show, WrittenFiles(paths), stream) if is_shown else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def show_step(title: str, stream: TextIO | None = None) -> Iterator:
    """Shows how long a step takes of which nothing can be counted, while the block runs.

    Args:
      title: What is done, for a terminal's bar.
      stream: Standard error by default; what is no terminal gets nothing.
    """
    with show_files(title, [], stream):
        yield


def _write_index_lines(written: WrittenFiles, ended: threading.Event, stream: TextIO) -> None:
    begin = time.perf_counter()
    for done in _counts(written, ended, LINE_SECONDS):
        state = f"{done} of {written.total} files written" if done else "reading its sources"
        seconds = time.perf_counter() - begin
        log.tell(
            "index_progress",
            f"Building the index: {state}, {_duration(seconds)} so far.",
            stream=stream,
            files_done=done,
            files_total=written.total,
            seconds=round(seconds, 3),
        )


@contextlib.contextmanager
def show_bytes(title: str, counted: Counted, stream: TextIO | None = None) -> Iterator:
    """Shows how many bytes are done, with rate and time left, while the block runs.

    Args:
      title: What they are of, for a terminal's bar.
      counted: Tells how many.
      stream: Standard error by default.
    """
    stream = stream or sys.stderr
    show = functools.partial(_draw_bar, title=title) if log.is_bar(stream) else _write_lines
    with _shown(show, counted, stream):
        yield


def _draw_bar(
    counted: Counted,
    ended: threading.Event,
    stream: TextIO,
    title: str = "Units",
    waiting: str = "",
    unit: Literal["bytes", "files"] = "bytes",
) -> None:
    """Draws a bar until the end; one that only moves where it is not known how much there is.

    Args:
      counted: Tells how far it is.
      ended: Set at the end.
      stream: A terminal.
      title: What is counted.
      waiting: What is done as long as nothing is, and nobody can say for how long.
      unit: In what it is counted.
    """
    from rich import progress
    from rich.console import Console

    columns = [progress.TextColumn("{task.description}"), progress.BarColumn()]
    if unit == "bytes":
        columns += [progress.DownloadColumn(), progress.TransferSpeedColumn()]
    elif counted.total:
        columns += [progress.MofNCompleteColumn(), _rate_column()]
    columns += [progress.TimeElapsedColumn(), progress.TimeRemainingColumn()]
    console = Console(file=stream)
    with progress.Progress(*columns, console=console, transient=True) as bar:
        total = None if waiting else counted.total or None
        task = bar.add_task(waiting or title, total=total)
        for done in _counts(counted, ended, BAR_SECONDS):
            if done:
                bar.update(task, description=title, completed=done, total=counted.total or None)
        if isinstance(counted, UnitEvents):
            counted.finish()


def _rate_column() -> Any:
    from rich import progress

    class Rate(progress.ProgressColumn):
        """Files a second."""

        def render(self, task: progress.Task) -> Any:
            return f"{task.speed:,.1f}/s" if task.speed else ""

    return Rate()


def _write_lines(finished: Counted, ended: threading.Event, stream: TextIO) -> None:
    begin = time.perf_counter()
    for done in _counts(finished, ended, LINE_SECONDS):
        _tell_progress(done, finished.total, time.perf_counter() - begin, stream)


def _tell_progress(done: int, total: int, seconds: float, stream: TextIO) -> None:
    line, seconds = describe(done, total, seconds), round(seconds, 3)
    log.tell("progress", line, stream=stream, bytes_done=done, bytes_total=total, seconds=seconds)


def _tell_units(finished: UnitEvents, ended: threading.Event, stream: TextIO) -> None:
    """Looks for finished units as often as for a bar, says how far all is as often as a line."""
    begin = told = time.perf_counter()
    for done in _counts(finished, ended, BAR_SECONDS):
        now = time.perf_counter()
        if now - told >= LINE_SECONDS and finished.total:
            told = now
            _tell_progress(done, finished.total, now - begin, stream)
    finished.finish()


def _counts(finished: Counted, ended: threading.Event, seconds: float) -> Iterator[int]:
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
        return f"Of {total / 1e6:,.0f} MB, nothing is finished yet after {_duration(seconds)}."
    line = f"Finished {done / 1e6:,.0f} of {total / 1e6:,.0f} MB ({done / total:.0%})"
    left = (total - done) * seconds / done
    return f"{line}, {done / 1e6 / seconds:,.1f} MB/s, {_duration(left)} left."


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"
