"""The lines of the four files."""

import json
from itertools import pairwise

import msgspec
import numpy as np
import pytest

from transforms.core.synthesis.lines import DATASET_ID, format_traces, to_lines
from transforms.core.synthesis.traces import Trace


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    """Structs whose keys are all there are."""


class Utterance(Strict):
    utterance: str
    start_time: float
    end_time: float


class Point(Strict):
    x: float
    y: float
    t: float


class Record(Strict):
    dataset_id: str
    image_id: str
    annotator_id: int
    caption: str
    timed_caption: list[Utterance]
    traces: list[list[Point]]
    voice_recording: str


class Alternative(Strict):
    transcript: str
    confidence: float


class Transcription(Strict):
    dataset_id: str
    image_id: str
    annotator_id: int
    voice_recording: str
    asr: list[list[Alternative]]


class Word(Strict):
    startTime: str
    endTime: str
    word: str


class TimedAlternative(Alternative):
    words: list[Word]


class Result(Strict):
    alternatives: list[TimedAlternative]


class Recognition(Strict):
    recording: str
    results: list[Result]


@pytest.fixture(scope="module")
def lines(narratives):
    return list(map(to_lines, narratives))


@pytest.fixture(scope="module")
def records(lines):
    return [msgspec.json.decode(line.localized_narratives, type=Record) for line in lines]


@pytest.fixture(scope="module")
def truths(lines):
    return [json.loads(line.truth) for line in lines]


def points_of(record):
    return np.array([(p.x, p.y, p.t) for segment in record.traces for p in segment])


def test_lines_are_what_json_writes(lines):
    """Also that keys are in the published order and every decimal is in its shortest form."""
    for line in lines:
        decoded = json.loads(line.localized_narratives)
        assert tuple(decoded) == Record.__struct_fields__
        assert json.dumps(decoded) == line.localized_narratives


def test_precision_is_the_published_one(records):
    for record in records:
        points = points_of(record)
        assert np.array_equal(points[:, :2], points[:, :2].round(4))
        assert np.array_equal(points[:, 2], points[:, 2].round(3))
        times = np.array([(u.start_time, u.end_time) for u in record.timed_caption])
        assert np.array_equal(times, times.round(1))


def test_size_is_as_published(lines):
    sizes = [len(line.localized_narratives) + 1 for line in lines]
    assert 28_000 < np.mean(sizes) < 36_000


def test_keys_and_recordings(records):
    for record in records:
        assert record.dataset_id == DATASET_ID == "generated_train"
        stem = f"generated_train_{record.image_id}_{record.annotator_id}"
        assert record.voice_recording == f"generated_train/{stem}.ogg"
        assert len(record.image_id) == 16 and int(record.image_id, 16) >= 0


def test_utterances_are_the_caption(records):
    grouped = 0
    for record in records:
        assert " ".join(u.utterance for u in record.timed_caption) == record.caption
        grouped += sum(" " in u.utterance for u in record.timed_caption)
        for before, after in pairwise(record.timed_caption):
            assert before.start_time <= before.end_time <= after.start_time
    assert 1 < grouped / len(records) < 8
    firsts = [record.timed_caption[0].utterance for record in records]
    assert 0.3 < np.mean([first.lower() == "in this" for first in firsts]) < 0.8


def test_escapes_occur(lines, records):
    assert any("\\u201c" in line.localized_narratives for line in lines)
    assert any("“" in record.caption for record in records)


def test_formatted_trace_of_edge_values():
    x = np.array([-1000, 0, 1, 5000, 10_000, 11_000])
    t = np.array([0, 1, 10, 100, 1000, 61_230])
    trace = Trace(x, x[::-1], t, np.zeros(6, int), np.array([0, 2, 5]))
    points = [
        {"x": a / 1e4, "y": b / 1e4, "t": c / 1e3}
        for a, b, c in zip(x.tolist(), x[::-1].tolist(), t.tolist(), strict=True)
    ]
    assert format_traces(trace) == json.dumps([points[:2], points[2:5], points[5:]])


