"""The choice among ASR alternatives against brute force."""

import random

import pyarrow as pa
import pytest

from tests.reference import alignment as reference
from transforms.core.base.text import split_words
from transforms.core.sources.transcripts import TABLES
from transforms.core.stages.align.alignment import NO_DISTANCE
from transforms.core.stages.align.asr import choose_alternatives


def choose(transcripts, captions, **limits):
    column = [
        None
        if chunks is None
        else [[{"text": text, "confidence": None} for text in chunk] for chunk in chunks]
        for chunks in transcripts
    ]
    return choose_alternatives(
        pa.array(column, TABLES["asr"].field("chunks").type),
        split_words(pa.array(captions)),
        **limits,
    )


def random_text(dice, longest):
    words = dice.choices(["a", "b", "ab", "abb", "bba"], k=dice.randint(0, longest))
    return " ".join(words)


def random_chunks(dice):
    """Up to three text chunks of up to four alternatives; an empty text is one too."""
    return [
        [random_text(dice, 3) for _ in range(dice.randint(1, 4))] for _ in range(dice.randint(0, 3))
    ]


def expect(chunks, caption):
    """(D, ranks) by trying every choice; None where a side has no words."""
    words = [[text.split() for text in chunk] for chunk in chunks]
    if not caption or not any(any(chunk) for chunk in words):
        return NO_DISTANCE, None
    ranks, distance = reference.choose_alternatives_by_brute_force(words, caption.split())
    return distance, ranks


@pytest.mark.long
def test_every_choice_was_considered():
    dice = random.Random(3)
    cases = [(random_chunks(dice), random_text(dice, 5)) for _ in range(1500)]
    found = choose(*zip(*cases, strict=True))
    expected = [expect(chunks, caption) for chunks, caption in cases]
    assert list(zip(found.distances.tolist(), found.ranks, strict=True)) == expected
    assert sum(ranks is not None and any(ranks) for _, ranks in expected) > 300


def test_saving_memory_changes_no_choice():
    dice = random.Random(5)
    cases = [
        ([[random_text(dice, 3) for _ in range(dice.randint(0, 4))] for _ in range(n)], text)
        for n, text in ((dice.randint(0, 11), random_text(dice, 6)) for _ in range(500))
    ]
    usual = choose(*zip(*cases, strict=True))
    saving = choose(*zip(*cases, strict=True), full_cells=0)
    assert saving.distances.tolist() == usual.distances.tolist()
    assert saving.ranks == usual.ranks
    assert sum(ranks is not None and len(ranks) > 4 for ranks in usual.ranks) > 200


def test_work_beyond_the_limit_is_left_alone():
    long = " ".join(["word"] * 40_000)
    found = choose([[[long, long]], [["a"]]], [f"{long} more", "a"])
    assert found.too_large.tolist() == [True, False]
    assert found.distances.tolist() == [NO_DISTANCE, 0]
    assert found.ranks == [None, [0]]
    assert found.heard.tolist() == [True, True]


def test_a_later_chunk_decides_between_the_alternatives_of_an_earlier_one():
    # Against "a b" both "b" and "a" of the first chunk cost 0, but behind "b" there is no place
    # left for the second chunk's "a"; behind "a" there is: D = 0.
    chunks = [["b", "a"], ["a b"]]
    found = choose([chunks], ["a b"])
    assert (found.distances[0], found.ranks) == (0, [[1, 0]])


def test_ties_go_to_the_lexicographically_smallest_ranks():
    # D = 1 whatever the first chunk's choice (ab → a, aa → a), 0 or 1 by the second's (b, bb → b)
    found = choose([[["ab", "aa"], ["bb", "b", "b"]]], ["a b"])
    assert (found.distances[0], found.ranks) == (1, [[0, 1]])


def test_nothing_heard_and_nothing_written():
    found = choose([None, [], [["", "..."]], [["a"]], [["a"]]], ["a", "a", "a", "", "a"])
    assert found.distances.tolist() == [NO_DISTANCE] * 4 + [0]
    assert found.ranks == [None] * 4 + [[0]]
    assert found.heard.tolist() == [False, False, False, True, True]


def test_a_chunk_without_alternatives_adds_nothing():
    found = choose([[["b"], [], ["c"]]], ["b c"])
    assert (found.distances[0], found.ranks) == (0, [[0, 0, 0]])
