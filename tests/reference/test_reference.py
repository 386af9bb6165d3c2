"""The reference on examples worked out by hand; the arithmetic is in the comments."""

import math
import random
from fractions import Fraction

import pytest
import spacy
from spacy.tokens import Doc

from . import alignment, grounding, localization, mentions, quality, richness, words


def test_split_words_joins_lone_marks():
    text = "- A dog ,\u00a0+ runs."
    # 0 -  2 A  4-6 dog  8 ,  10 +  12-16 runs.
    assert words.split_words(text) == [("- A", 0, 3), (text[4:11], 4, 11), ("runs.", 12, 17)]
    assert words.split_words(" ... !") == []
    assert words.split_words("... hi") == [("... hi", 0, 6)]


@pytest.mark.parametrize(
    ("word", "normal"),
    [
        ("“Straße,”", "strasse"),
        ("ﬁne", "fine"),
        ("don't", "don't"),
        ("- A !", "a"),
        ("x+y", "x+y"),
    ],
)
def test_normalise(word, normal):
    assert words.normalise(word) == normal


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [("kitten", "sitting", 3), ("flaw", "lawn", 2), ("", "abc", 3), ("their", "there", 2)],
)
def test_levenshtein(first, second, distance):
    assert alignment.levenshtein(first, second) == distance


# Made by hand in the spirit of the paper's Fig. 3: a misheard, a dropped and a stuttered word.
SPOKEN = "in this picture their is is a dog".split()
WRITTEN = "in this picture there is a brown dog".split()


@pytest.mark.parametrize("align", [alignment.align, alignment.align_by_brute_force])
@pytest.mark.parametrize(
    ("a", "m", "mu", "distance"),
    [
        (SPOKEN, WRITTEN, [0, 1, 2, 3, 4, 4, 5, 7], 2),  # d(their, there) = 2
        (["x"], ["b", "c"], [0], 1),  # both 1, one unmatched either way: the smaller
        (["x", "y"], ["p", "q"], [0, 1], 2),  # [0, 0] and [1, 1] leave one unmatched
        (["x", "y", "z"], ["p", "q"], [0, 0, 1], 3),  # [0, 1, 1] is as good but larger
        (["p", "p"], ["p", "zz"], [0, 0], 0),  # D comes before unmatched words
        (["um", "a", "dog", "dog"], ["a", "dog"], [0, 0, 1, 1], 2),  # d(um, a) = 2
    ],
)
def test_align_by_hand(align, a, m, mu, distance):
    assert align(a, m) == (mu, distance)
    assert align([], m) is None and align(a, []) is None


def test_align_equals_brute_force():
    draw = random.Random(1)
    for _ in range(1500):
        a = ["".join(draw.choices("ab", k=draw.randint(1, 2))) for _ in range(draw.randint(1, 5))]
        m = ["".join(draw.choices("ab", k=draw.randint(1, 2))) for _ in range(draw.randint(1, 5))]
        assert alignment.align(a, m) == alignment.align_by_brute_force(a, m)


def test_choose_alternatives_by_hand():
    chunks = [[["a", "dock"], ["a", "dog"]], [["rums"], ["runs"]]]
    caption = ["a", "dog", "runs"]
    # dock/dog 2 (c for g, k away), rums/runs 1: only ranks 1 and 1 reach 0.
    assert alignment.choose_alternatives_by_brute_force(chunks, caption) == ([1, 1], 0)
    assert alignment.choose_alternatives_by_brute_force([[["x"], ["y"]]], ["z"]) == ([0], 1)


def test_choose_alternatives_equals_brute_force():
    draw = random.Random(2)

    def text(longest):
        return ["".join(draw.choices("ab", k=2)) for _ in range(draw.randint(0, longest))]

    for _ in range(300):
        chunks = [[text(2) for _ in range(draw.randint(1, 3))] for _ in range(3)]
        m = text(3) or ["ab"]
        assert alignment.choose_alternatives(
            chunks, m
        ) == alignment.choose_alternatives_by_brute_force(chunks, m)


