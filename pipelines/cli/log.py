"""What commands say to people: lines of text, or events, one JSON object a line of standard error.

All that a command says beside its result goes through here, so that the form is chosen once. What
libraries print in the meantime becomes events too where the process is a command's own.
"""

import datetime
import itertools
import json
import logging
import os
import sys
import time
from collections.abc import Sequence
from typing import Any, Literal, TextIO

Format = Literal["text", "json"]
Level = Literal["info", "warning", "error"]
Volume = Literal["quiet", "usual", "verbose"]

Event = Literal[
    "advice",
    "calibrating",
    "check_broken",
    "detail",
    "error",
    "expected_not_met",
    "file_by_hand",
    "file_corrupt",
    "file_failed",
    "file_fetched",
    "file_kept",
    "index_building",
    "index_progress",
    "index_ready",
    "input_edited",
    "input_reading",
    "library",
    "line_rejected",
    "lines_rejected",
    "narratives_generated",
    "nothing_to_do",
    "notice",
    "printed",
    "progress",
    "pruned",
    "published",
    "rejected_files",
    "repair_failed",
    "repairs_taken",
    "run_ended",
    "run_planned",
    "skipped",
    "stage_profiled",
    "submitted",
    "unit_finished",
    "version_changed",
    "version_damaged",
    "version_exported",
    "version_repaired",
    "version_verified",
    "waiting",
    "warning",
]
"""Names of all events; docs/operations.md says what each is."""

_FLAG = "--log-format"
_PREFIXES = {"info": "", "warning": "warning: ", "error": "error: "}
_COLOURS = {"info": "", "warning": "\x1b[33m", "error": "\x1b[31m"}
_PLAIN = "\x1b[0m"

_BY_JOB = {"index_annotations": "index", "open_images": "open-images", "synthesize": "generate"}
"""Names of jobs in the one command `narratives`, where their modules are called otherwise."""

_STATUSES = {0: "done", 2: "wrong_use", 4: "failed"}
_SUCCESSES = (0, 5, 6)


def _named(arguments: Sequence[str]) -> str | None:
    """The form that a command line names, wherever its other flags are wrong."""
    found = None
    for argument, following in itertools.pairwise([*arguments, ""]):
        name, equals, value = argument.partition("=")
        if name == _FLAG:
            found = value if equals else following
    return found


class _Log:
    """Of the command that this process runs.

    Attributes:
      flag: The form that a flag names.
      file: The form that the file of options names.
      volume: How much it says.
      known: What every event has: the command, and the run once there is one.
      begun: When it began, by the clock of `time.perf_counter`.
      ending: What is known of its end.
      is_ended: Whether its end was told, after which nothing is.
    """

    def __init__(self, arguments: Sequence[str], **known: Any) -> None:
        self.flag = _named(arguments)
        self.file: object = None
        self.volume: Volume = "usual"
        self.known, self.ending = known, dict[str, Any]()
        self.begun = time.perf_counter()
        self.is_ended = False


_log = _Log(sys.argv[1:])  # until a command begins, which may be stopped before


def begin(arguments: Sequence[str], prog: str) -> None:
    """A command begins: its form is known from here on, even where its options are wrong.

    Args:
      arguments: Of the command line.
      prog: What is called.
    """
    global _log
    name = prog.removeprefix("python -m pipelines.").removeprefix("narratives ")
    _log = _Log(arguments, command=_BY_JOB.get(name, name))
    _route_libraries()


def prefer(chosen: object) -> None:
    """The form that a file of options names, for where no flag does."""
    _log.file = chosen
    _route_libraries()


def choose_volume(volume: Volume) -> None:
    """How much is said from now on: errors alone, what there is to know, or all that is done."""
    _log.volume = volume


def is_quiet() -> bool:
    """Whether nothing but errors is said."""
    return _log.volume == "quiet"


def is_verbose() -> bool:
    """Whether details are said too."""
    return _log.volume == "verbose"


def is_bar(stream: TextIO) -> bool:
    """Whether a stream is to show bars: a terminal, on which lines are not events."""
    return stream.isatty() and not is_json() and not is_quiet()


def is_json() -> bool:
    """Whether lines are JSON."""
    return "json" == (_log.flag or _log.file)


def bind(**known: Any) -> None:
    """Says what all later events have."""
    _log.known |= known


