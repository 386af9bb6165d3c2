"""A compiled scanner: a block of lines straight into the flat arrays of a chunk.

It takes lines in the form in which they are published: the known keys in their order, plain
decimals of at most 15 digits and within the limits, one space or none behind each comma and colon.
Whatever is unusual, good or bad, it leaves to the strict decoder, so it never decides that a line
is bad. (A JSON decoder makes an object of every number; that costs several times as much.)

Speed: where the next item stands never depends on whether this one was right. Whether all was
right is kept in `ok` on the side, so that the processor need not wait for the answer. What there is
most of, the keys and decimals of trace points, is taken eight bytes at a time.

Bounds: the block is followed by `PADDING` zeros, which end every run of digits or of a string's
characters; all else moves on by fewer bytes than that before `ok` is looked at. What is written is
bounded by the arrays' sizes, which come from the shortest possible items.
"""

import dataclasses

import msgspec
import numpy as np

from transforms.core.base.compiled import compiled, inlined
from transforms.core.base.lines import MAX_LINE_BYTES, PADDING, Block
from transforms.core.sources.narratives.limits import (
    MAX_COORDINATE,
    MAX_IMAGE_ID_BYTES,
    MAX_SECONDS,
)
from transforms.core.sources.narratives.machine_words import (
    WORD,
    pointer_to,
    trailing_zeros,
    word_at,
)

_SHORTEST_LINE = len(
    '{"dataset_id":"","image_id":"","annotator_id":0,"caption":"","timed_caption":[],'
    '"traces":[],"voice_recording":""}'
)
_SHORTEST_POINT = len('{"x":0,"y":0,"t":0},')
_SHORTEST_UTTERANCE = len('{"utterance":"","start_time":0,"end_time":0},')
_SHORTEST_SEGMENT = len("[],")

_LINE_END = 10
_SPACE, _QUOTE, _COMMA, _COLON, _MINUS, _POINT, _ZERO = 32, 34, 44, 58, 45, 46, 48
_OPEN_LIST, _CLOSE_LIST, _OPEN_OBJECT, _CLOSE_OBJECT, _BACKSLASH = 91, 93, 123, 125, 92


def _quoted(name: str) -> np.ndarray:
    return np.frombuffer(f'"{name}"'.encode(), np.uint8)


_DATASET_ID, _IMAGE_ID, _ANNOTATOR_ID = map(_quoted, ("dataset_id", "image_id", "annotator_id"))
_CAPTION, _TIMED_CAPTION, _TRACES = map(_quoted, ("caption", "timed_caption", "traces"))
_VOICE_RECORDING = _quoted("voice_recording")
_UTTERANCE, _START_TIME, _END_TIME = map(_quoted, ("utterance", "start_time", "end_time"))

# What stands before the numbers of a point, without and with spaces, as words to compare with.
_FIRST_X, _NEXT_X, _Y, _T = range(4)
_BEFORE_NUMBERS = [
    [text.replace(" ", gap) for text in ('{"x": ', ', {"x": ', ', "y": ', ', "t": ')]
    for gap in ("", " ")
]
_LENGTHS = np.array([[len(text) for text in texts] for texts in _BEFORE_NUMBERS])
_MASKS = np.uint64(2**64 - 1) >> (8 * (WORD - _LENGTHS)).astype(np.uint64)
_WORDS = np.array(
    [[int.from_bytes(text.encode(), "little") for text in texts] for texts in _BEFORE_NUMBERS],
    np.uint64,
)

_MAX_DIGITS = 15  # so that mantissa and power of ten are exact as float64
_POWERS = 10 ** np.arange(_MAX_DIGITS + 1)
_ZEROS = np.uint64(0x3030303030303030)
_HIGH_BITS = np.uint64(0x8080808080808080)
_ABOVE_NINE = np.uint64(0x7676767676767676)  # what takes 10, but not 9, to the high bit

STRINGS = ("dataset_id", "image_id", "caption", "voice_recording")
"""The rows of `Scan.strings`."""
_IMAGE_ID_ROW = STRINGS.index("image_id")

ESCAPED, BEYOND_ASCII = 1, 2
"""Bits of a string's kind."""


@dataclasses.dataclass(frozen=True)
class Scan:
    """What was scanned; positions are those of bytes in the block.

    Attributes:
      ends: Shape `(n_lines,)`: where each line of the block ends, line end left out.
      lines: Shape `(n,)`: the lines that were scanned, in order.
      strings: Shape `(4, 3, n)`: start, end and kind of each of `STRINGS`.
      annotators: Shape `(n,)` int64.
      utterance_offsets: Shape `(n + 1,)`.
      utterance_texts: Shape `(3, n_utterances)`: start, end and kind of each text.
      utterance_times: Shape `(2, n_utterances)`: start and end times, seconds.
      segment_offsets: Shape `(n + 1,)`.
      segment_starts: Shape `(n_segments,)` int32: first point within the narrative.
      point_offsets: Shape `(n + 1,)`.
      xyt: Shape `(3, n_points)`: normalised coordinates and seconds.
    """

    ends: np.ndarray
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


