"""Statistics: the same whatever the split of the narratives and the order of merging."""

import dataclasses
import itertools
import json
import math
import random
from collections import Counter

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reference import richness as reference
from transforms.core.model.narratives.schemas import MEASURES
from transforms.core.output.jobs.narratives import NARRATIVES
from transforms.core.output.statistics.collection import Statistics
from transforms.core.output.statistics.moments import Moments
from transforms.core.output.statistics.narratives.localization import HistogramCounts
from transforms.core.output.statistics.narratives.richness import Richness
from transforms.core.output.statistics.statistic import Statistic, StatisticsTable


def rows_of(merged):
    """Every row of every table, floats by their bits: what has to be byte-identical."""
    tables = merged.to_tables()
    return {name: json.dumps(table.to_pylist()) for name, table in tables.items()}


def measure_all(chunks):
    return [NARRATIVES.measure_chunk(chunk) for chunk in chunks]


def copied(one):
    """A copy, through the form in which records keep statistics."""
    copy = Statistics(NARRATIVES.statistics)
    copy.merge_packed(msgspec.msgpack.decode(msgspec.msgpack.encode(one.pack())))
    return copy


def merged(parts, compact=False):
    """The parts merged one after the other into a new one."""
    result = Statistics(NARRATIVES.statistics)
    for part in parts:
        result.merge(copied(part))
        if compact:
            result.compact()
    return result


@pytest.fixture(scope="module")
def whole(finished):
    return rows_of(NARRATIVES.measure_chunk(finished))


def test_any_split_merged_in_any_order_gives_identical_tables(pieces, whole):
    parts = measure_all(pieces)
    for seed in range(6):
        random.Random(seed).shuffle(parts)
        assert rows_of(merged(parts)) == whole
        assert rows_of(merged(parts, compact=True)) == whole


def test_merging_is_associative(pieces, whole):
    parts = measure_all(pieces)
    for at in range(1, len(parts)):
        left, right = merged(parts[:at]), merged(parts[at:], compact=True)
        left.compact()
        assert rows_of(merged([left, right])) == whole
        assert rows_of(merged([right, left])) == whole


def test_merging_leaves_the_other_as_it_was(pieces):
    parts = measure_all(pieces)
    before = [rows_of(copied(part)) for part in parts]
    result = Statistics(NARRATIVES.statistics)
    for part in parts:
        result.merge(part)
    result.merge(parts[0])
    assert [rows_of(part) for part in parts] == before


def test_nothing_merges_with_anything(finished, whole):
    assert (
        rows_of(
            merged(
                [
                    Statistics(NARRATIVES.statistics),
                    NARRATIVES.measure_chunk(finished),
                    Statistics(NARRATIVES.statistics),
                ]
            )
        )
        == whole
    )
    assert all(
        json.loads(rows) == [] for rows in rows_of(Statistics(NARRATIVES.statistics)).values()
    )


# The same three ways for the accumulators alone: add only, merge, merge and compact.
integers = st.lists(st.integers(-(2**62), 2**62), max_size=8)


@given(st.lists(integers, max_size=4))
def test_moments_of_parts_are_those_of_the_whole(parts):
    added, merged_moments = Moments(), Moments()
    added.update(itertools.chain(*parts))
    for part in parts:
        moments = Moments()
        moments.update(part)
        merged_moments.merge(moments)
    assert merged_moments == added
    values = [value for part in parts for value in part]
    assert (added.count, added.total) == (len(values), sum(values))
    assert added.squares == sum(value**2 for value in values)


@given(st.lists(st.integers(-(10**9), 10**9), max_size=10), st.sampled_from([1, 1000, 10**6]))
def test_moments_are_described_as_by_the_reference(values, scale):
    moments = Moments()
    moments.update(values)
    expected = reference.summarise(values, 1)
    if not values:
        assert moments.describe(scale) == expected == (None, None, None)
        return
    found = moments.describe(scale)
    assert found[0] == sum(values) / scale
    assert found[1:] == pytest.approx([value / scale for value in expected[1:]], rel=1e-15)


binned = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 5)), max_size=10)


