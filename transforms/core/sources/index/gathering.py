"""Rows gathered from many mapped buckets at once, by kernels that are called once a column.

A column of a table is in as many pieces as there are buckets. Here it is one array of addresses a
buffer of Arrow's layout: a lookup's cost is that of its keys and rows, however many buckets they
are in. Rows are asked for as ranges, of which each is in one bucket.
"""

import abc

import msgspec
import numpy as np
import pyarrow as pa

from transforms.core.base.compiled import compiled
from transforms.core.sources.index.mapped_memory import byte_of, copy_bytes, int32_of

_MAX_OFFSET = 2**31 - 1
_Parts = tuple[list[pa.Buffer], list[pa.Array]]


class CorruptBucketError(ValueError):
    """What a bucket's file says about itself is not so.

    Attributes:
      bucket: Its number.
    """

    def __init__(self, bucket: int) -> None:
        super().__init__(f"bucket {bucket} is corrupt")
        self.bucket = bucket


class Ranges(msgspec.Struct):
    """Rows of buckets, all arrays of shape `(n_ranges,)` int64.

    Attributes:
      buckets: Of each range, the number of its bucket.
      starts: Its first row there.
      lengths: Its rows; where there are none, the others say nothing.
    """

    buckets: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray

    @property
    def rows(self) -> int:
        """Rows in all of them."""
        return int(self.lengths.sum())


class MappedKeys:
    """The sorted keys of buckets, and where the rows of each key begin."""

    def __init__(self, buckets: int) -> None:
        self._keys = np.zeros((buckets, 3), np.int64)  # address, width and number of them
        self._rows = np.zeros((buckets, 2), np.int64)  # address of their offsets, number of them

    def add(self, bucket: int, keys: pa.FixedSizeBinaryArray, rows: pa.ListArray) -> None:
        """Takes a bucket in. The arrays must be kept."""
        self._keys[bucket] = _address(keys, 1), keys.type.byte_width, len(keys)
        self._rows[bucket] = _address(rows, 1), len(rows.values)

    def find(self, matrix: np.ndarray, lengths: np.ndarray, buckets: np.ndarray) -> Ranges:
        """The rows of each key, none of one that is not there.

        Args:
          matrix: Shape `(n_keys, width)` uint8: the keys' bytes.
          lengths: Shape `(n_keys,)`: how many each has; a key of none is never there.
          buckets: Shape `(n_keys,)`: in which bucket each would be, which may not be taken in.

        Raises:
          CorruptBucketError: The rows of a key are not those of its bucket.
        """
        found = Ranges(buckets, np.zeros_like(buckets), np.zeros_like(buckets))
        positions = _search(self._keys, matrix, lengths, buckets)
        _check(_rows_of_keys(self._rows, positions, buckets, found.starts, found.lengths))
        return found


