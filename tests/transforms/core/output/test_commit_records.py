"""Commit records: what they count, and that nothing is lost in writing them down."""

from collections import Counter

import msgspec
import pyarrow as pa
import pytest

from transforms.core.model.columns import numbers
from transforms.core.model.narratives.manifest import NarrativeCounts
from transforms.core.model.units import Unit
from transforms.core.output import commit_records
from transforms.core.output.commit_records import FileEntry
from transforms.core.output.jobs.narratives import NARRATIVES
from transforms.core.output.statistics.collection import Statistics
from transforms.core.output.statistics.narratives.richness import Richness

UNIT = Unit("/data/x.jsonl", "x", "fingerprint", 10, end=10, dataset="coco")


@pytest.fixture(scope="module")
def record(finished):
    files = [FileEntry("narratives", "units/k/a/narratives.parquet", 3, 400, 12345)]
    return commit_records.make_record(NARRATIVES, UNIT, finished, "attempt", files)


def test_a_record_comes_back_as_it_was(record):
    encoded = commit_records.encode_record(record)
    decoded = commit_records.decode_record(encoded)
    without = [msgspec.structs.replace(each, statistics={}) for each in (decoded, record)]
    assert without[0] == without[1]
    assert decoded.unit == UNIT
    assert commit_records.encode_record(decoded) == encoded


def test_a_record_that_was_damaged_is_not_taken(record):
    encoded = commit_records.encode_record(record)
    places = {*range(64), *range(0, len(encoded), 97), len(encoded) - 1}
    for at in places:
        flipped = bytearray(encoded)
        flipped[at] ^= 1
        with pytest.raises(commit_records.CorruptRecord):
            commit_records.decode_record(bytes(flipped))
    for size in {*range(8), len(encoded) // 2, len(encoded) - 1}:
        with pytest.raises(commit_records.CorruptRecord):
            commit_records.decode_record(encoded[:size])


def test_statistics_come_back_as_they_were(record, finished):
    decoded = commit_records.decode_record(commit_records.encode_record(record))
    unpacked = Statistics(NARRATIVES.statistics)
    unpacked.merge_packed(decoded.statistics)
    tables, expected = unpacked.to_tables(), NARRATIVES.measure_chunk(finished).to_tables()
    assert tables == expected
    assert sum(table.num_rows for table in tables.values()) > 100


def test_sums_of_squares_beyond_64_bits_come_back(finished):
    statistics, unpacked = NARRATIVES.measure_chunk(finished), Statistics(NARRATIVES.statistics)
    split, measures = next(iter(statistics[Richness].measures.items()))
    measures["trace_length"].squares = 3**80
    unpacked.merge_packed(msgspec.msgpack.decode(msgspec.msgpack.encode(statistics.pack())))
    assert unpacked[Richness].measures[split]["trace_length"].squares == 3**80


def test_counts_are_those_of_the_rows(finished):
    counts = NarrativeCounts.of(NARRATIVES.count_chunk(finished))
    assert counts.lines == finished.lines
    assert counts.narratives == finished["narratives"].num_rows
    assert counts.discarded_narratives == finished["discarded"].num_rows == 1
    assert counts.discarded == {"few_words": 1}
    assert counts.rejected == Counter(finished["rejected"]["code"].to_pylist())
    assert counts.bad == finished["rejected"].num_rows == 7
    assert counts.mentions == finished["mentions"].num_rows
    assert NARRATIVES.count_chunk(finished).conserved(NARRATIVES.accounted)
    no_trace = sum(not row["t"] for row in finished["narratives"]["trace"].to_pylist())
    assert counts.flags["no_trace"] == no_trace
    assert counts.flags["no_trace"] < len(numbers(finished["narratives"]["flags"]))


def test_mentions_in_images_without_boxes_are_counted(finished):
    status = dict(
        zip(
            finished["narratives"]["image_id"].to_pylist(),
            finished["narratives"]["boxes_status"].to_pylist(),
            strict=True,
        )
    )
    images = finished["mentions"]["image_id"].to_pylist()
    expected = sum(status[image] != "boxed" for image in images)
    assert (
        NarrativeCounts.of(NARRATIVES.count_chunk(finished)).mentions_without_boxes == expected > 0
    )


def test_boxes_that_cannot_be_used_are_counted(run_stages, sample_lines):
    chunk = run_stages(sample_lines[-2])
    boxes = chunk["narratives"]["boxes"].to_pylist()
    faults = ("zero_size_boxes", "inverted_boxes", "outside_boxes")
    before = [getattr(NarrativeCounts.of(NARRATIVES.count_chunk(chunk)), fault) for fault in faults]
    boxes[0][0]["x_max"] = boxes[0][0]["x_min"]
    boxes[0][1]["y_max"] = boxes[0][1]["y_min"]
    faulty = {"x_min": 0.5, "x_max": 0.25}, {"y_min": -1.5}, {"x_max": 1e15}
    good = {"x_min": 0.0, "x_max": 1.0, "y_min": 0.0, "y_max": 1.0}
    boxes[0] += [boxes[0][0] | good | edges for edges in faulty]
    odd = chunk.with_columns(
        "narratives", boxes=pa.array(boxes, chunk["narratives"].schema.field("boxes").type)
    )
    found = [getattr(NarrativeCounts.of(NARRATIVES.count_chunk(odd)), fault) for fault in faults]
    assert [after - number for number, after in zip(before, found, strict=True)] == [2, 1, 2]


def test_only_the_first_bad_lines_are_described(run_stages):
    record = commit_records.make_record(NARRATIVES, UNIT, run_stages(b"{\n" * 50), "a", [])
    assert len(record.bad_lines) == commit_records.SHOWN_REJECTS
    assert [bad.line_in_unit for bad in record.bad_lines[:3]] == [0, 1, 2]
    assert record.counts.bad == 50