@given(st.lists(binned, max_size=4))
def test_histograms_of_parts_are_those_of_the_whole(parts):
    expected = {}
    merged_histogram, compacted = HistogramCounts(), HistogramCounts()
    for part in parts:
        histogram = HistogramCounts(*np.array(part, np.int64).reshape(-1, 2).T)
        merged_histogram.merge(histogram)
        compacted.merge(histogram)
        compacted.compact()
        for place, number in part:
            expected[place] = expected.get(place, 0) + number
    merged_histogram.compact()
    for histogram in (merged_histogram, compacted):
        found = zip(histogram.bins.tolist(), histogram.points.tolist(), strict=True)
        assert list(found) == sorted(expected.items())


def test_a_histogram_of_many_batches_stays_small():
    histogram = HistogramCounts()
    batch = HistogramCounts(np.arange(22_500), np.ones(22_500, np.int64))
    for _ in range(10):
        histogram.merge(batch)
    assert len(histogram.bins) <= 3 * 22_500
    histogram.compact()
    assert histogram.points.tolist() == [10] * 22_500


def test_images_and_repeated_keys_by_hand():
    one = Richness()
    one.narratives["coco", None] = Counter({"a/1": 2, "a/2": 1, "b/c/1": 1})
    assert one.images(("coco", None)) == {"a": 3, "b/c": 1}
    assert one.repeated_keys() == [
        {"dataset": "coco", "split": None, "key": "a/1", "narratives": 2}
    ]


def test_sums_of_scaled_measures_are_exact(finished):
    """Each value is rounded to its scale once, so that the sum is one of integers."""
    for measures in NARRATIVES.measure_chunk(finished)[Richness].measures.values():
        for name, scale in MEASURES.items():
            if name in measures and measures[name].count:
                total, mean, deviation = measures[name].describe(scale)
                assert total == measures[name].total / scale
                assert math.isclose(mean * measures[name].count, total, rel_tol=1e-14)
                assert deviation >= 0


class AnnotatorCounts(Statistic):
    """A statistic from outside: narratives by annotator, one class and an entry of a list."""

    name = "annotators"
    tables = {
        "annotators": StatisticsTable(
            pa.schema([("annotator_id", pa.int64()), ("narratives", pa.int64())]), "an annotator"
        )
    }

    def __init__(self, counts=()):
        self.counts = Counter(dict(counts))

    def add(self, chunk):
        self.counts.update(chunk["narratives"]["annotator_id"].to_pylist())

    def merge(self, other):
        self.counts.update(other.counts)

    def pack(self):
        return sorted(self.counts.items())

    @classmethod
    def unpack(cls, packed):
        return cls(packed)

    def to_tables(self):
        rows = [{"annotator_id": who, "narratives": n} for who, n in sorted(self.counts.items())]
        schema = self.tables["annotators"].schema
        return {"annotators": pa.Table.from_pylist(rows, schema=schema)}


def test_a_statistic_from_outside_is_one_class_and_an_entry_of_a_list(pieces, finished, whole):
    job = dataclasses.replace(NARRATIVES, statistics=(*NARRATIVES.statistics, AnnotatorCounts))
    merged_all = Statistics(job.statistics)
    for piece in pieces:
        packed = job.measure_chunk(piece).pack()
        merged_all.merge_packed(msgspec.msgpack.decode(msgspec.msgpack.encode(packed)))
    tables = merged_all.to_tables()
    expected = Counter(finished["narratives"]["annotator_id"].to_pylist())
    found = {row["annotator_id"]: row["narratives"] for row in tables["annotators"].to_pylist()}
    assert found == expected and len(found) > 1
    assert {*tables} == {*job.statistics_tables} == {*whole, "annotators"}
    assert job.all_meanings["annotators"] == "an annotator"


@pytest.mark.parametrize("kind", NARRATIVES.statistics)
def test_tables_are_those_that_a_statistic_names(finished, kind):
    made = dataclasses.replace(NARRATIVES, statistics=[kind]).measure_chunk(finished).to_tables()
    assert {name: table.schema for name, table in made.items()} == {
        name: table.schema for name, table in kind.tables.items()
    }


def test_a_statistic_that_an_older_program_did_not_know_makes_no_table(pieces):
    first, second = (part.pack() for part in measure_all(pieces)[:2])
    del second["distances"]
    result = Statistics(NARRATIVES.statistics)
    result.merge_packed(first)
    result.merge_packed(second)
    tables = NARRATIVES.statistics_tables.keys() - {"distances"}
    assert result.to_tables().keys() == tables and "distances" not in result.pack()
