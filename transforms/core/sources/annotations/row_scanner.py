"""A compiled scanner of CSV rows: a block of lines straight into columns.

It takes blocks in the form in which Open Images' boxes and labels are published: keys of 16
hexadecimal digits in lower case, plain decimals of at most 15 digits, flags, printable ASCII
without a quote, no value left out. A block with anything else, good or bad, it leaves to the
general reader (decision 0029), so it never decides that a row is bad.

Bounds: the block is followed by `PADDING` zeros, which are part of no value, and nothing is read
past a byte that has not been looked at; a key's 16 bytes are fewer than the zeros. What is written
is bounded by the number of line ends.
"""

import enum
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from transforms.core.base.compiled import compiled, inlined
from transforms.core.base.lines import PADDING, Block
from transforms.core.sources.index.buckets import expand_ranges
from transforms.core.sources.narratives.machine_words import (
    WORD,
    pointer_to,
    trailing_zeros,
    word_at,
)

KEY_BYTES = 16

_LINE_END, _SPACE, _QUOTE, _COMMA, _MINUS, _POINT, _ZERO = 10, 32, 34, 44, 45, 46, 48
_MAX_DIGITS = 15  # so that mantissa and power of ten are exact as float64
_POWERS = 10 ** np.arange(_MAX_DIGITS + 1)
_SLOT_BITS = 16
_SLOTS = 1 << _SLOT_BITS
_MOST_TERMS = _SLOTS // 2
_MIXER = np.uint64(0x9E3779B97F4A7C15)
_ONES, _HIGH_BITS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_SPACES, _COMMAS, _QUOTES = (_ONES * np.uint64(byte) for byte in (_SPACE, _COMMA, _QUOTE))


class Field(enum.IntEnum):
    """What a column of a file holds; the values of `SKIPPED` are not kept."""

    SKIPPED = 0
    KEY = 1
    TERM = 2
    NUMBER = 3
    FLAG = 4


_SKIPPED, _KEY, _TERM, _NUMBER, _FLAG = (int(field) for field in Field)


def scan_rows(block: Block, fields: Sequence[Field]) -> list[pa.Array] | None:
    """The kept columns of a block's rows, None where any row is unusual.

    Args:
      block: Lines without a header.
      fields: What each column of the file holds.

    Returns:
      In the order of the file keys as strings, terms as dictionaries of those that occur in order
      of their first row, numbers as float64 and flags as int8, each of shape `(n_rows,)`.

    >>> fields = [Field.KEY, Field.TERM, Field.NUMBER]
    >>> key, term, number = scan_rows(Block.of(b"000002b66c9c498e,/m/01,0.5"), fields)
    >>> key[0].as_py(), term[0].as_py(), number[0].as_py()
    ('000002b66c9c498e', '/m/01', 0.5)
    >>> scan_rows(Block.of(b"000002b66c9c498e,/m/01,5e-1"), fields) is None
    True
    """
    rows = int(np.count_nonzero(block.data == _LINE_END)) + 1
    kinds = np.array(fields, np.int64)
    slots = np.array([fields[:at].count(field) for at, field in enumerate(fields)], np.int64)
    keys = np.empty((fields.count(Field.KEY), rows, KEY_BYTES), np.uint8)
    codes = np.empty((fields.count(Field.TERM), rows), np.int32)
    numbers = np.empty((fields.count(Field.NUMBER), rows))
    flags = np.empty((fields.count(Field.FLAG), rows), np.int8)
    terms = np.empty((len(codes), _MOST_TERMS, 4), np.uint64)
    n, counts = _scan(block.padded, kinds, slots, keys, codes, numbers, flags, terms)
    if n < 0:
        return None
    made = {
        Field.KEY: lambda slot: _fixed_texts(keys[slot, :n]),
        Field.TERM: lambda slot: pa.DictionaryArray.from_arrays(
            codes[slot, :n], _texts(block, terms[slot, : counts[slot], :2].astype(np.int64))
        ),
        Field.NUMBER: lambda slot: pa.array(numbers[slot, :n]),
        Field.FLAG: lambda slot: pa.array(flags[slot, :n]),
    }
    kept = [(field, slot) for field, slot in zip(fields, slots, strict=True) if field in made]
    return [made[field](slot) for field, slot in kept]


def _fixed_texts(matrix: np.ndarray) -> pa.StringArray:
    offsets = np.arange(len(matrix) + 1, dtype=np.int32) * np.int32(matrix.shape[1])
    return pa.StringArray.from_buffers(
        len(matrix), pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(matrix))
    )


def _texts(block: Block, bounds: np.ndarray) -> pa.StringArray:
    lengths = bounds[:, 1] - bounds[:, 0]
    offsets = np.r_[0, np.cumsum(lengths)].astype(np.int32)
    texts = block.data[expand_ranges(bounds[:, 0], lengths)]
    return pa.StringArray.from_buffers(len(lengths), pa.py_buffer(offsets), pa.py_buffer(texts))


