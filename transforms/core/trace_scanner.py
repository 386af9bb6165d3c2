"""A compiled scanner for the `traces` of many narratives: JSON bytes to flat arrays.

Traces are nearly all of a record's bytes. The scanner takes the form in which they are published,
`[[{"x": 0.25, "y": 0.17, "t": 0.997}, …], …]` with optional white space; whatever is unusual
(another key order, exponents, over 15 digits, anything malformed) it leaves to the strict
decoder, so it never decides that a record is bad.
"""

import numpy as np

from transforms.core.compiled import compiled

SMALLEST_POINT = len(b'{"x":0,"y":0,"t":0}')
_POWERS = 10.0 ** np.arange(16)
_X, _Y, _T = np.uint8(ord("x")), np.uint8(ord("y")), np.uint8(ord("t"))


@compiled
def scan_traces(data, starts, ends):
    """Scans the traces that stand at `data[starts[i]:ends[i]]`.

    Args:
      data: JSON bytes, uint8.
      starts: Shape `(n,)` int64.
      ends: Shape `(n,)` int64.

    Returns:
      Point counts `(n,)` int64, -1 where the strict decoder is needed; x, y, t of all scanned
      points one behind the other; segment counts `(n,)`; and the segments' first points, counted
      within the narrative.
    """
    room = np.sum(ends - starts) // SMALLEST_POINT + 1
    xyt = np.empty((3, room), np.float64)
    point_counts = np.empty(len(starts), np.int64)
    segment_counts = np.zeros(len(starts), np.int64)
    segment_starts = np.empty(np.sum(ends - starts) // 2 + 1, np.int32)
    points = segments = 0
    for i in range(len(starts)):
        count, pieces = _scan_one(
            data[starts[i] : ends[i]], xyt[:, points:], segment_starts[segments:]
        )
        point_counts[i] = count
        if count >= 0:
            segment_counts[i] = pieces
            points += count
            segments += pieces
    return point_counts, xyt[:, :points], segment_counts, segment_starts[:segments]


@compiled
def _scan_one(data, xyt, segment_starts):
    at = _skip_space(data, 0)
    if at >= len(data) or data[at] != 91:  # [
        return -1, 0
    at = _skip_space(data, at + 1)
    points = segments = 0
    if at < len(data) and data[at] == 93:  # ]
        return (0, 0) if _skip_space(data, at + 1) == len(data) else (-1, 0)
    while True:
        if at >= len(data) or data[at] != 91 or segments >= len(segment_starts):
            return -1, 0
        segment_starts[segments] = points
        segments += 1
        at, points = _scan_segment(data, at + 1, xyt, points)
        if at < 0 or at >= len(data):
            return -1, 0
        if data[at] == 93:
            return (points, segments) if _skip_space(data, at + 1) == len(data) else (-1, 0)
        if data[at] != 44:  # ,
            return -1, 0
        at = _skip_space(data, at + 1)


@compiled
def _scan_segment(data, at, xyt, points):
    """Scans from behind `[` to the first character behind `]` and white space."""
    at = _skip_space(data, at)
    if at < len(data) and data[at] == 93:
        return _skip_space(data, at + 1), points
    while True:
        if at >= len(data) or data[at] != 123 or points >= xyt.shape[1]:  # {
            return -1, points
        at = _skip_space(data, at + 1)
        at, xyt[0, points] = _scan_member(data, at, _X, 44)
        at, xyt[1, points] = _scan_member(data, at, _Y, 44)
        at, xyt[2, points] = _scan_member(data, at, _T, 125)  # }
        if at < 0 or at >= len(data):
            return -1, points
        points += 1
        if data[at] == 93:
            return _skip_space(data, at + 1), points
        if data[at] != 44:
            return -1, points
        at = _skip_space(data, at + 1)


@compiled
def _scan_member(data, at, key, closing):
    """Scans `"k": number` and the closing character; answers where it goes on, or -1."""
    if at < 0 or at + 4 >= len(data):
        return -1, 0.0
    if data[at] != 34 or data[at + 1] != key or data[at + 2] != 34:
        return -1, 0.0
    at = _skip_space(data, at + 3)
    if at >= len(data) or data[at] != 58:  # :
        return -1, 0.0
    at, value = _scan_number(data, _skip_space(data, at + 1))
    if at < 0:
        return -1, 0.0
    at = _skip_space(data, at)
    if at >= len(data) or data[at] != closing:
        return -1, 0.0
    return _skip_space(data, at + 1), value


@compiled
def _scan_number(data, at):
    """Scans a plain decimal of at most 15 digits; the result is correctly rounded.

    Mantissa and power of ten are exact as float64, so their quotient is rounded once.
    """
    negative = at < len(data) and data[at] == 45  # -
    if negative:
        at += 1
    first = at
    mantissa = 0
    while at < len(data) and 48 <= data[at] <= 57:
        mantissa = mantissa * 10 + (data[at] - 48)
        at += 1
        if at - first > 15:
            return -1, 0.0
    digits = at - first
    if digits == 0 or (digits > 1 and data[first] == 48):  # JSON has no leading zeros
        return -1, 0.0
    decimals = 0
    if at < len(data) and data[at] == 46:  # .
        at += 1
        while at < len(data) and 48 <= data[at] <= 57:
            mantissa = mantissa * 10 + (data[at] - 48)
            decimals += 1
            at += 1
            if digits + decimals > 15:
                return -1, 0.0
        if decimals == 0:
            return -1, 0.0
    if negative and mantissa == 0 and decimals == 0:  # an integer has no negative zero
        return -1, 0.0
    value = mantissa / _POWERS[decimals]
    return at, (-value if negative else value)


@compiled
def _skip_space(data, at):
    while at < len(data) and (data[at] == 32 or data[at] == 9 or data[at] == 13 or data[at] == 10):
        at += 1
    return at
