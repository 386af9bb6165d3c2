"""A compiled scanner: a block of lines straight into the flat arrays of a chunk.

It takes lines in the form in which they are published: the known keys in their order, plain
decimals of at most 15 digits, one space or none behind each comma and colon. Whatever is unusual,
good or bad, it leaves to the strict decoder, so it never decides that a line is bad. (A JSON
decoder makes an object of every number; that costs several times as much.)

Speed: where the next item stands never depends on whether this one was right. Whether all was
right is kept in `ok` on the side, so that the processor need not wait for the answer.

Bounds: the block is followed by `PADDING` zeros, which end every run of digits or of a string's
characters; all else moves on by fewer bytes than that before `ok` is looked at. What is written is
bounded by the arrays' sizes, which come from the shortest possible items.
"""

import dataclasses

import msgspec
import numpy as np

from transforms.core.compiled import compiled, inlined

PADDING = 64
"""Zeros that follow the block; more than the longest key."""

_SHORTEST_POINT = len('{"x":0,"y":0,"t":0},')
_SHORTEST_UTTERANCE = len('{"utterance":"","start_time":0,"end_time":0},')
_SHORTEST_SEGMENT = len("[],")

_SPACE, _QUOTE, _COMMA, _COLON, _MINUS, _POINT = 32, 34, 44, 58, 45, 46
_OPEN_LIST, _CLOSE_LIST, _OPEN_OBJECT, _CLOSE_OBJECT, _BACKSLASH = 91, 93, 123, 125, 92
_X, _Y, _T = ord("x"), ord("y"), ord("t")


def _quoted(name: str) -> np.ndarray:
    return np.frombuffer(f'"{name}"'.encode(), np.uint8)


_DATASET_ID, _IMAGE_ID, _ANNOTATOR_ID = map(_quoted, ("dataset_id", "image_id", "annotator_id"))
_CAPTION, _TIMED_CAPTION, _TRACES = map(_quoted, ("caption", "timed_caption", "traces"))
_VOICE_RECORDING = _quoted("voice_recording")
_UTTERANCE, _START_TIME, _END_TIME = map(_quoted, ("utterance", "start_time", "end_time"))
_POWERS = 10.0 ** np.arange(16)

STRINGS = ("dataset_id", "image_id", "caption", "voice_recording")
"""The columns of `Scan.strings`."""


@dataclasses.dataclass(frozen=True)
class Scan:
    """What was scanned; positions are those of bytes in the block.

    Attributes:
      lines: Shape `(n,)`: the lines that were scanned, in order.
      strings: Shape `(n, 4, 3)`: start and end of each of `STRINGS`, and whether it has escapes.
      annotators: Shape `(n,)` int64.
      utterance_offsets: Shape `(n + 1,)`.
      utterance_texts: Shape `(n_utterances, 3)`: likewise of each text.
      utterance_times: Shape `(2, n_utterances)`: start and end times, seconds.
      segment_offsets: Shape `(n + 1,)`.
      segment_starts: Shape `(n_segments,)` int32: first point within the narrative.
      point_offsets: Shape `(n + 1,)`.
      xyt: Shape `(3, n_points)`: normalised coordinates and seconds.
    """

    lines: np.ndarray
    strings: np.ndarray
    annotators: np.ndarray
    utterance_offsets: np.ndarray
    utterance_texts: np.ndarray
    utterance_times: np.ndarray
    segment_offsets: np.ndarray
    segment_starts: np.ndarray
    point_offsets: np.ndarray
    xyt: np.ndarray


def scan_block(block: bytes, starts: np.ndarray, ends: np.ndarray) -> Scan:
    """Scans the lines `block[starts[i]:ends[i]]` that are of the published form.

    Args:
      block: JSON Lines.
      starts: Shape `(n_lines,)` int64.
      ends: Shape `(n_lines,)` int64.
    """
    lines = np.arange(len(starts))
    if not _is_utf8(block):
        lines = lines[[_is_utf8(block[a:b]) for a, b in zip(starts, ends, strict=True)]]
    data = np.frombuffer(block + bytes(PADDING), np.uint8)
    scan = _scan(data, starts[lines], ends[lines])
    wrong = _wrongly_escaped(block, scan)
    if len(wrong):
        lines = np.delete(lines, scan.lines[wrong])
        scan = _scan(data, starts[lines], ends[lines])
    return dataclasses.replace(scan, lines=lines[scan.lines])


def _wrongly_escaped(block: bytes, scan: Scan) -> np.ndarray:
    """Rows with a string whose escapes are not right."""
    rows = np.repeat(np.arange(len(scan.lines)), np.diff(scan.utterance_offsets))
    rows = np.concatenate([rows, np.repeat(np.arange(len(scan.lines)), len(STRINGS))])
    bounds = np.concatenate([scan.utterance_texts, scan.strings.reshape(-1, 3)])
    wrong = [
        row
        for row, (start, end, _) in zip(
            rows[bounds[:, 2] > 0], bounds[bounds[:, 2] > 0], strict=True
        )
        if unescape(block[start:end]) is None
    ]
    return np.unique(np.array(wrong, np.int64))