@compiled
def _scan(padded, kinds, slots, keys, codes, numbers, flags, terms):  # noqa: PLR0913
    """Number of rows, -1 where one is unusual, and of terms by column."""
    data, size = pointer_to(padded), len(padded) - PADDING
    table = np.full((len(codes), _SLOTS), -1, np.int32)
    counts = np.zeros(len(codes), np.int64)
    n = at = 0
    while at < size:
        if n == codes.shape[1]:
            return -1, counts
        for f in range(len(kinds)):
            kind, slot = kinds[f], slots[f]
            if kind == _TERM:
                at, code, ok = _term(data, at, table, terms, slot, counts[slot])
                codes[slot, n] = code
                counts[slot] = max(counts[slot], code + 1)
            elif kind == _NUMBER:
                at, numbers[slot, n], ok = _decimal(data, at)
            elif kind == _FLAG:
                at, flags[slot, n], ok = _flag(data, at)
            elif kind == _KEY:
                at, ok = _key(data, at, keys, slot, n)
            else:
                at, ok = _behind_text(data, at), True
            ends = f == len(kinds) - 1
            ok &= (data[at] == (_LINE_END if ends else _COMMA)) | (ends & (at == size))
            if not ok:
                return -1, counts
            at += 1
        n += 1
    return n, counts


@inlined
def _behind_text(data, at):
    length = _length(word_at(data, at))
    while length == WORD:
        at += WORD
        length = _length(word_at(data, at))
    return at + length


@inlined
def _length(word):
    """Bytes of a word before its first comma, quote, control character or byte beyond ASCII.

    A test for bytes below or equal to a value is wrong only above the first such byte, so the
    lowest hit of all tests is right (S. Anderson, "Bit Twiddling Hacks").
    """
    commas, quotes = word ^ _COMMAS, word ^ _QUOTES
    hits = ((commas - _ONES) & ~commas) | ((quotes - _ONES) & ~quotes) | ((word - _SPACES) & ~word)
    return trailing_zeros((hits | word) & _HIGH_BITS) >> 3


@inlined
def _key(data, at, keys, slot, n):
    ok = True
    for k in range(KEY_BYTES):
        digit = data[at + k]
        ok &= ((_ZERO <= digit) & (digit < _ZERO + 10)) | ((97 <= digit) & (digit < 103))
        keys[slot, n, k] = digit
    return at + KEY_BYTES, ok


@inlined
def _flag(data, at):
    """`0`, `1` or `-1`."""
    negative = data[at] == _MINUS
    at += np.int64(negative)
    value = np.int64(data[at]) - _ZERO
    ok = (value == 1) | ((value == 0) & (not negative))
    return at + 1, (-value if negative else value), ok


@inlined
def _decimal(data, at):
    """A plain decimal; mantissa and power of ten are exact, so their quotient is rounded once."""
    negative = data[at] == _MINUS
    at += np.int64(negative)
    at, mantissa, digits = _digits(data, at, np.int64(0))
    ok = (digits == 1) | ((digits > 1) & (data[at - digits] != _ZERO))
    decimals = np.int64(0)
    if data[at] == _POINT:
        at, mantissa, decimals = _digits(data, at + 1, mantissa)
        ok &= decimals > 0
    ok &= digits + decimals <= _MAX_DIGITS
    value = mantissa / _POWERS[min(decimals, _MAX_DIGITS)]  # type: ignore[call-overload]
    return at, (-value if negative else value), ok


@inlined
def _digits(data, at, value):
    first = at
    digit = np.int64(data[at]) - _ZERO
    while 0 <= digit <= 9:
        value = value * 10 + digit
        at += 1
        digit = np.int64(data[at]) - _ZERO
    return at, value, at - first


@inlined
def _term(data, at, table, terms, slot, count):
    """Behind a text, its code (`count` where it is new), and whether it is one.

    A known text is told by its first two words, which lie beside each other, and if it is longer
    by its first occurrence in the block. (Slices of arrays would be counted as references.)
    """
    start = at
    first = word_at(data, at)
    length = _length(first)
    first, second = _cut(first, length), np.uint64(0)
    at += length
    if length == WORD:
        second = word_at(data, at)
        length = _length(second)
        second = _cut(second, length)
        at += length
        if length == WORD:
            at = _behind_text(data, at)
    state = (first ^ (second * _MIXER)) * _MIXER
    place = np.int64((state ^ np.uint64(at - start)) >> np.uint64(64 - _SLOT_BITS))
    code = np.int64(table[slot, place])
    while code >= 0 and not (
        terms[slot, code, 2] == first
        and terms[slot, code, 3] == second
        and _is_same(data, start, at, terms[slot, code, 0], terms[slot, code, 1])
    ):
        place = (place + 1) & (_SLOTS - 1)
        code = np.int64(table[slot, place])
    ok = at > start
    if code < 0:
        ok &= count < _MOST_TERMS
        code = min(count, np.int64(_MOST_TERMS - 1))
        table[slot, place] = code
        terms[slot, code, 0], terms[slot, code, 1] = start, at
        terms[slot, code, 2], terms[slot, code, 3] = first, second
    return at, code, ok


@inlined
def _cut(word, length):
    """The first bytes of a word, zeros behind them."""
    if length == WORD:
        return word
    return word & ((np.uint64(1) << np.uint64(8 * length)) - np.uint64(1))


@inlined
def _is_same(data, start, end, other, other_end):
    """Whether a text is one with the same first two words."""
    length = end - start
    same = np.int64(other_end) - np.int64(other) == length
    k = np.int64(2 * WORD)
    while same and k < length:
        same = data[start + k] == data[np.int64(other) + k]
        k += 1
    return same
