"""Doing something in a fork of this process that may end there."""

import contextlib
import ctypes
import os
import resource
import select
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

TIMEOUT_SECONDS = 1800
"""So long a fork may be silent."""

_DONE = "done"
_PR_SET_PDEATHSIG = 1  # of prctl(2)


class ForkError(RuntimeError):
    """A fork does not come to an end."""


class Death(NamedTuple):
    """How a process ended.

    Attributes:
      stage: What it was doing.
      end: By what.
    """

    stage: str
    end: str


def death_of(work: Callable[[Callable[[str], None]], None]) -> Death | None:
    """How a fork of this process ends that does some work; None where it comes to the work's end.

    Whatever the work raises is such an end. This process must have no threads.

    Args:
      work: The work; takes what it calls with a stage's name when that begins.

    Raises:
      ForkError: It takes too long.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        _do(work, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe, _killed_on_error(child):
        said = _read_all(pipe.fileno()).decode().split()
    _, status = os.waitpid(child, 0)
    if said[-1:] == [_DONE]:
        return None
    return Death(said[-1] if said else "", describe_status(status))


def _do(work: Callable[[Callable[[str], None]], None], writer: int) -> None:
    def say(word: str) -> None:
        os.write(writer, f"{word}\n".encode())

    end_with_parent()
    _be_the_first_to_go()
    with contextlib.suppress(BaseException):
        work(say)
    say(_DONE)
    os._exit(0)


def _read_all(pipe: int) -> bytes:
    """What a process writes until it ends."""
    said = b""
    while select.select([pipe], [], [], TIMEOUT_SECONDS)[0]:
        more = os.read(pipe, 4096)
        if not more:
            return said
        said += more
    raise ForkError(f"nothing was heard for {TIMEOUT_SECONDS} s")


@contextlib.contextmanager
def _killed_on_error(child: int) -> Iterator[None]:
    try:
        yield
    except BaseException:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise


def _be_the_first_to_go() -> None:
    """Where memory runs out, Linux ends this process before others; it leaves no core dump."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def end_with_parent(number: signal.Signals = signal.SIGKILL) -> None:
    """Has Linux send this process a signal when the thread that started it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


def describe_status(status: int) -> str:
    """How a process ended, of which `waitpid` has given the status.

    >>> print(describe_status(9))
    SIGKILL, as where memory runs out
    """
    if not os.WIFSIGNALED(status):
        return f"exit code {os.waitstatus_to_exitcode(status)}"
    number = os.WTERMSIG(status)
    more = ", as where memory runs out" if number == signal.SIGKILL else ""
    return f"{signal.Signals(number).name}{more}"