def unescape(text: bytes) -> str | None:
    """What a JSON string's inner bytes stand for, None where they are not right."""
    try:
        return msgspec.json.decode(b'"%b"' % text, type=str)
    except msgspec.DecodeError:
        return None


def _is_utf8(text: bytes) -> bool:
    """Whether text is UTF-8, as JSON must be; the scanner itself takes any byte in a string."""
    try:
        return text.isascii() or bool(str(text, "utf-8"))
    except UnicodeDecodeError:
        return False


def _scan(data: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> Scan:
    n, size = len(starts), len(data)
    texts = np.empty((size // _SHORTEST_UTTERANCE + 1, 3), np.int64)
    times = np.empty((2, len(texts)))
    segment_starts = np.empty(size // _SHORTEST_SEGMENT + 1, np.int32)
    xyt = np.empty((3, size // _SHORTEST_POINT + 1))
    rows = np.zeros((n + 1, 4), np.int64)  # line, and counts of utterances, segments, points
    strings = np.empty((n, len(STRINGS), 3), np.int64)
    annotators = np.empty(n, np.int64)
    n = _scan_lines(
        data, starts, ends, rows, strings, annotators, texts, times, segment_starts, xyt
    )
    utterances, segments, points = rows[n, 1:]
    return Scan(
        lines=rows[1 : n + 1, 0],
        strings=strings[:n],
        annotators=annotators[:n],
        utterance_offsets=rows[: n + 1, 1],
        utterance_texts=texts[:utterances],
        utterance_times=times[:, :utterances],
        segment_offsets=rows[: n + 1, 2],
        segment_starts=segment_starts[:segments].copy(),
        point_offsets=rows[: n + 1, 3],
        xyt=xyt[:, :points],
    )


@compiled
def _scan_lines(data, starts, ends, rows, strings, annotators, texts, times, segment_starts, xyt):
    """Scans line by line; a line that is not right to its end leaves nothing behind."""
    n = 0
    for line in range(len(starts)):
        at = starts[line]
        gap = np.int64(data[at + len(_DATASET_ID) + 2] == _SPACE)
        at, annotators[n], ok = _scan_head(data, at, gap, strings[n])
        if not ok:
            continue
        at, utterances, ok = _scan_utterances(data, at, gap, texts, times, rows[n, 1])
        if not ok:
            continue
        at, ok = _key(data, at, gap, _COMMA, _TRACES, ok)
        at, segments, points, ok = _scan_traces(
            data, at, gap, segment_starts, rows[n, 2], xyt, rows[n, 3], ok
        )
        if not ok:
            continue
        at, ok = _key(data, at, gap, _COMMA, _VOICE_RECORDING, ok)
        at, ok = _string(data, at, strings[n, 3], ok)
        at, ok = _char(data, at, _CLOSE_OBJECT, ok)
        if ok and at == ends[line]:
            n += 1
            rows[n] = (line, utterances, segments, points)
    return n


@compiled
def _scan_head(data, at, gap, strings):
    """`{"dataset_id": "…", "image_id": "…", "annotator_id": 9, "caption": "…"`"""
    at, ok = _key(data, at, 0, _OPEN_OBJECT, _DATASET_ID, True)
    at, ok = _gap(data, at, gap, ok)
    at, ok = _string(data, at, strings[0], ok)
    at, ok = _key(data, at, gap, _COMMA, _IMAGE_ID, ok)
    at, ok = _string(data, at, strings[1], ok)
    at, ok = _key(data, at, gap, _COMMA, _ANNOTATOR_ID, ok)
    if not ok:
        return at, 0, False
    at, annotator, decimals, ok = _digits(data, at, ok)
    at, ok = _key(data, at, gap, _COMMA, _CAPTION, ok and decimals == 0)
    at, ok = _string(data, at, strings[2], ok)
    return at, annotator, ok


@compiled
def _scan_utterances(data, at, gap, texts, times, n):
    """`, "timed_caption": [{"utterance": "…", "start_time": 0.1, "end_time": 0.5}, …]`"""
    at, ok = _key(data, at, gap, _COMMA, _TIMED_CAPTION, True)
    at, ok = _char(data, at, _OPEN_LIST, ok)
    if data[at] == _CLOSE_LIST:
        return at + 1, n, ok
    while ok and n < len(texts):
        at, ok = _key(data, at, 0, _OPEN_OBJECT, _UTTERANCE, ok)
        at, ok = _gap(data, at, gap, ok)
        at, ok = _string(data, at, texts[n], ok)
        if not ok:
            break
        at, ok = _key(data, at, gap, _COMMA, _START_TIME, ok)
        at, times[0, n], ok = _number(data, at, ok)
        at, ok = _key(data, at, gap, _COMMA, _END_TIME, ok)
        at, times[1, n], ok = _number(data, at, ok)
        at, ok = _char(data, at, _CLOSE_OBJECT, ok)
        n += 1
        if data[at] == _CLOSE_LIST:
            return at + 1, n, ok
        at, ok = _char(data, at, _COMMA, ok)
        at, ok = _gap(data, at, gap, ok)
    return at, n, False


@compiled
def _scan_traces(data, at, gap, segment_starts, segment, xyt, point, ok):
    """`[[{"x": 0.2, "y": 0.1, "t": 0.03}, …], …]`"""
    first = point
    at, ok = _char(data, at, _OPEN_LIST, ok)
    if data[at] == _CLOSE_LIST:
        return at + 1, segment, point, ok
    while ok and segment < len(segment_starts):
        at, ok = _char(data, at, _OPEN_LIST, ok)
        segment_starts[segment] = point - first
        segment += 1
        at, point, ok = _scan_segment(data, at, gap, xyt, point, ok)
        if data[at] == _CLOSE_LIST:
            return at + 1, segment, point, ok
        at, ok = _char(data, at, _COMMA, ok)
        at, ok = _gap(data, at, gap, ok)
    return at, segment, point, False


@compiled
def _scan_segment(data, at, gap, xyt, point, ok):
    """`{"x": 0.2, "y": 0.1, "t": 0.03}, …]`, from behind its `[` to behind its `]`."""
    if data[at] == _CLOSE_LIST:
        return at + 1, point, ok
    while ok and point < xyt.shape[1]:
        at, ok = _letter(data, at, 0, gap, _OPEN_OBJECT, _X, ok)
        at, xyt[0, point], ok = _number(data, at, ok)
        at, ok = _letter(data, at, gap, gap, _COMMA, _Y, ok)
        at, xyt[1, point], ok = _number(data, at, ok)
        at, ok = _letter(data, at, gap, gap, _COMMA, _T, ok)
        at, xyt[2, point], ok = _number(data, at, ok)
        at, ok = _char(data, at, _CLOSE_OBJECT, ok)
        point += 1
        if data[at] == _CLOSE_LIST:
            return at + 1, point, ok
        at, ok = _char(data, at, _COMMA, ok)
        at, ok = _gap(data, at, gap, ok)
    return at, point, False


@inlined
def _char(data, at, wanted, ok):
    return at + 1, ok & (data[at] == wanted)


@inlined
def _gap(data, at, gap, ok):
    """Behind the space, where the line has one."""
    return at + gap, ok & ((data[at] == _SPACE) | (gap == 0))


@compiled
def _key(data, at, gap, before, key, ok):
    """Behind what stands before a key, the key, its colon, and their gaps."""
    ok &= data[at] == before
    at, ok = _gap(data, at + 1, gap, ok)
    for k in range(len(key)):
        ok &= data[at + k] == key[k]
    at, ok = _char(data, at + len(key), _COLON, ok)
    return _gap(data, at, gap, ok)


@inlined
def _letter(data, at, gap, gap_behind, before, letter, ok):
    """Behind what stands before a key of one letter, the key, its colon, and their gaps."""
    ok &= data[at] == before
    at, ok = _gap(data, at + 1, gap, ok)
    ok &= (data[at] == _QUOTE) & (data[at + 1] == letter)
    ok &= (data[at + 2] == _QUOTE) & (data[at + 3] == _COLON)
    return _gap(data, at + 4, gap_behind, ok)


@compiled
def _string(data, at, bounds, ok):
    """Behind a string, whose bounds are noted, and whether it has escapes."""
    ok &= data[at] == _QUOTE
    at += 1
    bounds[0], bounds[2] = at, 0
    while data[at] >= _SPACE and data[at] != _QUOTE:
        if data[at] == _BACKSLASH:
            bounds[2] = 1
            at += 1
        at += 1
    bounds[1] = at
    return at + 1, ok & (data[at] == _QUOTE)


@inlined
def _digits(data, at, ok):
    """Behind an unsigned decimal of at most 15 digits, its mantissa, and its decimals."""
    first = at
    mantissa = np.int64(0)
    digit = np.int64(data[at]) - 48
    while 0 <= digit <= 9:
        mantissa = mantissa * 10 + digit
        at += 1
        digit = np.int64(data[at]) - 48
    digits = at - first
    ok &= (digits > 0) & ((digits == 1) | (data[first] != 48))  # JSON has no leading zeros
    decimals = 0
    if digit == _POINT - 48:
        at += 1
        point = at
        digit = np.int64(data[at]) - 48
        while 0 <= digit <= 9:
            mantissa = mantissa * 10 + digit
            at += 1
            digit = np.int64(data[at]) - 48
        decimals = at - point
        ok &= decimals > 0
    ok &= digits + decimals <= 15
    return at, mantissa, decimals, ok


@inlined
def _number(data, at, ok):
    """Behind a number, and its value.

    Mantissa and power of ten are exact as float64, so their quotient is rounded once and right.
    An exponent is no part of it: the character that must follow is then not there.
    """
    negative = data[at] == _MINUS
    if negative:
        at += 1
    at, mantissa, decimals, ok = _digits(data, at, ok)
    value = mantissa / _POWERS[min(decimals, 15)]
    if negative and (mantissa > 0 or decimals > 0):  # `-0` is the integer 0, `-0.0` is not
        value = -value
    return at, value, ok
