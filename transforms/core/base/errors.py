"""Errors that end a command with a sentence in place of a traceback, and how they quote input."""

import contextlib
import errno
import os
import pathlib
import re
import reprlib
import shutil
from collections.abc import Iterator
from typing import ClassVar

import msgspec

SHOWN_CHARACTERS = 120
"""Characters of a quoted value beyond which it is cut."""

MESSAGE_CHARACTERS = 2_000
"""Characters of a whole message beyond which it is cut."""


UNREADABLE = (msgspec.DecodeError, ValueError, RecursionError)
"""What decoding JSON raises: it is none, not UTF-8, of another form, or nested too deeply."""


class UsageError(ValueError):
    """Wrong use or unusable input: one sentence that names the place and the remedy.

    Attributes:
      retryable: Whether the same command may succeed when nobody has changed anything.
      stage: The stage that raised it, where an engine has told; else empty.
      unit: The key of the unit at which that was, where it is known; else empty.
    """

    retryable: ClassVar[bool] = False
    stage = unit = ""


class ChangedError(UsageError):
    """What a run was planned with has changed or gone since, and another attempt plans again."""

    retryable = True


class EngineError(RuntimeError):
    """The engine failed; says what with, and where the whole traceback is.

    Attributes:
      retryable: As of `UsageError`, like the others; finished units are kept.
    """

    retryable: ClassVar[bool] = True
    stage = unit = ""


class WorkerEndedError(EngineError):
    """A worker process ended before its work was done.

    Args:
      message: The sentence.
      where: Says where the traceback is.
    """

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(message)
        self.where = where


class DeniedError(EngineError):
    """Another system refuses this user or this command, and will do so again."""

    retryable = False


class RoomError(EngineError):
    """A disk, or the user's share of it, is full."""

    retryable = False


_OF_UNIT = re.compile(r"^while doing unit (\S+)$", re.MULTILINE)


def name_unit(error: Exception, key: str) -> None:
    """Says of which unit an error is; tracebacks show it, and `unit_of` finds it."""
    error.add_note(f"while doing unit {key}")


def unit_of(error: BaseException | None) -> str:
    """The unit that an error, or one behind it, is of, by its notes or its text; else empty.

    >>> error = ValueError("no number")
    >>> name_unit(error, "a-0001-ff")
    >>> unit_of(error)
    'a-0001-ff'
    """
    while error is not None:
        if found := _OF_UNIT.search("\n".join([*getattr(error, "__notes__", ()), str(error)])):
            return found[1]
        error = error.__cause__ or error.__context__
    return ""


def option(name: str, off: bool = False) -> str:
    """An option in a message, by its name: whoever shows the message knows how it is given.

    Args:
      name: As in the options' own names, such as `max_bad_share`.
      off: Whether it is to be switched off.

    >>> print(f"accept this with {option('allow_partial')}")
    accept this with option `allow_partial`
    """
    return f"option `{name}`{' off' if off else ''}"


def job(name: str) -> str:
    """A job in a message, by its name, as `option`.

    >>> print(f"build it with {job('index_annotations')}")
    build it with job `index_annotations`
    """
    return f"job `{name}`"


WORKER_ENDED = "a worker process ended before its work was done, perhaps for want of memory"
CHANGED = "{!r} was changed during the run: run the same command again"


def shown(value: object, limit: int = SHOWN_CHARACTERS) -> str:
    r"""A value that somebody else wrote, as a message may quote it: without quotation marks.

    Cut to `limit` characters with `…`; characters that do not print (line ends, terminal escapes,
    bytes of a file name that are not UTF-8) are written as Python escapes them, `\x1b`.

    >>> print(shown("a\x1b[2Jb"))
    a\x1b[2Jb
    """
    text = _bounded(limit).repr(value) if isinstance(value, _CONTAINERS) else str(value)
    cut = text if len(text) <= limit else text[: max(0, limit - 1)] + "…"
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in cut)


def sentence(error: Exception) -> str:
    """An error's message as it is printed: bounded, its lines kept, all else escaped."""
    text = "\n".join(shown(line, MESSAGE_CHARACTERS) for line in str(error).splitlines())
    return text if len(text) <= 2 * MESSAGE_CHARACTERS else text[: 2 * MESSAGE_CHARACTERS] + "…"


_CONTAINERS = (dict, list, tuple, set, frozenset)


def _bounded(limit: int) -> reprlib.Repr:
    """What writes containers of any size and depth in bounded time."""
    writer = reprlib.Repr()
    writer.maxlevel = 3
    writer.maxdict = writer.maxlist = writer.maxtuple = writer.maxset = 10
    writer.maxstring = writer.maxother = writer.maxlong = limit
    return writer


def describe_os_error(error: OSError, path: str | None = None, needed: int | None = None) -> str:
    """What the system refused, with the path and, on a full disk, with what is free there.

    Args:
      error: What was raised.
      path: Where, if the error itself does not know.
      needed: Bytes that were to be written, if known.
    """
    place = os.fsdecode(error.filename2 or error.filename or path or "")  # of a copy: its target
    if place:
        text = f"{place!r}: {os.strerror(error.errno) if error.errno else error}"
    else:
        text = error.strerror or str(error)  # may be more than the system's own words
    if error.errno not in _FULL:
        return text
    with contextlib.suppress(OSError):
        text += f", {shutil.disk_usage(_existing(place)).free:,} bytes are free there"
    if needed is not None:
        text += f" and about {needed:,} are needed"
    return f"{text}; free some space and run the same command again, finished units are kept"


_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def telling_room(path: str, needed: int | None = None) -> Iterator[None]:
    """A block that writes or removes something: on a full disk the error says where and how full.

    Args:
      path: What is written or removed.
      needed: Bytes that are to be written, if known.

    Raises:
      RoomError: The disk, or the user's share of it, is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise RoomError(describe_os_error(error, path, needed)) from error


def _existing(path: str) -> str:
    while path and not pathlib.Path(path).exists():
        path = path.rpartition("/")[0]
    return path or "."
