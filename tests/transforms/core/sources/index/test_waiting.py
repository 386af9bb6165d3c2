"""Rows that wait in files give the same bytes as rows that go through the shuffle."""

import pathlib
import pickle
import tempfile

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.core.model.columns import TERM, list_of
from transforms.core.sources.index.buckets import (
    coded_schema,
    distinct_terms,
    plain_schema,
    term_columns,
)
from transforms.core.sources.index.records import fits_records, hex_digits, hex_numbers, record_type
from transforms.core.sources.index.waiting import InFiles, InShuffle
from transforms.core.sources.kinds import Part

FIXED = pa.schema([("source", TERM), ("x", pa.float64()), ("flag", pa.bool_()), ("class", TERM)])
RAGGED = pa.schema([("source", TERM), ("words", list_of(pa.string()))])
HEX = st.sampled_from(["00000000000000ff", "000002b66c9c498e", "ffffffffffffffff"])
OTHER = st.sampled_from(["FFFFFFFFFFFFFFFF", "137576", "000002b66c9c498é", "g" * 16])
TERMS = st.sampled_from(["machine", "verification", None])
COLUMNS = {
    "source": TERMS,
    "class": TERMS,
    "x": st.floats(allow_nan=False),
    "flag": st.sampled_from([True, False, None]),
    "words": st.one_of(st.none(), st.lists(st.text(max_size=3), max_size=3)),
}


def row_lists(schema, keys):
    columns = {"key": keys, **{name: COLUMNS[name] for name in schema.names}}
    return st.lists(st.lists(st.fixed_dictionaries(columns), max_size=12), max_size=4)


def parts_of(lists, schema, coded=True):
    """Parts, every second one with terms that its reader has coded."""
    for number, rows in enumerate(lists):
        batch = pa.RecordBatch.from_pylist(rows, schema=plain_schema(schema))
        if coded and number % 2:
            columns = [
                batch[name].dictionary_encode() if name in term_columns(schema) else batch[name]
                for name in batch.schema.names
            ]
            batch = pa.RecordBatch.from_arrays(columns, schema=coded_schema(schema))
        yield Part("table", (number // 2, number % 2), batch)


def build(waiting, parts, schema, buckets=4):
    """What a build does with a table, without Beam: the bytes of each bucket."""
    found = {column: set() for column in term_columns(schema)}
    pieces = {}
    for part in parts:
        for column, values in distinct_terms(part.rows, schema).items():
            found[column].update(values)
        for bucket, piece in waiting.keep(part.rows, part.place, schema, buckets):
            pieces.setdefault(bucket, []).append(piece)
    terms = {column: sorted(values) for column, values in found.items()}
    other = pickle.loads(pickle.dumps(waiting))  # a worker's own
    return {bucket: other.build(own[::-1], schema, terms) for bucket, own in pieces.items()}


def assert_same(lists, schema):
    parts = [part for part in parts_of(lists, schema) if len(part.rows)]
    plain = [part for part in parts_of(lists, schema, coded=False) if len(part.rows)]
    with tempfile.TemporaryDirectory() as folder:
        expected = build(InShuffle(), plain, schema)
        assert build(InFiles(folder), parts, schema) == expected
        assert build(InShuffle(), parts, schema) == expected


@settings(max_examples=100, deadline=None)
@given(row_lists(FIXED, HEX))
def test_rows_of_fixed_width(lists):
    assert_same(lists, FIXED)


@pytest.mark.long
@settings(max_examples=100, deadline=None)
@given(row_lists(FIXED, st.one_of(HEX, HEX, HEX, OTHER)))
def test_keys_of_any_form_beside_each_other(lists):
    assert_same(lists, FIXED)


@settings(max_examples=50, deadline=None)
@given(row_lists(RAGGED, HEX))
def test_rows_of_any_width(lists):
    assert_same(lists, RAGGED)


def test_missing_numbers_go_another_way():
    rows = [{"key": "0" * 16, "source": "a", "x": None, "flag": None, "class": None}]
    assert_same([rows, [{**rows[0], "x": 1.0}]], FIXED)


def test_a_part_that_comes_twice_has_files_of_its_own(tmp_path):
    rows = [{"key": "0" * 16, "source": "a", "x": 1.0, "flag": True, "class": "b"}]
    (part,) = parts_of([rows], FIXED)
    waiting = InFiles(str(tmp_path))
    first, second = (list(waiting.keep(part.rows, part.place, FIXED, 4)) for _ in range(2))
    terms = {"source": ["a"], "class": ["b"]}
    built = [waiting.build([piece], FIXED, terms) for ((_, piece),) in (first, second)]
    assert built[0] == built[1]
    assert len(list(tmp_path.iterdir())) == 4


def test_a_file_that_was_cut_is_an_error(tmp_path):
    rows = [{"key": "0" * 16, "source": "a", "x": 1.0, "flag": True, "class": "b"}]
    (part,) = parts_of([rows], FIXED)
    waiting = InFiles(str(tmp_path))
    ((_, piece),) = waiting.keep(part.rows, part.place, FIXED, 1)
    path = pathlib.Path(tmp_path, piece[2])
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(OSError, match="18 bytes at 0, not 19"):
        waiting.build([piece], FIXED, {"source": ["a"], "class": ["b"]})


@pytest.mark.parametrize(
    ("values", "width"), [(1, 1), (128, 1), (129, 2), (32_768, 2), (32_769, 4)]
)
def test_codes_are_as_narrow_as_there_are_terms(values, width):
    terms = {"source": pa.array(["a"]), "class": pa.array([str(n) for n in range(values)])}
    assert record_type(FIXED, terms).itemsize == 8 + 1 + 8 + 1 + width
    rows = [
        {"key": f"{n:016x}", "source": "a", "x": 1.0, "flag": None, "class": str(n)}
        for n in range(values)
    ]
    assert_same([rows, rows[-2:]], FIXED)


def test_tables_that_fit_records():
    assert fits_records(FIXED)
    assert not fits_records(RAGGED)


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1))
def test_hexadecimal_keys_as_numbers(numbers):
    texts = [f"{number:016x}".encode() for number in numbers]
    matrix = np.frombuffer(b"".join(texts), np.uint8).reshape(-1, 16)
    assert hex_numbers(matrix).tolist() == numbers
    assert hex_digits(np.array(numbers, np.uint64)).tolist() == texts
    assert sorted(texts) == [texts[at] for at in np.argsort(hex_numbers(matrix), kind="stable")]