def test_truth_names_its_record(records, truths):
    for record, truth in zip(records, truths, strict=True):
        assert (truth["image_id"], truth["annotator_id"]) == (
            record.image_id,
            record.annotator_id,
        )
        assert truth["edit_count"] == len(truth["edits"])


def test_mentions_are_at_their_words_and_characters(records, truths):
    for record, truth in zip(records, truths, strict=True):
        words = record.caption.split()
        for mention in truth["mentions"]:
            at = slice(mention["first_word"], mention["end_word"])
            assert record.caption[mention["char_start"] : mention["char_end"]] == mention["name"]
            assert " ".join(words[at]).rstrip(".,") == mention["name"]


def utterance_times(record):
    """Start and end of each caption word: those of its utterance."""
    return [(u.start_time, u.end_time) for u in record.timed_caption for _ in u.utterance.split()]


def test_points_are_those_in_the_time_of_the_words(records, truths):
    for record, truth in zip(records, truths, strict=True):
        times, t = utterance_times(record), points_of(record)[:, 2].tolist()
        for mention in truth["mentions"]:
            start = times[mention["first_word"]][0]
            end = times[mention["end_word"] - 1][1]
            assert (mention["start_time"], mention["end_time"]) == (start, end)
            within = [i for i, moment in enumerate(t) if start <= moment <= end]
            given = list(range(mention["first_point"], mention["end_point"]))
            assert given == within


def distances(points, box):
    dx = np.maximum(np.maximum(box["x_min"] - points[:, 0], points[:, 0] - box["x_max"]), 0)
    dy = np.maximum(np.maximum(box["y_min"] - points[:, 1], points[:, 1] - box["y_max"]), 0)
    return np.hypot(dx, dy)


@pytest.mark.parametrize(
    ("first", "end"),
    [("first_point", "end_point"), ("first_drawn_point", "end_drawn_point")],
)
def test_points_are_near_the_box(records, truths, first, end):
    found = []
    for record, truth in zip(records, truths, strict=True):
        points = points_of(record)
        for mention in truth["mentions"]:
            if mention["box"]:
                spoken = points[mention[first] : mention[end]]
                found.append(distances(spoken, mention["box"]))
    found = np.concatenate(found)
    assert found.mean() < 0.03
    assert np.mean(found == 0) > 0.75


def test_truth_leads_from_the_caption_to_the_transcript(records, truths):
    for record, truth in zip(records, truths, strict=True):
        words = [word.lower().strip(".,“”€") for word in record.caption.split()]
        for edit in reversed(truth["edits"]):
            assert words[edit["word"] : edit["end_word"]] == edit["said"]
            words[edit["word"] : edit["end_word"]] = edit["heard"]
        assert " ".join(words) == truth["transcript"]


def test_transcription_holds_the_transcript_at_its_ranks(lines, truths):
    later = 0
    for line, truth in zip(lines, truths, strict=True):
        chunks = msgspec.json.decode(line.asr, type=Transcription).asr
        ranks = truth["asr_ranks"]
        best = [chunk[rank].transcript for chunk, rank in zip(chunks, ranks, strict=True)]
        assert " ".join(best) == truth["transcript"]
        assert all(len(chunk) <= 10 for chunk in chunks)
        later += sum(rank > 0 for rank in ranks)
    assert later > 100  # the best alternative is not always the first


def seconds(text):
    assert text.endswith("s") and len(text.partition(".")[2]) == 4
    return float(text[:-1])


def test_word_times_are_of_the_transcript(lines, records, truths):
    for line, record, truth in zip(lines, records, truths, strict=True):
        recognition = msgspec.json.decode(line.words, type=Recognition)
        assert record.voice_recording == f"generated_train/{recognition.recording}.ogg"
        only = [result.alternatives[0] for result in recognition.results]
        words = [word for alternative in only for word in alternative.words]
        assert " ".join(word.word for word in words) == truth["transcript"]
        for alternative in only:
            assert alternative.transcript == " ".join(w.word for w in alternative.words)
        times = [(seconds(word.startTime), seconds(word.endTime)) for word in words]
        assert times == sorted(times) and all(a <= b for a, b in times)
