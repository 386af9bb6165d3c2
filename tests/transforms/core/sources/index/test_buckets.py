"""The bucketed index against plain dictionaries."""

import pathlib
import tempfile

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.core.model.columns import TERM, list_of
from transforms.core.sources.index.buckets import (
    BYTES_PER_BUCKET,
    MAX_KEY_BYTES,
    FixedKeys,
    TableIndex,
    bucket_count,
    build_bucket,
    compact_terms,
    describe_file,
    distinct_terms,
    expand_ranges,
    plain_schema,
    split_by_bucket,
)
from transforms.core.sources.index.manifest import TableManifest

SCHEMA = pa.schema([("source", TERM), ("x", pa.float64()), ("words", list_of(pa.string()))])
KEYS = st.one_of(
    st.sampled_from(["000002b66c9c498e", "000002b66c9c498f", "00", "000", "137576", "ADE_é_1"]),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1),
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "key": KEYS,
            "source": st.sampled_from(["machine", "verification", None]),
            "x": st.one_of(st.none(), st.floats(0, 1)),
            "words": st.one_of(st.none(), st.lists(st.text(max_size=3), max_size=3)),
        }
    ),
    max_size=40,
)


def to_batch(rows):
    return pa.RecordBatch.from_pylist(rows, schema=plain_schema(SCHEMA))


def build(folder, rows, buckets, pieces=3):
    """The whole way that rows go, without Beam."""
    cuts = np.linspace(0, len(rows), pieces + 1).astype(int)
    parts = {}
    for first, end in zip(cuts, cuts[1:], strict=False):
        for bucket, data in split_by_bucket(to_batch(rows[first:end]), buckets):
            parts.setdefault(bucket, []).append(data)
    terms = {"source": sorted(distinct_terms(to_batch(rows), SCHEMA)["source"])}
    files = []
    for bucket, datas in parts.items():
        data, n_rows, n_keys = build_bucket(datas, SCHEMA, terms)
        (pathlib.Path(folder) / f"{bucket}.arrow").write_bytes(data)
        files.append(describe_file(f"{bucket}.arrow", bucket, data, n_rows, n_keys))
    return TableIndex(str(folder), TableManifest(buckets, terms, files), SCHEMA)


def without_key(row):
    return {name: value for name, value in row.items() if name != "key"}


@settings(max_examples=150, deadline=None)
@given(ROWS, st.lists(st.one_of(KEYS, st.none()), max_size=12), st.sampled_from([1, 2, 8]))
def test_lookup_is_a_dictionary_of_lists(rows, others, buckets):
    expected = {}
    for row in rows:
        expected.setdefault(row["key"], []).append(without_key(row))
    keys = [*others, *expected, *others[:3]]
    with tempfile.TemporaryDirectory() as folder:
        index = build(folder, rows, buckets)
        offsets, found = index.lookup(pa.array(keys, pa.string()))
        first = index.first(pa.array(keys, pa.string())).to_pylist()
        everything = sorted(index.all_rows()[0])
    assert found.schema == SCHEMA
    assert len(offsets) == len(keys) + 1
    found = found.to_pylist()
    bounds = zip(offsets, offsets[1:], strict=False)
    assert [found[a:b] for a, b in bounds] == [expected.get(key, []) for key in keys]
    nothing = dict.fromkeys(SCHEMA.names)
    assert first == [expected.get(key, [nothing])[0] for key in keys]
    assert everything == sorted(row["key"] for row in rows)
    assert sum(file.keys for file in index.manifest.files) == len(expected)
    assert index.manifest.rows == len(rows)


@settings(max_examples=50, deadline=None)
@given(ROWS.filter(bool), st.integers(1, 7))
def test_a_buckets_bytes_do_not_depend_on_how_rows_came(rows, pieces):
    terms = {"source": sorted(distinct_terms(to_batch(rows), SCHEMA)["source"])}
    cuts = np.linspace(0, len(rows), pieces + 1).astype(int)
    parts = [
        data
        for first, end in zip(cuts, cuts[1:], strict=False)
        for _, data in split_by_bucket(to_batch(rows[first:end]), 1)
    ]
    whole = [data for _, data in split_by_bucket(to_batch(rows), 1)]
    assert build_bucket(parts, SCHEMA, terms) == build_bucket(whole, SCHEMA, terms)


def fnv1a(text):
    state = 2166136261
    for byte in text.encode():
        state = ((state ^ byte) * 16777619) % 2**32
    return state


@given(st.lists(KEYS, max_size=20), st.sampled_from([1, 2, 64, 1024]))
def test_the_hash_is_fnv_1a(keys, buckets):
    found = FixedKeys.of(pa.array(keys, pa.string())).buckets(buckets)
    assert found.tolist() == [fnv1a(key) % buckets for key in keys]


def test_published_values_of_the_hash():
    keys = FixedKeys.of(pa.array(["", "a", "foobar"]))
    assert keys.buckets(2**20).tolist() == [
        value % 2**20 for value in (0x811C9DC5, 0xE40C292C, 0xBF9CF968)
    ]


def test_slices_are_taken_as_they_are(tmp_path):
    rows = [{"key": key, "x": float(i)} for i, key in enumerate(["a", "b", "a", "c"])]
    index = build(tmp_path, rows, 2)
    keys = pa.array(["z", "b", None, "a", "c"]).slice(1, 3)
    offsets, found = index.lookup(keys)
    assert offsets.tolist() == [0, 1, 1, 3]
    assert found["x"].to_pylist() == [1.0, 0.0, 2.0]


def test_overlong_keys_are_not_found(tmp_path):
    index = build(tmp_path, [{"key": "k" * MAX_KEY_BYTES, "x": 1.0}], 4)
    keys = pa.array(["k" * MAX_KEY_BYTES, "k" * (MAX_KEY_BYTES + 1), "k" * 9999, ""])
    assert np.diff(index.lookup(keys)[0]).tolist() == [1, 0, 0, 0]


def test_files_are_mapped_when_they_are_needed(tmp_path):
    keys = [f"{i:016x}" for i in range(100)]
    index = build(tmp_path, [{"key": key, "x": 0.0} for key in keys], 4)
    for path in tmp_path.iterdir():
        path.rename(path.with_suffix(".away"))
    with pytest.raises(FileNotFoundError):
        index.lookup(pa.array(keys))
    for path in tmp_path.iterdir():
        path.rename(path.with_suffix(".arrow"))
    assert len(index.lookup(pa.array(keys))[1]) == 100


@pytest.mark.parametrize(
    ("size", "buckets"),
    [
        (0, 1),
        (BYTES_PER_BUCKET, 1),
        (BYTES_PER_BUCKET + 1, 2),
        (5 * BYTES_PER_BUCKET, 8),
        (10**15, 1024),
    ],
)
def test_bucket_count(size, buckets):
    assert bucket_count(size) == buckets


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5)), max_size=20))
def test_expand_ranges(ranges):
    starts, lengths = np.array(ranges, np.int64).reshape(-1, 2).T
    expected = [i for start, length in ranges for i in range(start, start + length)]
    assert expand_ranges(starts, lengths).tolist() == expected


@given(st.lists(st.one_of(st.none(), st.integers(0, 4)), max_size=20))
def test_compact_terms_keeps_values_and_drops_unused_terms(codes):
    column = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), list("abcde"))
    compacted = compact_terms(column)
    assert compacted.to_pylist() == column.to_pylist()
    assert compacted.dictionary.to_pylist() == sorted({"abcde"[c] for c in codes if c is not None})
