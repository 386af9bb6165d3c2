"""How the commands about versions print: columns, sizes, times, JSON."""

import datetime
import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from pipelines.cli import log
from transforms.core.base.errors import MESSAGE_CHARACTERS, shown

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_GAP = "  "


def print_json(value: Any) -> None:
    """Prints a value as JSON."""
    print(json.dumps(msgspec.to_builtins(value), indent=1, ensure_ascii=False))


def say(format: str, message: str, **more: Any) -> None:
    """Prints a sentence, or as JSON the same with what programs need of it."""
    sentence = f"{message[:1].upper()}{shown(message[1:], MESSAGE_CHARACTERS)}."
    if format == "json":
        print_json({"message": message, **more})
    else:
        print(sentence)
    log.note("version_changed", sentence, **more)
    log.ending("done", sentence, version=more.get("version"))


def print_columns(heads: Sequence[str], rows: Iterable[Sequence[object]], right: str = "") -> None:
    """Prints rows below their heads.

    Args:
      heads: The heads.
      rows: Values; each is printed as text.
      right: Heads, with blanks between them, of columns that are aligned to the right.
    """
    cells = [list(heads), *([shown(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    aligned = [head in right.split() for head in heads]
    for row in cells:
        padded = (
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, aligned, strict=True)
        )
        print(_GAP.join(padded).rstrip())


def size(number: int) -> str:
    """Bytes as one reads them.

    >>> size(999), size(1_234_567)
    ('999 B', '1.2 MB')
    """
    value, unit = float(number), 0
    while value >= 999.95 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:,.1f} {_UNITS[unit]}" if unit else f"{number} B"


def moment(text: str) -> str:
    """An ISO time as one reads it, in UTC, to the minute; `–` for none.

    >>> moment("2026-01-02T03:04:05+01:00")
    '2026-01-02 02:04'
    """
    try:
        time = datetime.datetime.fromisoformat(text)
    except ValueError:
        return text or "–"
    return f"{time.astimezone(datetime.UTC):%Y-%m-%d %H:%M}" if time.tzinfo else text


def duration(seconds: float | None) -> str:
    """Seconds as one reads them.

    >>> duration(None), duration(3.21), duration(75), duration(7325)
    ('–', '3.2 s', '1 min 15 s', '2 h 2 min')
    """
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, over = divmod(minutes, 60)
    return f"{hours} h {over} min" if hours else f"{minutes} min {rest} s"