def scan_block(block: Block, begin: int = 0) -> Scan:
    """Scans the lines that are of the published form.

    Args:
      block: JSON Lines.
      begin: Where the first line's record begins: behind a byte order mark.
    """
    scan = _scan(block, begin, np.empty(0, np.int64))
    wrong = np.union1d(_with_wrong_text(block, scan), _too_long(scan))
    return _scan(block, begin, scan.lines[wrong]) if len(wrong) else scan


def _too_long(scan: Scan) -> np.ndarray:
    """Rows of lines that are longer than a line may be, in order."""
    lengths = np.diff(scan.ends, prepend=-1) - 1
    return np.flatnonzero(lengths[scan.lines] > MAX_LINE_BYTES)


def _with_wrong_text(block: Block, scan: Scan) -> np.ndarray:
    """Rows with a string whose escapes or whose UTF-8 are not right, in order.

    An image id with a NUL is not right either.
    """
    rows = [np.repeat(np.arange(len(scan.lines)), np.diff(scan.utterance_offsets))]
    rows += [np.arange(len(scan.lines))] * len(STRINGS)
    wrong = [
        own_rows[k]
        for own_rows, (starts, ends, kinds) in zip(
            rows, [scan.utterance_texts, *scan.strings], strict=True
        )
        for k in np.flatnonzero(kinds)
        if unescape(block.cut(starts[k], ends[k])) is None
    ]
    starts, ends, kinds = scan.strings[_IMAGE_ID_ROW]
    wrong += [
        row
        for row in np.flatnonzero(kinds & ESCAPED)
        if "\0" in (unescape(block.cut(starts[row], ends[row])) or "")
    ]
    return np.array(wrong, np.int64)


