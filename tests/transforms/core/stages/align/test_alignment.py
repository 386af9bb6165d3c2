"""Alignment and word times against brute force and the plain reference."""

import random
import resource

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reference import alignment as reference
from tests.reference import grounding
from tests.transforms.core.strategies import plain_text
from transforms.core.base.text import split_words
from transforms.core.stages.align import alignment, edit_distance


def align(transcripts, captions, **limits):
    """µ and D of each pair of texts, None where there is no matching."""
    a, m = split_words(pa.array(transcripts, pa.string())), split_words(
        pa.array(captions, pa.string())
    )  # fmt: skip
    found = alignment.align(a, m, **limits)
    return [
        None if distance == alignment.NO_DISTANCE else (found.matches[first:end].tolist(), distance)
        for distance, first, end in zip(
            found.distances.tolist(), a.offsets[:-1], a.offsets[1:], strict=True
        )
    ]


def random_text(dice, longest):
    words = ("".join(dice.choices("ab", k=dice.randint(1, 3))) for _ in range(longest))
    return " ".join(list(words)[: dice.randint(0, longest)])


def test_every_monotone_assignment_was_considered():
    dice = random.Random(1)
    pairs = [(random_text(dice, 5), random_text(dice, 5)) for _ in range(3000)]
    expected = [reference.align_by_brute_force(a.split(), m.split()) for a, m in pairs]
    assert align(*zip(*pairs, strict=True)) == expected
    # the ties are worth the name: often several assignments reach the same D
    assert sum(found is not None and found[1] > 0 for found in expected) > 1000


def test_longer_texts_agree_with_the_reference():
    dice = random.Random(2)
    pairs = [(random_text(dice, 25), random_text(dice, 25)) for _ in range(200)]
    expected = [reference.align(a.split(), m.split()) for a, m in pairs]
    assert align(*zip(*pairs, strict=True)) == expected


@pytest.mark.parametrize("full_cells", [1, 4, 12, 50])
def test_saving_memory_changes_no_match(full_cells):
    dice = random.Random(full_cells)
    pairs = [(random_text(dice, 12), random_text(dice, 12)) for _ in range(2000)]
    pairs += [(random_text(dice, 40), random_text(dice, 4)) for _ in range(200)]
    pairs += [(random_text(dice, 3), random_text(dice, 40)) for _ in range(200)]
    texts = list(zip(*pairs, strict=True))
    assert align(*texts, full_cells=full_cells) == align(*texts)
    expected = [reference.align(a.split(), m.split()) for a, m in pairs[:500]]
    assert align(*texts, full_cells=full_cells)[:500] == expected


@pytest.mark.long
def test_nine_thousand_words_take_little_memory():
    dice = random.Random(4)
    said = [dice.choice("abcd") for _ in range(9_000)]
    written = [word for word in said if dice.random() < 0.9]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    mu, distance = align([" ".join(said)], [" ".join(written)])[0]
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100_000  # kilobytes; all values at once are 1,100,000
    assert mu == sorted(mu)
    assert distance == reference.distance_of(mu, said, written)
    # nothing is better on the stretch that the full program can look at
    mu, distance = align([" ".join(said[:1200])], [" ".join(written[:1000])], full_cells=1 << 30)[0]
    assert align([" ".join(said[:1200])], [" ".join(written[:1000])])[0] == (mu, distance)


def test_work_beyond_the_limit_is_left_alone():
    """10 and 12 characters in 2 and 3 words: 12 times 15."""
    said, written = "abcde fghij", "abcd efgh ijkl"
    pairs = [said, "a"], [written, "a"]
    assert align(*pairs, most_work=180) == align(*pairs)
    assert align(*pairs, most_work=179) == [None, ([0], 0)]
    a, m = (split_words(pa.array(texts)) for texts in pairs)
    assert alignment.align(a, m, most_work=179).too_large.tolist() == [True, False]
    assert alignment.align(a, m).too_large.tolist() == [False, False]


@pytest.mark.parametrize("text", [" ".join(["word"] * 40_000), "x" * 1_000_000])
def test_texts_of_any_size_end_soon(text):
    """40,000 by 40,000 words are 25 GB of costs; one word of a million characters has 10^12."""
    assert align([text], [f"{text} more"]) == [None]
    mu, distance = align([text], [text])[0]
    assert (mu, distance) == (list(range(len(text.split()))), 0)


@given(plain_text)
def test_identity_is_what_the_general_program_finds(text):
    words = split_words(pa.array([text]))
    spans = words.codes, words.normal_starts, words.normal_ends
    found = align([text], [text])[0]
    if not text:
        assert found is None
        return
    matches = np.empty(len(words.starts), np.int64)
    distance = alignment.best_assignment(alignment.word_costs(*spans, *spans), matches)
    assert found == (matches.tolist(), distance) == (list(range(len(matches))), 0)


