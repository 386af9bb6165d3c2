"""Looking at lines before they are decoded: blank, too long, nested too deep, no object.

A recursive decoder takes as many levels as its thread's stack happens to hold, so the depth is
measured on the bytes, by a limit of our own.
"""

import numpy as np

from transforms.core.base.compiled import compiled
from transforms.core.base.lines import MAX_LINE_BYTES
from transforms.core.sources.narratives.limits import MAX_DEPTH

OBJECT, OTHER, BLANK, TOO_LONG, TOO_DEEP = range(5)
"""Kinds of line. `OBJECT` begins as a JSON object; `OTHER` begins otherwise."""

_TAB, _CARRIAGE_RETURN, _SPACE = 9, 13, 32
_QUOTE, _BACKSLASH = 34, 92
_OPEN_LIST, _CLOSE_LIST, _OPEN_OBJECT, _CLOSE_OBJECT = 91, 93, 123, 125


@compiled
def kinds_of_lines(data, starts, ends, begin):
    """The kind of each line, shape `(n,)` int8.

    Args:
      data: Shape `(size,)` uint8: the bytes of a block.
      starts: Shape `(n,)`: where each line begins.
      ends: Shape `(n,)`: where each line end stands.
      begin: Where the first line's record begins: behind a byte order mark.
    """
    kinds = np.empty(len(starts), np.int8)
    for i in range(len(starts)):
        if ends[i] - starts[i] > MAX_LINE_BYTES:
            kinds[i] = TOO_LONG
        else:
            kinds[i] = _kind(data, max(starts[i], begin), ends[i])
    return kinds


@compiled
def _kind(data, at, end):
    while at < end and (_TAB <= data[at] <= _CARRIAGE_RETURN or data[at] == _SPACE):
        at += 1
    if at == end:
        return BLANK
    if _is_too_deep(data, at, end):
        return TOO_DEEP
    return OBJECT if data[at] == _OPEN_OBJECT else OTHER


@compiled
def _is_too_deep(data, at, end):
    """Whether more than `MAX_DEPTH` objects and lists are open anywhere outside of strings."""
    depth, in_string = 0, False
    while at < end:
        byte = data[at]
        if in_string:
            if byte == _BACKSLASH:
                at += 1
            elif byte == _QUOTE:
                in_string = False
        elif byte == _QUOTE:
            in_string = True
        elif byte == _OPEN_LIST or byte == _OPEN_OBJECT:
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif byte == _CLOSE_LIST or byte == _CLOSE_OBJECT:
            depth -= 1
        at += 1
    return False
