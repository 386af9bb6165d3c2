"""Generated narratives as lines of the published files, and of the truth beside them."""

import json
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from transforms.core.synthesis.narrate import GeneratedNarrative
from transforms.core.synthesis.scenes import Box
from transforms.core.synthesis.speaking.recognizer import Alternatives, Edit
from transforms.core.synthesis.traces import STYLES, Trace

DATASET_ID = "generated_train"

_LOWEST = -1000
_X = [f'{{"x": {value / 1e4!r}' for value in range(_LOWEST, 11001)]
_Y = [f', "y": {value / 1e4!r}, "t": ' for value in range(_LOWEST, 11001)]


_THOUSANDTHS = [f"{repr(value / 1e3)[1:]}}}, " for value in range(1000)]
"""Ends of the points, from the decimal point of the time on."""


class Lines(NamedTuple):
    """One narrative in each of the files, as lines without their ends."""

    localized_narratives: str
    truth: str
    asr: str
    words: str


def to_lines(narrative: GeneratedNarrative) -> Lines:
    """Writes a narrative in every form."""
    utterances = _utterances(narrative)
    return Lines(
        _narrative_line(narrative, utterances),
        json.dumps(_truth(narrative, utterances)),
        json.dumps(_key(narrative) | {"asr": list(map(_chunk, narrative.alternatives))}),
        json.dumps(_words(narrative)),
    )


def _recording(narrative: GeneratedNarrative) -> str:
    return f"{DATASET_ID}_{narrative.image_id}_{narrative.annotator_id}"


def _key(narrative: GeneratedNarrative) -> dict:
    return {
        "dataset_id": DATASET_ID,
        "image_id": narrative.image_id,
        "annotator_id": narrative.annotator_id,
        "voice_recording": f"{DATASET_ID}/{_recording(narrative)}.ogg",
    }


def _utterances(narrative: GeneratedNarrative) -> list[dict]:
    words, speech = narrative.caption.words, narrative.speech
    starts, ends = speech.starts.tolist(), speech.ends.tolist()
    return [
        {
            "utterance": " ".join(words[first:end]),
            "start_time": starts[first] / 10,
            "end_time": ends[end - 1] / 10,
        }
        for first, end in pairwise(narrative.utterances.tolist())
    ]


def _narrative_line(narrative: GeneratedNarrative, utterances: list[dict]) -> str:
    head = _key(narrative)
    recording = head.pop("voice_recording")
    head |= {"caption": narrative.caption.text, "timed_caption": utterances}
    traces = format_traces(narrative.trace)
    return f'{json.dumps(head)[:-1]}, "traces": {traces}, "voice_recording": "{recording}"}}'


def format_traces(trace: Trace) -> str:
    """The trace as `json.dumps` would write it; looked up, as it is nearly all of a line."""
    seconds, thousandths = np.divmod(trace.t, 1000)
    parts = [""] * (4 * len(trace.t))
    parts[0::4] = map(_X.__getitem__, (trace.x - _LOWEST).tolist())
    parts[1::4] = map(_Y.__getitem__, (trace.y - _LOWEST).tolist())
    parts[2::4] = map(str, seconds.tolist())
    parts[3::4] = map(_THOUSANDTHS.__getitem__, thousandths.tolist())
    for first in trace.segment_starts[1:].tolist():
        parts[4 * first - 1] = parts[4 * first - 1].replace(", ", "], [")
    return f"[[{''.join(parts).removesuffix(', ')}]]"


def _chunk(alternatives: Alternatives) -> list[dict]:
    pairs = zip(alternatives.transcripts, alternatives.confidences, strict=True)
    return [{"transcript": text, "confidence": confidence} for text, confidence in pairs]


def _words(narrative: GeneratedNarrative) -> dict:
    """The recogniser's answer with word times, in the form of Google Speech-to-Text."""
    heard = narrative.transcript
    words = [
        {"startTime": _seconds(start), "endTime": _seconds(end), "word": word}
        for word, start, end in zip(heard.words, heard.starts, heard.ends, strict=True)
    ]
    results = [
        {
            "alternatives": [
                {
                    "transcript": " ".join(heard.words[first:end]),
                    "confidence": chunk.confidences[0],
                    "words": words[first:end],
                }
            ]
        }
        for (first, end), chunk in zip(pairwise(heard.chunks), narrative.alternatives, strict=True)
    ]
    return {"recording": _recording(narrative), "results": results}


def _seconds(tenths: int) -> str:
    return f"{tenths // 10}.{tenths % 10}00s"


def _truth(narrative: GeneratedNarrative, utterances: list[dict]) -> dict:
    edits = narrative.transcript.edits
    return {
        "dataset_id": DATASET_ID,
        "image_id": narrative.image_id,
        "annotator_id": narrative.annotator_id,
        "mentions": _mentions(narrative, utterances),
        "edits": list(map(_edit, edits)),
        "edit_count": len(edits),
        "transcript": " ".join(narrative.transcript.words),
        "asr_ranks": [alternatives.rank for alternatives in narrative.alternatives],
    }


def _edit(edit: Edit) -> dict:
    return {name: getattr(edit, name) for name in Edit.__slots__}


def _mentions(narrative: GeneratedNarrative, utterances: list[dict]) -> list[dict]:
    """Each named class: where it is said, what it means, and where and how it is drawn."""
    subjects = narrative.caption.subjects
    trace = narrative.trace
    drawn = np.searchsorted(trace.drawing, np.arange(len(subjects) + 1)).tolist()
    mentions = []
    for i, subject in enumerate(subjects):
        if subject.class_id is None:
            continue
        bounds = [subject.first_word, subject.end_word - 1]
        first, last = np.searchsorted(narrative.utterances, bounds, "right") - 1
        start, end = utterances[first]["start_time"], utterances[last]["end_time"]
        char_start = narrative.caption.starts[subject.first_word]
        mentions.append(
            {
                "class_id": subject.class_id,
                "name": subject.name,
                "first_word": subject.first_word,
                "end_word": subject.end_word,
                "char_start": char_start,
                "char_end": char_start + len(subject.name),
                "box": _box(subject.box),
                "style": STYLES[narrative.drawings.styles[i]],
                "start_time": start,
                "end_time": end,
                "first_point": int(np.searchsorted(trace.t, round(start * 1e3), "left")),
                "end_point": int(np.searchsorted(trace.t, round(end * 1e3), "right")),
                "first_drawn_point": drawn[i],
                "end_drawn_point": drawn[i + 1],
            }
        )
    return mentions


def _box(box: Box | None) -> dict | None:
    if box is None:
        return None
    return {name: getattr(box, name) for name in ("row", "x_min", "x_max", "y_min", "y_max")}
