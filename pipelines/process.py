"""A command as a process: exit codes, and what is said of what ends it."""

import atexit
import contextlib
import os
import sys
from collections.abc import Callable, Mapping

from pipelines import stopping
from transforms.core.errors import EngineError, UsageError, sentence


def run_command(main: Callable[[], int | None]) -> None:
    """Runs a job's main function and ends the process with its exit code.

    Wrong use ends with one sentence on standard error and exit code 2, a failure of the engine
    with exit code 4.
    """
    try:
        sys.exit(main() or 0)
    except UsageError as error:
        print(f"error: {sentence(error)}", file=sys.stderr)
        sys.exit(2)
    except EngineError as error:
        print(f"error: {sentence(error)}", file=sys.stderr)
        sys.exit(4)
    except KeyboardInterrupt:
        print(stopping.sentence(), file=sys.stderr)
        sys.exit(stopping.exit_code())


def run_program(main: Callable[[], int | None]) -> None:
    """As `run_command`, for a process that does nothing else.

    It ends at once when Python's exit functions have run: threads of libraries (Arrow's, gRPC's)
    that are still there while the interpreter is taken apart can abort it, and a run that has
    published would end with the exit code of a crash. A signal (Ctrl-C, SIGTERM) ends it within
    `stopping.STOP_SECONDS`, whatever Beam is waiting for then.
    """
    stopping.heed_signals()
    ended = {"code": 1}
    atexit.register(_end_process, ended)  # the first to be registered is the last to be called
    try:
        run_command(main)
    except SystemExit as end:
        ended["code"] = end.code if isinstance(end.code, int) else int(end.code is not None)
        if not stopping.is_stopping():
            stopping.ignore_signals()
        raise


def _end_process(ended: Mapping[str, int]) -> None:
    with contextlib.suppress(OSError, ValueError):  # a reader that has gone
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(ended["code"])
