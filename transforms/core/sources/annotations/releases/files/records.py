"""Where the records of a CSV file end: a line, or several where a quoted value holds line breaks.

Reading follows the quotes as Python's `csv` does: a value that begins with one ends at the next
that is not doubled; elsewhere a quote is a character. One that is never closed would swallow the
file. So a record of several lines ends at its first line, which is then a bad one, where it has not
the file's number of values, has text behind a closing quote, or is still open after `MOST_OPEN`
bytes; the next line then begins a record.
The ends depend on where reading begins and on nothing else, as long as that is at a record.
"""

import numpy as np

from transforms.core.base.compiled import compiled

MOST_OPEN = 1 << 18
"""Bytes of a record of several lines; the longest published titles have some hundred."""

_START, _PLAIN, _QUOTED, _QUOTE = range(4)
_NEWLINE, _RETURN, _QUOTE_MARK, _COMMA = ord("\n"), ord("\r"), ord('"'), ord(",")


def record_ends(data: np.ndarray, columns: int, is_end: bool) -> np.ndarray:
    r"""Where records end.

    Args:
      data: Shape `(n,)` uint8, from the beginning of a record.
      columns: Values of a record.
      is_end: Whether the file ends behind the data; otherwise a record that may go on behind them
        is left out.

    Returns:
      Shape `(n_records,)` int64, one past each record's last byte.

    >>> record_ends(np.frombuffer(b'1,"a\nb"\n2,c\n', np.uint8), 2, True).tolist()
    [8, 12]
    >>> record_ends(np.frombuffer(b'1,"a\n2,c\n', np.uint8), 2, True).tolist()
    [5, 9]
    """
    ends = np.empty(np.count_nonzero(data == _NEWLINE) + 1, np.int64)
    return ends[: _record_ends(data, columns, is_end, MOST_OPEN, ends)]


@compiled
def _record_ends(data, columns, is_end, most_open, ends):
    found, at, begin, first_line, values, state, fits = 0, 0, 0, 0, 1, _START, True
    while at < len(data) or (is_end and begin < len(data)):
        end = -1
        if at == len(data):  # the last record has no line end
            fits = fits and state != _QUOTED and values == columns
            end = first_line if first_line and not fits else at
        else:
            byte = data[at]
            at += 1
            if state == _QUOTED:
                if byte == _QUOTE_MARK:
                    state = _QUOTE
                elif byte == _NEWLINE and not first_line:
                    first_line = at
                if first_line and at - begin > most_open:
                    end = first_line
            elif byte == _NEWLINE:
                end = first_line if first_line and not (fits and values == columns) else at
            elif byte == _COMMA:
                state = _START
                values += 1
            elif byte == _QUOTE_MARK and state != _PLAIN:
                state = _QUOTED
            else:
                fits = fits and (state != _QUOTE or byte == _RETURN)
                state = _PLAIN
        if end >= 0:
            ends[found] = end
            found += 1
            at, begin, first_line, values, state, fits = end, end, 0, 1, _START, True
    return found


def line_ends(data: np.ndarray) -> np.ndarray:
    r"""Where lines end, shape `(n_lines,)` int64: one past each line end, and the end of the data.

    >>> line_ends(np.frombuffer(b"a\nb", np.uint8)).tolist()
    [2, 3]
    """
    ends = np.flatnonzero(data == _NEWLINE) + 1
    if len(data) and data[-1] != _NEWLINE:
        ends = np.append(ends, len(data))
    return ends