@given(plain_text, plain_text)
def test_alignment_is_monotone_and_its_distance_is_that_of_its_matches(transcript, caption):
    found = align([transcript], [caption])[0]
    a, m = transcript.split(), caption.split()
    assert (found is None) == (not a or not m)
    if found is None:
        return
    mu, distance = found
    assert mu == sorted(mu)
    assert distance == reference.distance_of(mu, a, m)


@given(st.data())
def test_no_monotone_assignment_is_better(data):
    a = data.draw(plain_text.filter(bool)).split()
    m = data.draw(plain_text.filter(bool)).split()
    places = st.lists(st.integers(0, len(m) - 1), min_size=len(a), max_size=len(a))
    other = sorted(data.draw(places))
    mu, distance = align([" ".join(a)], [" ".join(m)])[0]
    rank = (distance, reference.unmatched(mu, m), mu)
    assert rank <= (reference.distance_of(other, a, m), reference.unmatched(other, m), other)


@given(st.text(max_size=8), st.text(max_size=8))
def test_levenshtein(first, second):
    codes = [np.array([ord(c) for c in text], np.uint32) for text in (first, second)]
    room = np.empty(len(second) + 1, np.int64)
    assert edit_distance.levenshtein(*codes, room) == reference.levenshtein(first, second)


def test_words_are_compared_as_normalised():
    assert align(["THE straße, ﬁne"], ["the “Strasse” fine!"]) == [([0, 1, 2], 0)]


@pytest.mark.parametrize(("a", "m"), [("", ""), ("a", ""), ("", "a"), ("... !", "a"), ("a", "?")])
def test_an_empty_side_has_no_matching(a, m):
    # with neighbours on both sides, which must not be touched
    assert align(["x y", a, "z"], ["x y", m, "z"]) == [([0, 1], 0), None, ([0], 0)]


def word_times(transcript, intervals, caption, span):
    a, m = split_words(pa.array([transcript])), split_words(pa.array([caption]))
    starts, ends = np.array(intervals, float).reshape(-1, 2).T
    return alignment.word_times(
        alignment.align(a, m),
        a.offsets,
        starts.copy(),
        ends.copy(),
        m.offsets,
        np.array([span[0]], float),
        np.array([span[1]], float),
    )


interval = st.tuples(st.integers(0, 9), st.integers(0, 9))


@given(plain_text, plain_text, st.lists(interval, min_size=6, max_size=6), interval)
def test_word_times_agree_with_the_reference(transcript, caption, intervals, span):
    a, m = transcript.split(), caption.split()
    intervals = intervals[: len(a)]
    starts, ends, inverted = word_times(transcript, intervals, caption, span)
    aligned = reference.align(a, m)
    if aligned is None:
        assert np.isnan(starts).all() and np.isnan(ends).all() and not inverted.any()
        return
    times = grounding.word_times(aligned[0], intervals, len(m), *span)
    collapsed = [grounding.collapse(time) for time in times]
    assert list(zip(starts, ends, strict=True)) == [time for time, _ in collapsed]
    assert inverted.tolist() == [any(was for _, was in collapsed)]


def test_an_example_in_the_spirit_of_figure_3():
    """Made by hand; the paper's own figure is not in the repository.

    a: in(0-1) this(1-2) imge(2-3) their(3-4) is(4-5) is(5-6) a(6-7) dog(7-8)
    m: in this image there is a brown dog
    """
    spoken = "in this imge their is is a dog"
    written = "In this image, there is a brown dog."
    # imge → image: 1 insertion. their → there: i and r replaced, 2. The rest is equal: D = 3.
    # The stuttered "is is" both go to "is"; "brown" stays unmatched, which costs nothing.
    assert align([spoken], [written]) == [([0, 1, 2, 3, 4, 4, 5, 7], 3)]
    intervals = [(i, i + 1) for i in range(8)]
    starts, ends, inverted = word_times(spoken, intervals, written, (-0.5, 9))
    assert list(zip(starts, ends, strict=True)) == [
        (0, 1), (1, 2), (2, 3), (3, 4),
        (4, 6),  # both of "is is": the first start to the last end
        (6, 7),
        (7, 7),  # "brown": from the end of "a" to the start of "dog"
        (7, 8),
    ]  # fmt: skip
    assert not inverted[0]
    # Without "in" and "dog" in the speech, the outermost words reach to T0 and T1.
    starts, ends, _ = word_times("this image", [(1, 2), (2, 3)], "in this image dog", (-0.5, 9))
    assert (starts[0], ends[0]) == (-0.5, 1)
    assert (starts[3], ends[3]) == (3, 9)