def unescape(text: bytes) -> str | None:
    """What a JSON string's inner bytes stand for, None where they are not right."""
    try:
        return msgspec.json.decode(b'"%b"' % text, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _scan(block: Block, begin: int, skipped: np.ndarray) -> Scan:
    """Scans all lines but those to be skipped; the arrays are as large as ever needed."""
    size = len(block) + 1
    texts = np.empty((3, size // _SHORTEST_UTTERANCE + 1), np.int64)
    times = np.empty((2, texts.shape[1]))
    segment_starts = np.empty(size // _SHORTEST_SEGMENT + 1, np.int32)
    xyt = np.empty((3, size // _SHORTEST_POINT + 1))
    n = size // _SHORTEST_LINE + 1
    rows = np.zeros((4, n + 1), np.int64)  # line, and counts of utterances, segments, points
    strings = np.empty((len(STRINGS), 3, n), np.int64)
    annotators = np.empty(n, np.int64)
    n, ends = _scan_lines(
        block.padded, begin, skipped, rows, strings, annotators, texts, times, segment_starts, xyt
    )
    utterances, segments, points = rows[1:, n]
    return Scan(
        ends=ends,
        lines=rows[0, 1 : n + 1],
        strings=strings[:, :, :n],
        annotators=annotators[:n],
        utterance_offsets=rows[1, : n + 1],
        utterance_texts=texts[:, :utterances],
        utterance_times=times[:, :utterances],
        segment_offsets=rows[2, : n + 1],
        segment_starts=segment_starts[:segments],
        point_offsets=rows[3, : n + 1],
        xyt=xyt[:, :points],
    )


def line_ends(block: Block) -> np.ndarray:
    """Where each line of a block ends, line end left out; shape `(n_lines,)` int64."""
    return _line_ends(block.padded)


@compiled
def _line_ends(padded):
    data, size = pointer_to(padded), len(padded) - PADDING
    ends = [np.int64(0) for _ in range(0)]
    at = 0
    while at < size:
        at = _behind_line(data, at, size)
        ends.append(at)
        at += 1
    return np.array(ends)


@compiled
def _behind_line(data, at, size):
    while at < size and data[at] != _LINE_END:
        at += 1
    return at


@compiled
def _scan_lines(  # noqa: PLR0913
    padded, begin, skipped, rows, strings, annotators, texts, times, segment_starts, xyt
):
    """Scans line by line; a line that is not right to its end leaves nothing behind."""
    data, size = pointer_to(padded), len(padded) - PADDING
    ends = [np.int64(0) for _ in range(0)]
    n = skip = start = 0
    while start < size:
        at = max(start, begin)
        ok = skip == len(skipped) or skipped[skip] != len(ends)
        skip += not ok
        if ok:
            gap = np.int64(data[at + len(_DATASET_ID) + 2] == _SPACE)
            at, annotators[n], ok = _scan_head(data, at, gap, strings, n)
        if ok:
            at, utterances, ok = _scan_utterances(data, at, gap, texts, times, rows[1, n])
        if ok:
            at, ok = _key(data, at, gap, _COMMA, _TRACES, ok)
            at, segments, points, ok = _scan_traces(
                data, at, gap, segment_starts, rows[2, n], xyt, rows[3, n], ok
            )
        if ok:
            at, ok = _key(data, at, gap, _COMMA, _VOICE_RECORDING, ok)
            at, ok = _string(data, at, strings[3], n, ok)
            at, ok = _char(data, at, _CLOSE_OBJECT, ok)
        if ok and (at == size or data[at] == _LINE_END):
            n += 1
            rows[0, n], rows[1, n], rows[2, n], rows[3, n] = len(ends), utterances, segments, points
        else:
            at = _behind_line(data, start, size)
        ends.append(at)
        start = at + 1
    return n, np.array(ends)


KERNEL = _scan_lines
"""The kernel that every run over narratives needs; it includes those that it calls."""


@compiled
def _scan_head(data, at, gap, strings, n):
    """`{"dataset_id": "…", "image_id": "…", "annotator_id": 9, "caption": "…"`."""
    at, ok = _key(data, at, 0, _OPEN_OBJECT, _DATASET_ID, True)
    at, ok = _gap(data, at, gap, ok)
    at, ok = _string(data, at, strings[0], n, ok)
    at, ok = _key(data, at, gap, _COMMA, _IMAGE_ID, ok)
    at, ok = _string(data, at, strings[1], n, ok)
    ok &= strings[1, 1, n] - strings[1, 0, n] <= MAX_IMAGE_ID_BYTES  # escapes are longer only
    at, ok = _key(data, at, gap, _COMMA, _ANNOTATOR_ID, ok)
    if not ok:
        return at, 0, False
    at, annotator, _, ok = _integer(data, at, ok)
    at, ok = _key(data, at, gap, _COMMA, _CAPTION, ok)
    at, ok = _string(data, at, strings[2], n, ok)
    return at, annotator, ok


@compiled
def _scan_utterances(data, at, gap, texts, times, n):
    """`, "timed_caption": [{"utterance": "…", "start_time": 0.1, "end_time": 0.5}, …]`."""
    at, ok = _key(data, at, gap, _COMMA, _TIMED_CAPTION, True)
    at, ok = _char(data, at, _OPEN_LIST, ok)
    if data[at] == _CLOSE_LIST:
        return at + 1, n, ok
    while ok and n < texts.shape[1]:
        at, ok = _key(data, at, 0, _OPEN_OBJECT, _UTTERANCE, ok)
        at, ok = _gap(data, at, gap, ok)
        at, ok = _string(data, at, texts, n, ok)
        if not ok:
            break
        at, ok = _key(data, at, gap, _COMMA, _START_TIME, ok)
        at, times[0, n], ok = _number(data, at, MAX_SECONDS, ok)
        at, ok = _key(data, at, gap, _COMMA, _END_TIME, ok)
        at, times[1, n], ok = _number(data, at, MAX_SECONDS, ok)
        at, ok = _char(data, at, _CLOSE_OBJECT, ok)
        n += 1
        if data[at] == _CLOSE_LIST:
            return at + 1, n, ok
        at, ok = _char(data, at, _COMMA, ok)
        at, ok = _gap(data, at, gap, ok)
    return at, n, False


@compiled
def _scan_traces(data, at, gap, segment_starts, segment, xyt, point, ok):  # noqa: PLR0913
    """`[[{"x": 0.2, "y": 0.1, "t": 0.03}, …], …]`."""
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
    words, masks, lengths = _WORDS[gap], _MASKS[gap], _LENGTHS[gap]
    at, ok = _before_number(data, at, words, masks, lengths, _FIRST_X, ok)
    while ok and point < xyt.shape[1]:
        at, xyt[0, point], ok = _number(data, at, MAX_COORDINATE, ok)
        at, ok = _before_number(data, at, words, masks, lengths, _Y, ok)
        at, xyt[1, point], ok = _number(data, at, MAX_COORDINATE, ok)
        at, ok = _before_number(data, at, words, masks, lengths, _T, ok)
        at, xyt[2, point], ok = _number(data, at, MAX_SECONDS, ok)
        at, ok = _char(data, at, _CLOSE_OBJECT, ok)
        point += 1
        if data[at] == _CLOSE_LIST:
            return at + 1, point, ok
        at, ok = _before_number(data, at, words, masks, lengths, _NEXT_X, ok)
    return at, point, False


@inlined
def _char(data, at, wanted, ok):
    return at + 1, ok & (data[at] == wanted)


@inlined
def _gap(data, at, gap, ok):
    """Behind the space, where the line has one."""
    return at + gap, ok & ((data[at] == _SPACE) | (gap == 0))


@inlined
def _before_number(data, at, words, masks, lengths, which, ok):
    """Behind what stands before a number of a trace point."""
    return at + lengths[which], ok & (word_at(data, at) & masks[which] == words[which])


@compiled
def _key(data, at, gap, before, key, ok):
    """Behind what stands before a key, the key, its colon, and their gaps."""
    at, ok = _char(data, at, before, ok)
    at, ok = _gap(data, at, gap, ok)
    for k in range(len(key)):
        ok &= data[at + k] == key[k]
    at, ok = _char(data, at + len(key), _COLON, ok)
    return _gap(data, at, gap, ok)


@compiled
def _string(data, at, bounds, k, ok):
    """Behind a string; column k of `bounds` takes its start, its end and its kind."""
    at, ok = _char(data, at, _QUOTE, ok)
    bounds[0, k] = at
    character, characters, escaped = data[at], 0, 0
    while character >= _SPACE and character != _QUOTE:
        characters |= character
        if character == _BACKSLASH:
            escaped = ESCAPED
            at += np.int64(data[at + 1] >= _SPACE)  # no string goes beyond its line
        at += 1
        character = data[at]
    bounds[1, k] = at
    bounds[2, k] = escaped | (BEYOND_ASCII if characters >= 0x80 else 0)
    return at + 1, ok & (character == _QUOTE)


@inlined
def _number(data, at, limit, ok):
    """Behind a number of at most 15 digits, whose absolute value is in the limit, and its value.

    Mantissa and power of ten are exact as float64, so their quotient is rounded once and right.
    An exponent is no part of it: the character that must follow is then not there.
    """
    negative = data[at] == _MINUS
    at += np.int64(negative)
    at, mantissa, digits, ok = _integer(data, at, ok)
    decimals = np.int64(0)
    if data[at] == _POINT:
        at, fraction, decimals = _digits_by_word(data, at + 1)
        ok &= (decimals > 0) & (digits + decimals <= _MAX_DIGITS)
        decimals = min(decimals, _MAX_DIGITS)  # type: ignore[arg-type]
        mantissa = mantissa * _POWERS[decimals] + fraction
    value = mantissa / _POWERS[decimals]
    ok &= value <= limit
    if negative and (mantissa > 0 or decimals > 0):  # `-0` is the integer 0, `-0.0` is not
        value = -value
    return at, value, ok


@inlined
def _integer(data, at, ok):
    """Behind an unsigned integer of at most 15 digits, its value, and its digits."""
    leading = data[at] == _ZERO
    at, value, digits = _digits(data, at)
    ok &= (digits > 0) & (digits <= _MAX_DIGITS)
    ok &= (digits == 1) | ~leading  # JSON has no leading zeros
    return at, value, digits, ok


@inlined
def _digits(data, at):
    """Behind a run of digits, their value, and how many they are; past 18 the value is wrong."""
    first = at
    value = np.int64(0)
    digit = data[at] - _ZERO
    while 0 <= digit <= 9:
        value = value * 10 + digit
        at += 1
        digit = data[at] - _ZERO
    return at, value, at - first


@inlined
def _digits_by_word(data, at):
    """As `_digits`, all at once where they are fewer than eight.

    The word's digits are moved to its end, zeros before them, and summed pair by pair (D. Lemire,
    "Number Parsing at a Gigabyte per Second", 2021).
    """
    word = word_at(data, at) ^ _ZEROS
    others = (word | (word + _ABOVE_NINE)) & _HIGH_BITS
    if others == 0:
        return _digits(data, at)
    digits = trailing_zeros(others) >> 3
    word <<= np.uint64((64 - 8 * digits) & 63)
    word = (word * np.uint64(2561)) >> np.uint64(8)
    word = ((word & np.uint64(0x00FF00FF00FF00FF)) * np.uint64(6553601)) >> np.uint64(16)
    word = ((word & np.uint64(0x0000FFFF0000FFFF)) * np.uint64(42949672960001)) >> np.uint64(32)
    return at + digits, np.int64(word), digits
