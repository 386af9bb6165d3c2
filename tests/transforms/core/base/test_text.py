"""Words of texts against the plain reference, over whatever Unicode has."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reference import words as reference
from tests.transforms.core.strategies import MARKS, ODD, SPACES, nasty_text
from transforms.core.base.text import normalised_texts, slice_texts, split_words


def words_of(texts):
    """(start, end, normalised form) of each text's words."""
    words = split_words(pa.array(texts, pa.string()))
    forms = [
        "".join(map(chr, words.codes[start:end]))
        for start, end in zip(words.normal_starts, words.normal_ends, strict=True)
    ]
    rows = list(zip(words.starts.tolist(), words.ends.tolist(), forms, strict=True))
    return [
        rows[first:end] for first, end in zip(words.offsets[:-1], words.offsets[1:], strict=True)
    ]


def expected_words(text):
    return [
        (start, end, reference.normalise(word)) for word, start, end in reference.split_words(text)
    ]


@given(st.lists(nasty_text, max_size=5))
def test_words_agree_with_the_reference(texts):
    assert words_of(texts) == [expected_words(text) for text in texts]


@given(st.lists(st.text("ab Cz.,'-9\t", max_size=20), max_size=5))
def test_words_of_plain_text_agree_with_the_reference(texts):
    assert words_of(texts) == [expected_words(text) for text in texts]


@pytest.mark.parametrize("space", SPACES)
def test_every_white_space_separates(space):
    assert words_of([f"a{space}b"]) == [[(0, 1, "a"), (2, 3, "b")]]


@pytest.mark.parametrize("mark", MARKS)
def test_lone_marks_join_a_neighbour(mark):
    assert words_of([f"{mark} a {mark} b"]) == [[(0, 5, "a"), (6, 7, "b")]]


INVISIBLE = "\u200b\u200c\u200d\ufeff\u2060\u00ad\ufe0f\u034f\x00\x7f\u0301\u20e3\U000e0100"
"""Zero-width characters, a soft hyphen, variation selectors, controls and combining marks."""


@pytest.mark.parametrize("character", INVISIBLE)
def test_what_is_no_word_by_itself_joins_a_neighbour(character):
    c = character
    assert words_of([f"{c} a {c} b {c}"]) == [[(0, 5, "a"), (6, 9, "b")]]
    assert words_of([f"{c}.{c} {c}", c]) == [[], []]


@pytest.mark.parametrize(
    ("word", "normal"),
    [
        ("\ufeffThe", "the"),
        ("\u200bdog\u200b", "dog"),
        ("do\u200dg", "do\u200dg"),
        ("\u2764\ufe0fdog\u2764\ufe0f", "dog"),
        ("dog\ufe0f", "dog"),
        ("\u0301dog", "dog"),
        ("dog.\u0301", "dog"),
        ("x\u0323", "x\u0323"),
        ("x\ufe0f\u0323\ufe0f.", "x\ufe0f\u0323"),
        ("cafe\u0301,", "caf\u00e9"),
        ("1\ufe0f\u20e3", "1\ufe0f\u20e3"),
        ("\u0915\u093f\u0964", "\u0915\u093f"),
    ],
)
def test_normalised_by_hand(word, normal):
    assert words_of([word]) == [[(0, len(word), normal)]]
    assert reference.normalise(word) == normal


invisible_text = st.text(st.sampled_from(f"ab .\u00e9\u0915\u2764{INVISIBLE}"), max_size=12)


@given(st.lists(invisible_text, max_size=5))
def test_words_among_invisible_characters_agree_with_the_reference(texts):
    assert words_of(texts) == [expected_words(text) for text in texts]


@given(st.lists(nasty_text | invisible_text, max_size=5))
def test_normalised_texts_are_the_forms_that_are_compared(texts):
    words = split_words(pa.array(texts, pa.string()))
    column = normalised_texts(words)
    column.validate(full=True)
    assert column.to_pylist() == [form for text in texts for _, _, form in expected_words(text)]


@pytest.mark.parametrize("character", ODD)
def test_odd_characters_alone_agree_with_the_reference(character):
    texts = [character, f"a{character} b", f"{character} {character}a"]
    assert words_of(texts) == [expected_words(text) for text in texts]


@given(st.lists(nasty_text, min_size=1, max_size=4), st.data())
def test_slices_are_those_of_python_strings(texts, data):
    slices = []
    for _ in range(data.draw(st.integers(0, 6))):
        row = data.draw(st.integers(0, len(texts) - 1))
        start = data.draw(st.integers(0, len(texts[row])))
        slices.append((row, start, data.draw(st.integers(start, len(texts[row])))))
    rows, starts, ends = np.array(slices, np.int64).reshape(-1, 3).T
    sliced = slice_texts(pa.array(texts), rows, starts, ends).to_pylist()
    assert sliced == [texts[row][start:end] for row, start, end in slices]


@given(st.lists(nasty_text, min_size=3, max_size=5))
def test_a_slice_of_a_column_is_read_from_its_own_offset(texts):
    column = pa.array(texts, pa.string())
    words, alone = split_words(column.slice(1, 2)), split_words(pa.array(texts[1:3], pa.string()))
    assert words.offsets.tolist() == alone.offsets.tolist()
    assert words.starts.tolist() == alone.starts.tolist()


def test_regroup_counts_words_to_groups_of_texts():
    words = split_words(pa.array(["a b", "", "c", "d e f"]))
    assert words.regroup(np.array([0, 2, 2, 4])).offsets.tolist() == [0, 2, 2, 6]


def test_no_texts():
    assert words_of([]) == []
    assert split_words(pa.array([], pa.string())).offsets.tolist() == [0]