def tell(
    event: Event,
    message: str,
    level: Level = "info",
    text: str | None = None,
    stream: TextIO | None = None,
    **facts: Any,
) -> None:
    """Says something: one line of text, or an event.

    Args:
      event: What it is.
      message: A sentence.
      level: How bad it is. As text, the line begins with it unless that is good.
      text: The line of text, where it is another one.
      stream: Where text goes; standard error by default.
      **facts: More of the event. What is None is left out.
    """
    if is_quiet() and level != "error":
        return
    if is_json():
        _write(_line(event, message, level, facts))
    else:
        stream = stream or sys.stderr
        line = _PREFIXES[level] + message if text is None else text
        print(_coloured(line, level, stream), file=stream, flush=True)


def _coloured(line: str, level: Level, stream: TextIO) -> str:
    """A line in the colour of its level, where the stream is a terminal that shows colours."""
    colour = _COLOURS[level]
    has_colours = colour and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return f"{colour}{line}{_PLAIN}" if has_colours and stream.isatty() else line


def detail(message: str, **facts: Any) -> None:
    """As `tell`, of what only those want to know who asked for all that is done."""
    if is_verbose():
        tell("detail", message, **facts)


def note(event: Event, message: str, level: Level = "info", **facts: Any) -> None:
    """As `tell`, of what is an event only, since as text the result says it."""
    if is_json() and (level == "error" or not is_quiet()):
        _write(_line(event, message, level, facts))


def ending(status: str, message: str, retryable: bool = False, version: str | None = None) -> None:
    """Says how the command is about to end, for its last event.

    Args:
      status: In a word.
      message: In a sentence.
      retryable: Whether the same command may succeed when nobody has changed anything.
      version: The version that this is about.
    """
    _log.ending = {
        "status": status,
        "message": message,
        "retryable": retryable,
        "version": version or None,
    }


def end(code: int, **known: Any) -> None:
    """Says that the command ends; nothing is said after it.

    Args:
      code: Its exit code.
      **known: What is to be said where nothing else is known of its end, as of `ending`.
    """
    if is_json() and not _log.is_ended:
        if isinstance(sys.stderr, Printed):
            sys.stderr.write("\n")  # ends a line of others, if one was begun
        level: Level = "info" if code in _SUCCESSES else "error"
        _write(_ended(code, level, known | _log.ending))
        _log.is_ended = True


def stop(code: int, message: str) -> None:
    """Says that the command was stopped, as its end."""
    _write(last_line(code, message))
    _log.is_ended = True


def last_line(code: int, message: str) -> str:
    """What `stop` says, for a command that ends at once and cannot print."""
    if not is_json():
        return message
    stopped = {"status": "stopped", "message": message, "retryable": True}
    return _ended(code, "warning", stopped)


def _ended(code: int, level: Level, known: dict[str, Any]) -> str:
    seconds = round(time.perf_counter() - _log.begun, 3)
    status = _STATUSES.get(code, "failed")
    usual = {"status": status, "retryable": False, "message": f"Ended with exit code {code}."}
    facts = {**usual, "exit_code": code, "seconds": seconds, **known}
    return _line("run_ended", facts.pop("message"), level, facts)


def _line(event: str, message: str, level: str, facts: dict[str, Any]) -> str:
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    head = {"time": now, "level": level, "event": event, "message": message}
    values = {name: value for name, value in (_log.known | facts).items() if value is not None}
    return json.dumps(head | values, default=str)


def _write(line: str) -> None:
    if not _log.is_ended:
        stream = sys.stderr
        stream = stream.stream if isinstance(stream, Printed) else stream
        stream.write(f"{line}\n")  # in one piece: other threads write too
        stream.flush()


class Printed:
    """Standard error of a command, on which each line of others is an event where lines are.

    Attributes:
      stream: The stream itself.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._begun = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        if not is_json():
            return self.stream.write(text)
        *lines, self._begun = (self._begun + text).split("\n")
        for line in filter(str.strip, lines):
            note("printed", line, "warning")
        return len(text)

    def writelines(self, lines: Sequence[str]) -> None:
        self.write("".join(lines))


class _Records(logging.Handler):
    """What libraries log and warn of, as events."""

    def emit(self, record: logging.LogRecord) -> None:
        level: Level = "error" if record.levelno >= logging.ERROR else "warning"
        note("library", self.format(record), level, logger=record.name)


def _route_libraries() -> None:
    """Lets libraries log by events, in a process of the command's own."""
    root = logging.getLogger()
    if is_json() and isinstance(sys.stderr, Printed) and not root.handlers:
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its core writes past Python
        logging.captureWarnings(True)
        root.addHandler(_Records(logging.WARNING))
