"""Values that differ, against Python's own comparison of any nested values."""

import math

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.versions.difference.comparing import differing, key_columns, row_keys

TYPES = {
    "words": (pa.string(), st.none() | st.sampled_from(["a", "b", ""])),
    "terms": (pa.dictionary(pa.int32(), pa.string()), st.none() | st.sampled_from(["a", "b"])),
    "counts": (pa.int64(), st.none() | st.integers(0, 2)),
    "numbers": (pa.float64(), st.none() | st.sampled_from([0.0, 1.5, math.nan])),
    "bytes": (pa.binary(), st.none() | st.sampled_from([b"", b"a"])),
    "truths": (pa.bool_(), st.none() | st.booleans()),
}
TYPES["lists"] = (pa.list_(pa.int64()), st.none() | st.lists(st.none() | st.integers(0, 1),
                                                             max_size=3))  # fmt: skip
TYPES["structs"] = (
    pa.struct([("x", pa.int64()), ("y", pa.list_(pa.string()))]),
    st.none() | st.fixed_dictionaries({"x": TYPES["counts"][1],
                                       "y": st.none() | st.lists(TYPES["words"][1], max_size=2)}),
)  # fmt: skip
TYPES["lists of structs"] = (
    pa.list_(TYPES["structs"][0]),
    st.none() | st.lists(TYPES["structs"][1], max_size=3),
)


def is_same(a, b):
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b):
        return True
    return a == b


@pytest.mark.parametrize("name", TYPES)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_values_differ_as_python_has_them(name, data):
    kind, values = TYPES[name]
    pairs = data.draw(st.lists(st.tuples(values, values), max_size=8))
    old, new = (pa.array([pair[side] for pair in pairs], kind) for side in (0, 1))
    expected = [not is_same(a, b) for a, b in pairs]
    assert differing(old, new).tolist() == expected
    # Also of arrays that begin inside others.
    if len(pairs) > 1:
        assert differing(old[1:], new[1:]).tolist() == expected[1:]
    assert differing(pa.chunked_array([old, old], kind), pa.chunked_array([new, new], kind)
                     ).tolist() == expected * 2  # fmt: skip


def test_values_of_other_types_are_compared_by_value():
    old, new = pa.array([1, 2, None], pa.int32()), pa.array([1.0, 3.0, None], pa.float64())
    assert differing(old, new).tolist() == [False, True, False]


def test_rows_with_the_same_key_are_numbered():
    table, seen = pa.table({"narrative_id": ["a", "b", "a"], "x": [1, 2, 3]}), {}
    assert row_keys(table, ["narrative_id"], seen) == [("a", 0), ("b", 0), ("a", 1)]
    assert row_keys(table[:1], ["narrative_id"], seen) == [("a", 2)]


def test_keys_of_tables():
    words = pa.schema([("dataset", pa.dictionary(pa.int32(), pa.string())), ("n", pa.int64())])
    assert key_columns("captions", words) == ["dataset"]
    assert key_columns("richness", words) == ["dataset"]
