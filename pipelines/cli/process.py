"""A command as a process: exit codes, and what is said of what ends it."""

import atexit
import contextlib
import importlib
import os
import pathlib
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn, TextIO

from pipelines.cli import log, stopping
from pipelines.cli.options import with_flags
from transforms.core.base.errors import EngineError, UsageError, describe_os_error, sentence
from transforms.core.base.memory import collect_seldom

LOG_PREFIX, LOG_SUFFIX = "localized-narratives-", ".log"


class _Output:
    """A standard stream that is not worth a failed run: a reader may have gone (`| head`)."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with self._reported():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with self._reported():
            self._stream.flush()

    @contextlib.contextmanager
    def _reported(self) -> Iterator[None]:
        """Writes to nowhere from now on where the reader has gone; other errors have a name."""
        try:
            yield
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
            if not isinstance(error, BrokenPipeError):
                name = self._stream.name.strip("<>")
                raise EngineError(f"cannot write to {name}: {error.strerror}") from error


def _guard_streams() -> None:
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by who started the process; its number must not be reused
            stream = pathlib.Path(os.devnull).open("w")
        setattr(sys, name, _Output(stream))
    sys.stderr = log.Printed(sys.stderr)


def run_command(main: Callable[[], int | None]) -> None:
    """Runs a job's main function and ends the process with its exit code.

    Wrong use ends with one sentence on standard error and exit code 2, a failure of the engine,
    of the system (a full disk) or of the program with exit code 4.
    """
    try:
        code = main() or 0
    except SystemExit as end:
        log.end(_code_of(end))
        raise
    except KeyboardInterrupt:
        _end_stopped()
    except Exception as error:
        if stopping.is_stopping():  # whatever has become of the interrupt since
            _end_stopped()
        code = _end_failed(error)
    else:
        log.end(code)
    sys.exit(code)


def _end_stopped() -> NoReturn:
    log.stop(stopping.exit_code(), stopping.sentence())
    sys.exit(stopping.exit_code())


def _end_failed(error: Exception) -> int:
    """Says what ended a job; returns the exit code."""
    code, text = _explain(error)
    place = {name: getattr(error, name, None) or None for name in ("stage", "unit")}
    log.tell("error", text, "error", **place)
    log.end(code, message=text, retryable=getattr(error, "retryable", code == 4), **place)
    return code


def _code_of(end: SystemExit) -> int:
    return end.code if isinstance(end.code, int) else int(end.code is not None)


def _explain(error: Exception) -> tuple[int, str]:
    """Exit code and sentence for what ended a job."""
    if isinstance(error, UsageError):
        return 2, with_flags(sentence(error))
    if isinstance(error, EngineError):
        return 4, with_flags(sentence(error))
    if isinstance(error, OSError):
        return 4, describe_os_error(error)
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return 4, f"unexpectedly, {what}; {keep_traceback(error)}"


def keep_traceback(error: Exception, more: str = "") -> str:
    """Writes an error's traceback to a file; returns a clause that says where it is."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", delete=False, prefix=LOG_PREFIX, suffix=LOG_SUFFIX
        ) as log:
            log.write("".join(traceback.format_exception(error)))
            log.write(more)
    except OSError as failed:
        return f"the traceback could not be kept ({describe_os_error(failed)})"
    return f"the traceback is in {log.name}"


def run_program(main: Callable[[], int | None]) -> None:
    """As `run_command`, for a process that does nothing else.

    It ends at once when Python's exit functions have run: threads of libraries (Arrow's, gRPC's)
    that are still there while the interpreter is taken apart can abort it, and a run that has
    published would end with the exit code of a crash. A signal (Ctrl-C, SIGTERM) ends it within
    `stopping.STOP_SECONDS`, whatever Beam is waiting for then.
    """
    collect_seldom()
    stopping.heed_signals()
    stopping.choose_temporary_folder()
    _guard_streams()
    ended = {"code": 1}
    atexit.register(_end_process, ended)  # the first to be registered is the last to be called
    try:
        run_command(main)
    except SystemExit as end:
        ended["code"] = _code_of(end)
        if not stopping.is_stopping():
            stopping.ignore_signals()
        raise


def run_module(name: str) -> None:
    """As `run_program`, for the `main` of a module that is imported only then."""
    run_program(lambda: importlib.import_module(name).main())


def _end_process(ended: Mapping[str, int]) -> None:
    with contextlib.suppress(OSError, ValueError, EngineError):  # a reader that has gone
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(ended["code"])
