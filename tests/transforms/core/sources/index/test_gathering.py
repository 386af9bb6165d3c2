"""Gathering from many buckets against Arrow's own `take` of all of them as one."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.core.sources.index.test_buckets import build
from transforms.core.base.errors import UsageError
from transforms.core.model.columns import list_of
from transforms.core.model.narratives.schemas import IMAGE, UTTERANCE
from transforms.core.sources.annotations.contents import TABLES
from transforms.core.sources.index.buckets import _coded_struct, expand_ranges
from transforms.core.sources.index.gathering import (
    CorruptBucketError,
    MappedColumn,
    MappedKeys,
    Ranges,
)
from transforms.core.sources.transcripts import TABLES as TRANSCRIPTS

_POINT = pa.struct([("x", pa.float32()), ("left", pa.bool_()), ("said", pa.int8())])
TYPES = [
    pa.int8(),
    pa.float64(),
    pa.bool_(),
    pa.string(),
    list_of(pa.string()),
    list_of(list_of(_POINT)),
    pa.struct([("texts", list_of(pa.string())), ("point", _POINT), ("flag", pa.bool_())]),
    *(_coded_struct(schema) for schema in TABLES.values()),
    *(_coded_struct(schema) for schema in TRANSCRIPTS.values()),
]


def values_of(type_):
    """Values of a type, nulls among them at every level."""
    if pa.types.is_boolean(type_):
        own = st.booleans()
    elif pa.types.is_integer(type_):
        own = st.integers(-128, 127)
    elif pa.types.is_floating(type_):
        own = st.floats(width=16, allow_nan=False)
    elif pa.types.is_string(type_):
        own = st.text(max_size=5)
    elif pa.types.is_list(type_):
        own = st.lists(values_of(type_.value_type), max_size=3)
    else:
        own = st.fixed_dictionaries({field.name: values_of(field.type) for field in type_})
    return st.one_of(st.none(), own)


def ranges_of(rows):
    """Ranges of a bucket's rows, empty ones among them."""
    pair = st.tuples(st.integers(0, rows), st.integers(0, rows)).map(sorted)
    return st.lists(pair, max_size=4)


@st.composite
def buckets_and_ranges(draw):
    type_ = draw(st.sampled_from(TYPES))
    buckets = draw(st.lists(st.lists(values_of(type_), max_size=9), min_size=1, max_size=4))
    drawn = [
        (number, *pair)
        for number, rows in enumerate(buckets)
        for pair in draw(ranges_of(len(rows)))
    ]
    return type_, buckets, draw(st.permutations(drawn))


def as_ranges(drawn):
    numbers, starts, ends = np.array(drawn, np.int64).reshape(-1, 3).T
    return Ranges(numbers, starts, ends - starts)


@settings(max_examples=100, deadline=None)
@given(buckets_and_ranges())
def test_rows_are_those_that_arrow_takes(case):
    type_, buckets, drawn = case
    arrays = [pa.array(rows, type_) for rows in buckets]
    mapped = MappedColumn.of(type_, len(arrays) + 1)
    for number, array in enumerate(arrays):
        mapped.add(number, array)
    ranges = as_ranges(drawn)
    found = mapped.take(ranges)
    found.validate(full=True)
    firsts = np.cumsum([0, *map(len, arrays)])[ranges.buckets]
    rows = expand_ranges(firsts + ranges.starts, ranges.lengths)
    assert found.equals(pa.concat_arrays(arrays).take(pa.array(rows, pa.int64())))


def test_what_was_never_added_holds_nothing():
    mapped = MappedColumn.of(IMAGE_ROWS.type, 3)
    mapped.add(1, IMAGE_ROWS)
    assert len(mapped.take(as_ranges([(0, 0, 0), (2, 0, 0)]))) == 0
    with pytest.raises(CorruptBucketError):
        mapped.take(as_ranges([(2, 0, 1)]))


IMAGE_ROWS = pa.array([{"url": "http://a"}, None], pa.struct([("url", pa.string())]))


