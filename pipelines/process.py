"""A command as a process: exit codes, and how it ends when it is interrupted."""

import atexit
import contextlib
import os
import signal
import sys
import types
from collections.abc import Callable, Mapping

from transforms.core.errors import EngineError, UsageError

STOP_SECONDS = 10
"""How long a process that is interrupted may take to end by itself."""

_INTERRUPTED = 130
"""The exit code of shells for it."""

_STOPPED = (
    "Stopped; the same command goes on from the finished units. A job that is on a cluster already "
    "runs on there until it is cancelled."
)


def run_command(main: Callable[[], int | None]) -> None:
    """Runs a job's main function and ends the process with its exit code.

    Wrong use ends with one sentence on standard error and exit code 2, a failure of the engine
    with exit code 4.
    """
    try:
        sys.exit(main() or 0)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(4)
    except KeyboardInterrupt:
        print(_STOPPED, file=sys.stderr)
        sys.exit(_INTERRUPTED)


def run_program(main: Callable[[], int | None]) -> None:
    """As `run_command`, for a process that does nothing else.

    It ends at once when Python's exit functions have run: threads of libraries (Arrow's, gRPC's)
    that are still there while the interpreter is taken apart can abort it, and a run that has
    published would end with the exit code of a crash. An interrupt (Ctrl-C) ends it within
    `STOP_SECONDS`, whatever Beam is waiting for then.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # it is not ignored
        signal.signal(signal.SIGINT, _interrupt)
    ended = {"code": 1}
    atexit.register(_end_process, ended)  # the first to be registered is the last to be called
    try:
        run_command(main)
    except SystemExit as end:
        ended["code"] = end.code if isinstance(end.code, int) else int(end.code is not None)
        raise


def _interrupt(number: int, frame: types.FrameType | None) -> None:
    # Not a thread that waits: starting one takes locks that the interrupted code may hold.
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(STOP_SECONDS)
    signal.default_int_handler(number, frame)


def _give_up(number: int, frame: types.FrameType | None) -> None:
    print(_STOPPED, file=sys.stderr, flush=True)
    os._exit(_INTERRUPTED)


def _end_process(ended: Mapping[str, int]) -> None:
    with contextlib.suppress(OSError, ValueError):  # a reader that has gone
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(ended["code"])