def test_word_times_by_hand():
    mu, _ = alignment.align(SPOKEN, WRITTEN)
    intervals = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 4.5), (4.5, 5), (5, 5.5), (6, 7)]
    # "is" is said twice: 4 to 5. "brown" is not: from the end of "a" to the start of "dog".
    expected = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 5.5), (5.5, 6), (6, 7)]
    assert grounding.word_times(mu, intervals, 8, -1, 9) == expected
    # Words before the first and after the last match reach to T0 and T1.
    assert grounding.word_times([1], [(2, 4)], 3, 0.5, 9) == [(0.5, 2), (2, 4), (4, 9)]


def test_inverted_times_collapse_to_their_start():
    # "big" is not said: it starts where "a" ends (3) and ends where "dog" starts (2).
    times = grounding.word_times([0, 2], [(0, 3), (2, 4)], 3, 0, 4)
    assert times[1] == (3, 2)
    assert [grounding.collapse(t) for t in times[1:]] == [((3, 3), True), ((2, 4), False)]


def test_extent():
    points = [(0, 0, 3.0), (0, 0, 1.0)]
    assert grounding.extent(points, [(0, 9)]) == (1.0, 3.0)
    assert grounding.extent([], [(2, 3), (1, 2)]) == (1, 3)


@pytest.mark.parametrize(
    ("times", "interval", "expected"),
    [
        ([0, 1, 2, 3, 4], (1, 2), (1, 3)),
        ([0, 1, 2, 3, 4], (1.2, 1.8), (2, 2)),
        ([0, 1, 2, 3, 4], (9, 10), (5, 5)),
        ([0, 1, 2, 3, 4], (-2, -1), (0, 0)),
        ([1, 9, 2], (1, 2), (0, 3)),  # out of order: what lies between belongs to it
        ([0, 5, 1], (2, 3), (1, 1)),  # the first later point, though an earlier one follows
        ([], (0, 1), (0, 0)),
    ],
)
def test_point_range(times, interval, expected):
    assert grounding.point_range([(0, 0, t) for t in times], interval) == expected


def test_reading_flags():
    still = [("a", 0.0, 0.0), ("b", 0.0, 1.0)]
    assert grounding.reading_flags(still, []) == {"no_trace", "zero_length_utterance"}
    back = {"times_out_of_order"}
    inside = [[(0.0, 1.0, 0.0)]]
    assert grounding.reading_flags([("a", 1.0, 0.5)], inside) == back
    assert grounding.reading_flags([("a", 1, 2), ("b", 0.5, 3)], inside) == back
    assert grounding.reading_flags([], [[(0.0, 0.0, 2.0)], [(0.0, 0.0, 1.0)]]) == back
    assert grounding.reading_flags([], [[(1.01, 0.0, 0.0)]]) == {"outside_image"}
    assert grounding.reading_flags([("a", 0, 1), ("b", 0, 1)], inside) == set()


CLASSES = [("/1", "Wine"), ("/2", "Wine glass"), ("/3", "Bat (Animal)"), ("/4", "bat")]
CLASSES += [("/5", "Man"), ("/6", "Wood-burning stove")]


def test_matcher_finds_whole_words_and_the_longest_name():
    caption = "A wine \n GLASS, Wine, bat and batman; a man_ wood-burning  stove"
    found = mentions.Matcher(CLASSES).find(caption)
    assert [(class_id, name, caption[start:end]) for class_id, name, start, end in found] == [
        ("/2", "Wine glass", "wine \n GLASS"),
        ("/1", "Wine", "Wine"),
        ("/3", "Bat (Animal)", "bat"),
        ("/6", "Wood-burning stove", "wood-burning  stove"),
    ]
    assert mentions.Matcher([]).find(caption) == []


def box(x_min, x_max, y_min, y_max, class_id="/1"):
    values = {"x_min": x_min, "x_max": x_max, "y_min": y_min, "y_max": y_max}
    return values | {"class_id": class_id, "is_group_of": class_id == "/g"}


@pytest.mark.parametrize(
    ("point", "distance", "inside"),
    [
        ((0.3, 0.4), 0, True),
        ((0.4, 0.6), 0, True),  # a corner belongs to the box
        ((0.1, 0.4), 0.1, False),
        ((0.7, 1.0), 0.5, False),  # 0.3 and 0.4 off: 3-4-5
    ],
)
def test_distance_to_box(point, distance, inside):
    target = box(0.2, 0.4, 0.2, 0.6)
    assert mentions.distance_to_box(point, target) == pytest.approx(distance)
    assert mentions.is_inside(point, target) is inside


