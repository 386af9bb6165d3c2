"""Finds the row that made a CSV file unreadable, to say where it is: slow, after the fact."""

import csv
import dataclasses
import io
import math
from collections.abc import Callable, Sequence
from typing import BinaryIO

import pyarrow as pa

from transforms.core.base.errors import shown
from transforms.core.sources.index.buckets import MAX_KEY_BYTES


@dataclasses.dataclass(frozen=True)
class Column:
    """A CSV column that is kept.

    Attributes:
      name: Its name in the header.
      target: Its name in the table.
      type: What its values are read as; int8 stands for a flag of -1, 0 or 1.
      required: Whether a file must have it.
      filled: Whether every row must have a value.
    """

    name: str
    target: str
    type: pa.DataType
    required: bool = False
    filled: bool = False


def describe_problem(
    rows: BinaryIO, first_line: int, header: Sequence[str], columns: Sequence[Column]
) -> str | None:
    """Where and what the first bad row is.

    Args:
      rows: Rows without the header.
      first_line: Line number of the first row, from 1.
      header: The file's columns.
      columns: What is expected of them.

    Returns:
      `, line 7, column XMin: …`; None where every row looks right.
    """
    text = io.TextIOWrapper(rows, encoding="utf-8", errors="surrogateescape", newline="")
    reader = csv.reader(text)
    line = first_line
    try:
        for row in reader:
            if row and (problem := _problem_of_row(row, header, columns)):
                return f", line {line}{problem}; correct or remove the line"
            line = first_line + reader.line_num
    except csv.Error as error:  # for one, a value of over 131,072 characters
        return f", line {line}: {shown(error)}; correct or remove the line"
    return None


def line_at(open_file: Callable[[], BinaryIO], offset: int) -> int:
    """The number, from 1, of the line that begins at a byte offset."""
    lines = 1
    with open_file() as file:
        while offset > 0 and (piece := file.read(min(offset, 1 << 20))):
            lines += piece.count(b"\n")
            offset -= len(piece)
    return lines


def _problem_of_row(
    row: Sequence[str], header: Sequence[str], columns: Sequence[Column]
) -> str | None:
    if len(row) != len(header):
        return f": {len(row)} values for {len(header)} columns"
    values = dict(zip(header, row, strict=True))
    for column in columns:
        value = values.get(column.name)
        if value is not None and (problem := problem_of_value(value, column)):
            return f", column {column.name}: {problem}"
    return None


def problem_of_value(value: str, column: Column) -> str | None:
    """What is wrong with a value, None where nothing is.

    >>> problem_of_value("x", Column("XMin", "x_min", pa.float64()))
    "'x' is not a number"
    """
    if not value:
        return "no value" if column.filled else None
    if any("\udc80" <= character <= "\udcff" for character in value):
        return f"not UTF-8: '{shown(value)}'"
    if column.name == "ImageID" and len(value.encode()) > MAX_KEY_BYTES:
        return f"longer than {MAX_KEY_BYTES} bytes"
    if pa.types.is_floating(column.type) and not _is_finite(value):
        return f"'{shown(value)}' is not a number"
    if column.type == pa.int8() and value not in ("-1", "0", "1"):
        return f"'{shown(value)}' is not -1, 0 or 1"
    if column.type in (pa.int32(), pa.int64()) and not _is_whole(value, column.type):
        return f"'{shown(value)}' is not a whole number"
    return None


def _is_whole(value: str, type_: pa.DataType) -> bool:
    digits = value.removeprefix("-")
    limit = 1 << (type_.bit_width - 1)
    return digits.isascii() and digits.isdecimal() and -limit <= int(value) < limit


def _is_finite(value: str) -> bool:
    try:
        return "_" not in value and math.isfinite(float(value))
    except ValueError:
        return False
