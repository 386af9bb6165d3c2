"""How a process ends when it is told to stop: by Ctrl-C, SIGTERM, or when its terminal closes.

On this machine it ends at once, from within the signal's handler: nothing that runs then, of Beam
or of ours, can lose the signal, delay it, or publish after it. Before that it ends its workers
and removes what is unfinished. While a job is on another engine, it is left to Beam to put that
down in order, for some seconds.
"""

import contextlib
import os
import signal
import tempfile
import time
import types
from collections.abc import Callable, Iterator

from pipelines.cli import log
from transforms.core.base import unfinished

STOP_SECONDS = 10
"""How long a process that is told to stop may take to end."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_STOPPED = "Stopped; the same command resumes from the finished units."
_ELSEWHERE = "A job that is on a cluster already runs on there until it is cancelled."

_WORKER_SECONDS = 4.0
"""How long workers may take to remove what they have not finished."""

_CLEAR_BAR = "\r\x1b[K\x1b[?25h"
"""For a terminal: the line of progress goes, the cursor comes back."""


class _State:
    """Of the process.

    Attributes:
      workers: Processes that end with this one.
      notes: What else there is to say at the end; each gives a sentence or nothing.
      number: The signal, once there was one.
      waiting: A signal that came in a block in which signals are `held`.
      held: Whether this is such a block.
      elsewhere: Whether a job is, or may be, on an engine elsewhere.
    """

    def __init__(self) -> None:
        self.workers: set[int] = set()
        self.notes: list[Callable[[], str]] = []
        self.number: int | None = None
        self.waiting: int | None = None
        self.held = self.elsewhere = False


_state = _State()


def heed_signals() -> None:
    """Lets the signals end this process as described above, but for those that are ignored."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under `nohup`
            signal.signal(number, _stop)


def ignore_signals() -> None:
    """For a process that has done its work and only ends."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def held() -> Iterator[None]:
    """A short block that is not to be cut in two, such as making a folder and noting its name."""
    before, _state.held = _state.held, True
    try:
        yield
    finally:
        _state.held = before
    if _state.waiting is not None and not before:
        _stop(_state.waiting, None)


def choose_temporary_folder() -> None:
    """Lets Python choose its folder for temporary files, in a block that is not cut in two.

    Python tries the folder by making a file, which a signal may leave there.
    """
    with held(), contextlib.suppress(OSError):
        tempfile.gettempdir()


@contextlib.contextmanager
def elsewhere() -> Iterator[None]:
    """A block in which a job may be on another engine: a signal raises KeyboardInterrupt."""
    _state.elsewhere = True
    try:
        yield
    finally:
        _state.elsewhere = is_stopping()  # what is said at the end goes by it


@contextlib.contextmanager
def noting(note: Callable[[], str]) -> Iterator[None]:
    """Within the block, what `note` gives is said too when the process stops."""
    _state.notes.append(note)
    try:
        yield
    finally:
        _state.notes.remove(note)


@contextlib.contextmanager
def ending_with_this_process(worker: int) -> Iterator[None]:
    """For the time that a worker process runs: it is ended when this process stops."""
    _state.workers.add(worker)
    try:
        yield
    finally:
        _state.workers.discard(worker)


def is_stopping() -> bool:
    """Whether the process has been told to stop."""
    return _state.number is not None


def exit_code() -> int:
    """As shells number it: 130 for SIGINT, 143 for SIGTERM."""
    return 128 + (_state.number or signal.SIGINT)


def sentence() -> str:
    """What to say when the process was stopped."""
    notes = [_ELSEWHERE] if _state.elsewhere else []
    for note in _state.notes:
        with contextlib.suppress(Exception):
            notes.append(note())
    return " ".join([_STOPPED, *filter(None, notes)])


def _stop(number: int, _frame: types.FrameType | None) -> None:
    if _state.held:
        _state.waiting = number
        return
    again, _state.number = is_stopping(), number
    if not _state.elsewhere:
        end()
    if not again:
        # Not a thread that waits: starting one takes locks that the interrupted code may hold.
        signal.signal(signal.SIGALRM, lambda *_: end())
        signal.alarm(STOP_SECONDS - round(_WORKER_SECONDS) - 1)
        raise KeyboardInterrupt


def end() -> None:
    """Ends the process: no worker, nothing unfinished stays, and one sentence is said."""
    try:
        ignore_signals()
        signal.signal(signal.SIGALRM, lambda *_: _leave())
        signal.alarm(STOP_SECONDS - 1)  # for a disk that does not answer
        unfinished.write_nothing_more()
        _end_workers()
        unfinished.remove_unfinished()
    finally:
        _leave()


def _leave() -> None:
    # Not by `print`: the signal may have come in the middle of one.
    with contextlib.suppress(OSError):
        begin = _CLEAR_BAR if os.isatty(2) and not log.is_json() else ""
        os.write(2, f"{begin}{log.last_line(exit_code(), sentence())}\n".encode())
    os._exit(exit_code())


def _end_workers() -> None:
    for number, seconds in ((signal.SIGTERM, _WORKER_SECONDS), (signal.SIGKILL, 1.0)):
        for worker in list(_state.workers):
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, number)
        until = time.monotonic() + seconds
        while _state.workers and time.monotonic() < until:
            time.sleep(0.01)