class MappedColumn(abc.ABC):
    """A column, or a part of a nested one, in all buckets: where its buffers are in memory."""

    def __init__(self, type_: pa.DataType, buckets: int) -> None:
        self._type = type_
        self._sizes = np.zeros(buckets, np.int64)
        self._validity = np.zeros(buckets, np.int64)  # addresses, 0 where nothing is null
        self._data = np.zeros(buckets, np.int64)

    @staticmethod
    def of(type_: pa.DataType, buckets: int) -> "MappedColumn":
        """A column of numbers, bools, strings, or lists or structs of such.

        Raises:
          TypeError: It is of another type, which no index has.
        """
        for is_such, kind in _KINDS:
            if is_such(type_):
                return kind(type_, buckets)
        raise TypeError(f"{type_}: columns of an index are not of this type")

    def add(self, bucket: int, column: pa.Array) -> None:
        """Takes a bucket's column in. The array must be kept."""
        self._validity[bucket] = _address(column, 0) if column.null_count else 0
        self._sizes[bucket] = len(column)
        self._add_contents(bucket, column)

    def take(self, ranges: Ranges) -> pa.Array:
        """The rows of ranges, one range after the other.

        Raises:
          CorruptBucketError: A range is not in its bucket.
          OverflowError: Lists or strings are longer than Arrow's offsets reach.
        """
        _check(_first_outside(self._sizes, ranges.buckets, ranges.starts, ranges.lengths))
        validity = self._bits(self._validity, ranges) if self._validity.any() else None
        buffers, children = self._contents(ranges)
        return pa.Array.from_buffers(
            self._type, ranges.rows, [validity, *buffers], children=children
        )

    def _bits(self, addresses: np.ndarray, ranges: Ranges) -> pa.Buffer:
        bits = np.zeros(-(-ranges.rows // 8), np.uint8)
        _take_bits(addresses, ranges.buckets, ranges.starts, ranges.lengths, bits)
        return pa.py_buffer(bits)

    @abc.abstractmethod
    def _add_contents(self, bucket: int, column: pa.Array) -> None: ...

    @abc.abstractmethod
    def _contents(self, ranges: Ranges) -> _Parts:
        """Buffers after the first, and children."""


class _Values(MappedColumn):
    """Values of a fixed width."""

    def _add_contents(self, bucket: int, column: pa.Array) -> None:
        self._data[bucket] = _address(column, 1)

    def _contents(self, ranges: Ranges) -> _Parts:
        width = self._type.bit_width // 8
        data = np.empty(ranges.rows * width, np.uint8)
        _take_values(self._data, width, ranges.buckets, ranges.starts, ranges.lengths, data)
        return [pa.py_buffer(data)], []


class _Bools(_Values):
    def _contents(self, ranges: Ranges) -> _Parts:
        return [self._bits(self._data, ranges)], []


class _Lists(MappedColumn):
    """Lists, which lie in their child from one offset to the next."""

    def __init__(self, type_: pa.DataType, buckets: int) -> None:
        super().__init__(type_, buckets)
        self._child = MappedColumn.of(_type_of_child(type_), buckets)

    def _add_contents(self, bucket: int, column: pa.Array) -> None:
        self._data[bucket] = _address(column, 1)
        self._child.add(bucket, _child_of(column))

    def _contents(self, ranges: Ranges) -> _Parts:
        offsets, inner = self._inner(ranges)
        return [pa.py_buffer(offsets)], [self._child.take(inner)]

    def _inner(self, ranges: Ranges) -> tuple[np.ndarray, Ranges]:
        """Offsets of the rows that are taken, and the ranges of the child."""
        offsets = np.zeros(ranges.rows + 1, np.int64)
        inner = Ranges(ranges.buckets, np.zeros_like(ranges.starts), np.zeros_like(ranges.starts))
        _check(
            _take_offsets(
                self._data,
                ranges.buckets,
                ranges.starts,
                ranges.lengths,
                offsets,
                inner.starts,
                inner.lengths,
            )
        )
        if offsets[-1] > _MAX_OFFSET:
            raise OverflowError(f"{offsets[-1]:,} values of a column: look up fewer keys at once")
        return offsets.astype(np.int32), inner


class _Texts(_Lists):
    """Strings: lists of bytes that are a buffer, not a child."""

    def _contents(self, ranges: Ranges) -> _Parts:
        (offsets,), (data,) = super()._contents(ranges)
        return [offsets, data.buffers()[1]], []


class _Structs(MappedColumn):
    def __init__(self, type_: pa.StructType, buckets: int) -> None:
        super().__init__(type_, buckets)
        self._children = [MappedColumn.of(field.type, buckets) for field in type_]

    def _add_contents(self, bucket: int, column: pa.StructArray) -> None:
        for number, child in enumerate(self._children):
            child.add(bucket, column.field(number))

    def _contents(self, ranges: Ranges) -> _Parts:
        return [], [child.take(ranges) for child in self._children]


_KINDS = (
    (pa.types.is_boolean, _Bools),
    (pa.types.is_primitive, _Values),
    (pa.types.is_string, _Texts),
    (pa.types.is_list, _Lists),
    (pa.types.is_struct, _Structs),
)


def _type_of_child(type_: pa.DataType) -> pa.DataType:
    return pa.uint8() if pa.types.is_string(type_) else type_.value_type


def _child_of(column: pa.Array) -> pa.Array:
    if not pa.types.is_string(column.type):
        return column.values
    data = column.buffers()[2]
    return pa.Array.from_buffers(pa.uint8(), data.size if data else 0, [None, data])


def _address(column: pa.Array, number: int) -> int:
    """Where a buffer is in memory, 0 for one that is not there; of arrays as files hold them."""
    if column.offset:
        raise ValueError("the column is a slice")
    buffer = column.buffers()[number]
    return buffer.address if buffer is not None else 0


def _check(corrupt: int) -> None:
    """Refuses what a kernel found: the number of a bucket, or -1."""
    if corrupt >= 0:
        raise CorruptBucketError(corrupt)


@compiled
def _search(places, matrix, lengths, buckets):
    """Where each key is in its bucket, -1 where it is not.

    All keys are searched at once, a step each in turn: what they read is far apart, and a processor
    waits for many reads in the time that it waits for one.
    """
    low = np.zeros(len(buckets), np.int64)
    left = places[buckets, 2]
    for i in range(len(buckets)):
        if lengths[i] == 0 or lengths[i] > places[buckets[i], 1]:
            left[i] = 0
    while left.max() > 1 if len(left) else False:
        for i in range(len(buckets)):
            half = left[i] // 2
            if half:
                address, width = places[buckets[i], 0], places[buckets[i], 1]
                order = _compare(address + (low[i] + half) * width, width, matrix[i], lengths[i])
                low[i] += half if order <= 0 else 0
                left[i] -= half
    for i in range(len(buckets)):
        address, width = places[buckets[i], 0], places[buckets[i], 1]
        if left[i] == 0 or _compare(address + low[i] * width, width, matrix[i], lengths[i]) != 0:
            low[i] = -1
    return low


@compiled
def _compare(address, width, key, length):
    """Below, at or above 0, as the bytes at an address are below, equal to or above a key."""
    for k in range(width):
        byte = np.int64(byte_of(address + k))
        order = byte - (np.int64(key[k]) if k < length else 0)
        if order != 0:
            return order
    return 0


@compiled
def _rows_of_keys(places, positions, buckets, starts, lengths):
    """Fills in the rows of keys at positions; gives a bucket in which they cannot be, or -1."""
    for i in range(len(positions)):
        if positions[i] >= 0:
            offsets, rows = places[buckets[i]]
            start = np.int64(int32_of(offsets + 4 * positions[i]))
            end = np.int64(int32_of(offsets + 4 * positions[i] + 4))
            if not 0 <= start <= end <= rows:
                return buckets[i]
            starts[i], lengths[i] = start, end - start
    return -1


@compiled
def _first_outside(sizes, buckets, starts, lengths):
    """A bucket of which a range asks for rows that it does not have, or -1."""
    for i in range(len(lengths)):
        if lengths[i] < 0 or (lengths[i] > 0 and starts[i] < 0):
            return buckets[i]
        if lengths[i] > 0 and starts[i] + lengths[i] > sizes[buckets[i]]:
            return buckets[i]
    return -1


@compiled
def _take_values(addresses, width, buckets, starts, lengths, data):
    at = 0
    for i in range(len(lengths)):
        count = lengths[i] * width
        if count > 0:
            copy_bytes(data, at, addresses[buckets[i]] + starts[i] * width, count)
            at += count


@compiled
def _take_bits(addresses, buckets, starts, lengths, bits):
    """Ones from buckets without such a buffer."""
    at = 0
    for i in range(len(lengths)):
        address = addresses[buckets[i]]
        for row in range(starts[i], starts[i] + lengths[i]):
            bit = 1 if address == 0 else (byte_of(address + (row >> 3)) >> (row & 7)) & 1
            bits[at >> 3] |= bit << (at & 7)
            at += 1


@compiled
def _take_offsets(addresses, buckets, starts, lengths, offsets, inner_starts, inner_lengths):
    """Fills in offsets from 0 on, and the ranges between them; as `_rows_of_keys`."""
    at = 0
    for i in range(len(lengths)):
        if lengths[i] > 0:
            address = addresses[buckets[i]] + 4 * starts[i]
            first = before = np.int64(int32_of(address))
            base = offsets[at]
            for k in range(1, lengths[i] + 1):
                end = np.int64(int32_of(address + 4 * k))
                if end < before:
                    return buckets[i]
                at += 1
                offsets[at] = base + end - first
                before = end
            inner_starts[i], inner_lengths[i] = first, before - first
    return -1