@pytest.mark.parametrize("outside", [(0, -1, 1), (0, 2, 4), (0, 3, 4), (0, 3, 2), (1, 0, 1)])
def test_rows_outside_their_bucket_are_refused(outside):
    mapped = MappedColumn.of(pa.int32(), 2)
    mapped.add(0, pa.array([1, 2, 3], pa.int32()))
    with pytest.raises(CorruptBucketError) as caught:
        mapped.take(as_ranges([(0, 0, 3), outside]))
    assert caught.value.bucket == outside[0]


@pytest.mark.parametrize("offsets", [[0, 3, 1, 3], [0, 4, 4, 3], [0, -1, 2, 3]])
@pytest.mark.parametrize("of", [pa.string(), list_of(pa.int8())])
def test_offsets_that_cannot_be_are_refused(offsets, of):
    buffers = [None, pa.py_buffer(np.array(offsets, np.int32))]
    if pa.types.is_string(of):
        column = pa.Array.from_buffers(of, 3, [*buffers, pa.py_buffer(b"abc")])
    else:
        column = pa.Array.from_buffers(of, 3, buffers, children=[pa.array([1, 2, 3], pa.int8())])
    mapped = MappedColumn.of(of, 1)
    mapped.add(0, column)
    with pytest.raises(CorruptBucketError):
        mapped.take(as_ranges([(0, 0, 3)]))


@pytest.mark.parametrize("offsets", [[0, 3, 1, 3], [0, 4, 4, 3], [0, -1, 2, 3]])
def test_rows_of_keys_that_cannot_be_are_refused(offsets):
    keys = pa.array([b"a", b"b", b"c"], pa.binary(1))
    rows = pa.ListArray.from_arrays(pa.array([0, 1, 2, 3], pa.int32()), pa.array([1, 2, 3]))
    broken = pa.Array.from_buffers(
        rows.type, 3, [None, pa.py_buffer(np.array(offsets, np.int32))], children=[rows.values]
    )
    mapped = MappedKeys(1)
    mapped.add(0, keys, broken)
    wanted = np.frombuffer(b"abc", np.uint8).reshape(3, 1)
    with pytest.raises(CorruptBucketError):
        mapped.find(wanted, np.ones(3, np.int64), np.zeros(3, np.int64))


@pytest.mark.parametrize(
    "type_", [pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.list_(pa.int8(), 2)]
)
def test_types_that_no_index_has_are_refused(type_):
    with pytest.raises(TypeError, match="columns of an index are not of this type"):
        MappedColumn.of(list_of(type_), 1)


def test_every_table_of_an_index_can_be_gathered():
    for type_ in (*TYPES, IMAGE_WITHOUT_TERMS, UTTERANCE):
        assert len(MappedColumn.of(type_, 1).take(as_ranges([]))) == 0


IMAGE_WITHOUT_TERMS = pa.struct([f for f in IMAGE if not pa.types.is_dictionary(f.type)])


def test_a_slice_is_refused():
    with pytest.raises(ValueError, match="slice"):
        MappedColumn.of(pa.int32(), 1).add(0, pa.array([1, 2], pa.int32()).slice(1))


def test_a_corrupt_bucket_is_named_with_the_remedy(tmp_path):
    keys = [f"{i:016x}" for i in range(50)]
    index = build(tmp_path, [{"key": key, "x": 0.0} for key in keys], 1)
    (path,) = tmp_path.iterdir()
    data = path.read_bytes()
    offsets = np.arange(51, dtype=np.int32).tobytes()
    at = data.index(offsets)
    path.write_bytes(data[: at + 40] + b"\xff\xff\xff\x7f" + data[at + 44 :])
    with pytest.raises(UsageError, match=f"{path}: is missing or corrupt: .*rebuilds"):
        index.lookup(pa.array(keys))


def test_a_bucket_that_is_no_arrow_file_is_named(tmp_path):
    index = build(tmp_path, [{"key": "a", "x": 0.0}], 1)
    (path,) = tmp_path.iterdir()
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(UsageError, match=f"{path}: is missing or corrupt"):
        index.lookup(pa.array(["a"]))
