"""Measures of odd narratives: what is not sensible is unknown, and flagged."""

import dataclasses
import json
from collections import Counter

import msgspec
import pyarrow as pa
import pytest

from tests.reference import richness as reference
from transforms.core.model.columns import list_of, numbers
from transforms.core.model.narratives import flags, schemas
from transforms.core.output.jobs.narratives import NARRATIVES
from transforms.core.output.statistics.collection import Statistics
from transforms.core.output.statistics.moments import Moments
from transforms.core.output.statistics.narratives.noun_counts import NounCounts
from transforms.core.output.statistics.narratives.richness import Richness
from transforms.core.stages.measure import measures
from transforms.core.stages.measure.measure_richness import measure_richness
from transforms.core.stages.measure.measures import measured_values
from transforms.core.stages.measure.taggers import MOST_CHARACTERS

CAPTION = "A big dog sits here."


def line(start, end, caption=CAPTION, **more):
    utterance = {"utterance": caption, "start_time": start, "end_time": end}
    record = {
        "dataset_id": "coco_val",
        "image_id": "1",
        "annotator_id": 1,
        "caption": caption,
        "timed_caption": [utterance],
        "traces": [[{"x": 0.5, "y": 0.5, "t": 0.1}, {"x": 0.5, "y": 0.75, "t": 0.2}]],
        "voice_recording": "coco_val/1_1.ogg",
    }
    return json.dumps(record | more).encode() + b"\n"


SPANS = {
    (1, 0): None,
    (1, 1): None,
    (0.3, 0.30000000000000004): None,
    (0, 0.0499): None,
    (0, 0.05): 50,
    (0, 2): 2000,
}
"""Start and end of the only utterance, and the milliseconds that count."""


@pytest.mark.parametrize("span", SPANS)
def test_a_narration_too_short_is_not_measured_but_flagged(run_stages, span):
    chunk = run_stages(line(*span))
    found = measured_values(chunk["narratives"])
    assert found["narration_seconds"].tolist() == [SPANS[span]]
    expected = reference.measures_of({"words": 5}, [("", *span)], [])["words_per_second"]
    rate = None if expected is None else round(expected * 1_000_000)
    assert found["words_per_second"].tolist() == [rate]
    flagged = NARRATIVES.count(chunk)["flags"].get("narration_too_short", 0)
    assert flagged == (SPANS[span] is None)


def test_what_is_not_measured_enters_no_mean(run_stages):
    chunk = run_stages(b"".join(line(*span) for span in SPANS))
    (row,) = NARRATIVES.measure_chunk(chunk).to_tables()["richness"].to_pylist()
    assert (row["captions"], row["words_mean"]) == (6, 5)
    assert row["narration_seconds_sum"] == 2.05
    assert row["narration_seconds_mean"] == 1.025
    assert row["words_per_second_sum"] == 5 / 0.05 + 5 / 2
    assert NARRATIVES.count(chunk)["flags"]["narration_too_short"] == 4


def test_a_caption_beyond_the_limit_is_left_untagged(run_stages):
    """Over 1,000,000 characters spaCy ends with an error; the others are tagged as ever."""
    edge = "a b c d " + "x" * (MOST_CHARACTERS - 8)
    captions = [CAPTION, "dog " * 300_000, edge, edge + "x", CAPTION]
    chunk = run_stages(b"".join(line(0, 2, caption) for caption in captions))
    rows = chunk["narratives"]["richness"].to_pylist()
    assert [row and row["words"] for row in rows] == [5, None, 5, None, 5]
    long = flags.names(numbers(chunk["narratives"]["flags"])).to_pylist()
    assert ["caption_too_long" in own for own in long] == [False, True, False, True, False]
    (row,) = NARRATIVES.measure_chunk(chunk).to_tables()["richness"].to_pylist()
    assert (row["captions"], row["words_sum"], row["words_mean"]) == (5, 15, 5)
    assert (
        sum(NARRATIVES.measure_chunk(chunk)[NounCounts].counts["coco", "validation"].values()) == 3
    )


@pytest.mark.parametrize("far", [1e10, 1e155, 1e308])
def test_a_length_beyond_any_sense_is_unknown(run_stages, far):
    """Whatever lets such points through: sums stay finite and a record can be written."""
    chunk = run_stages(line(0, 2) * 2)
    trace = {"x": [[far, -far], [0.5, 0.5]], "y": [[0.0, 0.0], [0.5, 0.75]], "t": [[0, 1], [0, 1]]}
    columns = [pa.array(trace[axis], list_of(pa.float64())) for axis in "xyt"]
    odd = chunk.with_columns(
        "narratives", trace=pa.StructArray.from_arrays(columns, fields=list(schemas.TRACE))
    )
    assert measured_values(odd["narratives"])["trace_length"].tolist() == [None, 250_000]
    (row,) = NARRATIVES.measure_chunk(odd).to_tables()["richness"].to_pylist()
    assert row["trace_length_sum"] == 0.25


def test_sums_of_more_narratives_than_64_bits_hold():
    one = Statistics(NARRATIVES.statistics)
    moments = one[Richness].measures["coco", None] = {
        name: Moments(10**9, 10**9 * measures.MOST_UNITS, 10**9 * 10**30)
        for name in schemas.MEASURES
    }
    one[Richness].narratives["coco", None] = Counter({"1/1": 1})
    other = Statistics(NARRATIVES.statistics)
    other.merge_packed(msgspec.msgpack.decode(msgspec.msgpack.encode(one.pack())))
    assert other[Richness].measures["coco", None] == moments
    (row,) = other.to_tables()["richness"].to_pylist()
    assert row["trace_length_sum"] == 10**18


def test_captions_that_are_measured_are_not_tagged_again(run_stages):
    captions = [
        CAPTION,
        "A cat sits here too.",
        "dog " * 300_000,
        "Two dogs sit here now.",
        CAPTION,
    ]
    chunk = run_stages(b"".join(line(0, 2, caption) for caption in captions))
    made = chunk["narratives"]["richness"]
    tagged = []

    def tag(some):
        tagged.extend(some.to_pylist())
        return made.take(pa.array([captions.index(caption) for caption in tagged]))

    known = [True, False, True, False, True]
    held = made.take(pa.array([row if known[row] else None for row in range(len(known))]))
    restored = dataclasses.replace(chunk, restored=True).with_columns(
        "narratives", richness=held, is_measured=pa.array(known)
    )
    found = measure_richness(restored, tag)["narratives"]
    assert tagged == [captions[1], captions[3]]
    assert found["richness"].equals(made)
    assert found["flags"].equals(chunk["narratives"]["flags"])