def test_closest_box_breaks_ties_by_centre_then_order():
    points = [(0.4, 0.4, 0), (0.6, 0.6, 1)]
    # Both hold both points. Centre of the points 0.5; first box's 0.55: 0.05 / 0.5 = 0.1 of its
    # width and height; the whole image's centre is 0.5.
    boxes = [box(0.3, 0.8, 0.3, 0.8), box(0, 1, 0, 1), box(0, 1, 0, 1)]
    assert mentions.closest_box(points, boxes, [0, 1, 2]) == 1
    # A box that misses one point by 0.1 loses, whatever its centre.
    assert mentions.closest_box(points, [box(0.4, 0.5, 0.3, 0.7), *boxes], [0, 1]) == 1


@pytest.mark.parametrize("turned", [False, True])
def test_centres_are_compared_in_box_widths_and_heights(turned):
    # Centres 0.7 and 0.6: 0.2 / 1.0 of the wide box's width is less than 0.1 / 0.3.
    sides = [(0.45, 0.75, 0, 1), (0.2, 1.2, 0, 1)]
    boxes = [box(*side[2:], *side[:2]) if turned else box(*side) for side in sides]
    assert mentions.closest_box([(0.5, 0.5, 0)], boxes, [0, 1]) == 1


def test_usable_boxes():
    boxes = [box(0, 1, 0.5, 0.5), box(0, 1, 0, 1), box(0, 1, 0, 1, "/g")]
    assert mentions.usable_boxes(boxes, "/1") == [1]
    assert mentions.usable_boxes(boxes, "/g") == [2]
    assert mentions.usable_boxes(boxes, "/g", ["is_group_of"]) == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [(-1, 0), (-0.981, 0), (0.51, 75), (1.999, 149), (2, 149), (2.001, None), (-1.001, None)],
)
def test_bin_of(value, expected):
    assert localization.bin_of(value) == expected  # (0.51 + 1) / 0.02 = 75.5


def test_summarise_rounds_to_the_scale_first():
    # 1, 2, 3, 4: squares of the deviations 2.25 + 0.25 + 0.25 + 2.25 = 5, over 4: 1.25
    assert richness.summarise([1, 2, None, 3, 4], 1) == (10, 2.5, math.sqrt(1.25))
    assert richness.summarise([0.0004, 0.0006], 1000) == (0.001, 0.0005, 0.0005)
    assert richness.summarise([None], 1) == (None, None, None)


def test_count_words_leaves_out_punctuation_and_space():
    tokens = ["A", "dog", ",", " ", "Rex", "runs"]
    tags = ["DET", "NOUN", "PUNCT", "NOUN", "PROPN", "VERB"]
    document = Doc(spacy.blank("en").vocab, words=tokens, pos=tags)
    counts = richness.count_words(document)
    assert {tag: number for tag, number in counts.items() if number} == {
        "words": 4,
        "nouns": 1,
        "verbs": 1,
        "proper_nouns": 1,
    }


def test_quality_reasons():
    assert quality.reasons(None, 10) == []
    assert quality.reasons(None, 10, max_distance=5) == ["no_distance"]
    assert quality.reasons(5, 10, max_distance=5) == []
    assert quality.reasons(6, 10, max_distance=5) == ["distance"]
    # 0.3 × 10 is 3 exactly, though 0.3 as a binary number is a little less.
    assert quality.reasons(3, 10, max_distance_per_char=0.3) == []
    assert quality.reasons(3, 9, max_distance_per_char=0.3) == ["distance"]


def test_calibrate():
    # Of 0, 0, 1, 4: above 1 is one of four, above 0 are two.
    assert quality.calibrate([4, 0, 1, 0], 0.25) == 1
    assert quality.calibrate([4, 0, 1, 0], 0.24) == 4
    assert quality.calibrate([4, 0, 1, 0], 0.5) == 0
    per_character = quality.distances_per_character([(1, 49), (2, 49)])
    assert quality.calibrate(per_character, 0.5) == Fraction(1, 49)
