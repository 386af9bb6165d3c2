"""Planted recogniser errors."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from transforms.core.synthesis.dice import narrative_generator
from transforms.core.synthesis.speaking.recognizer import (
    ALTERNATIVES,
    ERROR_SHARES,
    KINDS,
    confuse,
    list_alternatives,
    recognize,
    spoken_form,
)
from transforms.core.synthesis.speaking.speech import speak


def apply_edits(words, edits):
    """What is heard when exactly these edits are made; back to front, so that places hold."""
    heard = list(words)
    for edit in reversed(edits):
        assert heard[edit.word : edit.end_word] == edit.said
        heard[edit.word : edit.end_word] = edit.heard
    return heard


def test_edits_lead_from_the_caption_to_the_transcript(narratives):
    for narrative in narratives:
        said = [spoken_form(word) for word in narrative.caption.words]
        transcript = narrative.transcript
        assert apply_edits(said, transcript.edits) == transcript.words
        for edit in transcript.edits:
            assert transcript.words[edit.heard_word : edit.end_heard_word] == edit.heard


def test_every_kind_occurs_as_often_as_planned(narratives):
    counts = Counter(edit.kind for n in narratives for edit in n.transcript.edits)
    words = sum(len(n.caption.words) for n in narratives)
    assert set(counts) == set(KINDS)
    for kind in ("substituted", "dropped", "inserted", "merged"):
        assert counts[kind] / words == pytest.approx(ERROR_SHARES[kind], rel=0.3)


@pytest.mark.parametrize(
    ("kind", "said", "heard"),
    [("substituted", 1, 1), ("dropped", 1, 0), ("inserted", 0, 1), ("split", 1, 2),
     ("merged", 2, 1)],
)  # fmt: skip
def test_each_kind_has_its_shape(narratives, kind, said, heard):
    edits = [e for n in narratives for e in n.transcript.edits if e.kind == kind]
    for edit in edits:
        assert (len(edit.said), len(edit.heard)) == (said, heard)
    if kind in ("split", "merged"):
        assert all("".join(edit.said) == "".join(edit.heard) for edit in edits)
    if kind == "substituted":
        assert all(edit.said != edit.heard for edit in edits)


def test_times_are_those_of_the_words_said():
    words = [f"word{i}" for i in range(200)]
    generator = narrative_generator(4, 0)
    speech = speak(words, np.zeros(200, bool), generator)
    transcript = recognize(words, speech, generator)
    assert all(a <= b for a, b in zip(transcript.starts, transcript.ends, strict=True))
    assert transcript.starts == sorted(transcript.starts)
    for i, word in enumerate(transcript.words):
        if word in words:
            assert transcript.starts[i] == speech.starts[words.index(word)]
            assert transcript.ends[i] == speech.ends[words.index(word)]


@pytest.mark.parametrize(
    ("word", "heard"),
    [("“OPEN”.", "open"), ("Café", "café"), ("€5,", "5"), ("10–12", "10–12"), ("a", "a")],
)
def test_spoken_form(word, heard):
    assert spoken_form(word) == heard


@pytest.mark.parametrize("word", ["there", "the", "a", "h", "zebra", "5", "space"])
def test_confusion_changes_the_word(word):
    assert confuse(word) != word


def test_alternatives_hold_the_transcript_at_their_rank(narratives):
    ranks = Counter()
    for narrative in narratives:
        transcript = narrative.transcript
        bounds = pairwise(transcript.chunks)
        for (first, end), chunk in zip(bounds, narrative.alternatives, strict=True):
            planted = " ".join(transcript.words[first:end])
            assert chunk.transcripts[chunk.rank] == planted
            assert 1 <= len(chunk.transcripts) <= ALTERNATIVES
            assert len(set(chunk.transcripts)) == len(chunk.transcripts)
            assert chunk.confidences == sorted(chunk.confidences, reverse=True)
            ranks[chunk.rank] += 1
    assert ranks[0] > ranks.total() / 2
    assert sum(rank > 0 for rank in ranks) > 3


def test_a_caption_of_one_word_is_one_chunk():
    generator = narrative_generator(0, 0)
    speech = speak(["a"], np.zeros(1, bool), generator)
    transcript = recognize(["a"], speech, generator)
    assert transcript.words and transcript.chunks[-1] == len(transcript.words)
    assert len(list_alternatives(transcript, generator)) == len(transcript.chunks) - 1
