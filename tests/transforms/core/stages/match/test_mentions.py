"""Class mentions against one regular expression."""

import pathlib
from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference.mentions import Matcher
from tests.transforms.core.strategies import SPACES, nasty_text
from transforms.core.sources.annotations.classes import default_classes
from transforms.core.stages.match.mentions import compile_vocabulary, match_classes, spoken_name

CAPTIONS = pathlib.Path(__file__).parents[4] / "data/captions/open_images_captions.words.txt"

NAMES = [
    "Car", "Car seat", "Seat belt", "Seat", "Bat (Animal)", "Bat (Sport)", "Ice cream",
    "Cream", "Chef's knife", "Knife", "T-shirt", "Shirt", "Sock", "Kite", "Door handle",
    "Piñata", "Straße", "Café", "Σίσυφος", "(Only) qualified", "Snack (a) bar", "+", "C++",
]  # fmt: skip
"""Names with prefixes, shared words, qualifiers, apostrophes, hyphens, marks and odd letters."""


def vocabulary_of(names, plurals=False):
    return compile_vocabulary([f"/m/{i}" for i in range(len(names))], names, plurals)


VOCABULARY = vocabulary_of(NAMES)
MATCHER = Matcher([(f"/m/{i}", name) for i, name in enumerate(NAMES)])


def find(captions, vocabulary):
    """Mentions of each caption, as the reference gives them."""
    found = match_classes(pa.array(captions, pa.string()), vocabulary)
    rows = [[] for _ in captions]
    for row, index, start, end in zip(
        found.rows, found.classes, found.starts, found.ends, strict=True
    ):
        rows[row].append((vocabulary.class_ids[index], vocabulary.names[index], start, end))
    return rows


piece = st.one_of(
    st.sampled_from([spoken_name(name) for name in NAMES]),
    st.sampled_from("car seat belt ice bat knife sock strasse cars 's s ' ( ) _".split()),
    st.sampled_from([" ", "  ", " ", *SPACES, "-", ".", ",", "\u0301", "ſ", "\u212a", "ı", "İ"]),
)
case = st.sampled_from([str, str.upper, str.lower, str.title, str.swapcase])
caption = st.lists(
    st.tuples(piece, case).map(lambda pair: pair[1](pair[0])), max_size=12
).map("".join)  # fmt: skip


@given(st.lists(caption, max_size=4))
def test_mentions_agree_with_the_regular_expression(captions):
    assert find(captions, VOCABULARY) == [MATCHER.find(caption) for caption in captions]


@settings(max_examples=100)
@given(st.lists(nasty_text, min_size=1, max_size=6), nasty_text, st.data())
def test_any_names_in_any_text_agree_with_the_regular_expression(names, text, data):
    parts = data.draw(st.lists(st.sampled_from([*names, text, " "]), max_size=6))
    text = "".join(parts)
    pairs = [(f"/m/{i}", name) for i, name in enumerate(names)]
    assert find([text], vocabulary_of(names)) == [Matcher(pairs).find(text)]


def test_published_names_in_published_captions():
    classes = default_classes()
    pairs = [(item.class_id, item.name) for item in classes]
    vocabulary = compile_vocabulary(*zip(*pairs, strict=True))
    matcher = Matcher(pairs)
    captions = CAPTIONS.read_text().splitlines()[:300]
    found = find(captions, vocabulary)
    assert found == [matcher.find(caption) for caption in captions]
    assert sum(map(len, found)) > 300


@pytest.mark.parametrize(
    ("caption", "texts"),
    [
        ("A car seat, a car.", ["car seat", "car"]),
        ("car  \t seat belt", ["car  \t seat"]),  # the longest from the left; no overlap
        ("scar cars car_ car9 (car)", ["car"]),
        ("CHEF'S KNIFE and a chef’s knife", ["CHEF'S KNIFE", "knife"]),
        ("t-shirt, T- shirt", ["t-shirt", "shirt"]),
        ("a bat (animal)", ["bat"]),
        ("ſocK \u212aite", ["ſocK", "\u212aite"]),  # long s and the Kelvin sign fold to s and k
        ("kıte kİte", []),
        ("STRAẞE strasse", ["STRAẞE"]),
        ("σίσυφοσ", ["σίσυφοσ"]),
        ("piñata pin\u0303ata", ["piñata"]),  # composed and decomposed are different text
        ("cafe\u0301 CAFÉ", ["CAFÉ"]),
        ("seat", ["seat"]),
        ("", []),
        ("+ C++", ["C++"]),  # marks alone are no name
    ],
)
def test_mentions_by_hand(caption, texts):
    (found,) = find([caption], VOCABULARY)
    assert [caption[start:end] for _, _, start, end in found] == texts


def test_the_first_of_equal_names_has_it():
    (found,) = find(["bat"], VOCABULARY)
    assert found == [("/m/4", "Bat (Animal)", 0, 3)]


@pytest.mark.parametrize(
    ("name", "spoken"),
    [
        ("Bat (Animal)", "Bat"),
        ("Snack (a) bar", "Snack bar"),
        ("(Only) qualified", "qualified"),
        ("  Car   seat ", "Car seat"),
        ("(all)", ""),
    ],
)
def test_spoken_name(name, spoken):
    assert spoken_name(name) == spoken


def test_irregular_plurals_are_found_in_published_captions():
    """With regular rules alone, `people` and the like, 286 mentions were missed."""
    classes = default_classes()
    names = [item.name for item in classes]
    vocabulary = compile_vocabulary([item.class_id for item in classes], names, plurals=True)
    captions = CAPTIONS.read_text().splitlines()
    found = Counter(
        (name, caption[start:end])
        for caption, row in zip(captions, find(captions, vocabulary), strict=True)
        for _, name, start, end in row
    )
    assert sum(found.values()) == 3344
    assert found["Person", "people"] == 245
    irregular = [("Woman", "women"), ("Man", "men"), ("Shelf", "shelves"), ("Mango", "mangoes")]
    assert [found[pair] for pair in irregular] == [18, 17, 4, 2]


def test_plurals_are_an_option_and_never_take_a_name_from_a_class():
    names = ["Glasses", "Glass", "Bus", "Car seat"]
    text = "glass glasses buses car seats bus"
    (with_plurals,) = find([text], vocabulary_of(names, plurals=True))
    assert [(name, text[a:b]) for _, name, a, b in with_plurals] == [
        ("Glass", "glass"),
        ("Glasses", "glasses"),
        ("Bus", "buses"),
        ("Car seat", "car seats"),
        ("Bus", "bus"),
    ]
    (without,) = find([text], vocabulary_of(names))
    assert [text[a:b] for _, _, a, b in without] == ["glass", "glasses", "bus"]


def test_a_mention_at_the_edge_of_a_caption_does_not_look_into_the_next():
    assert [len(row) for row in find(["car", "seat", "xcar", "car"], VOCABULARY)] == [1, 1, 0, 1]


@pytest.mark.parametrize("characters", [253, 254, 255, 3_000])
def test_names_of_any_number_of_different_characters(characters):
    ideographs = [chr(0x4E00 + number) for number in range(characters)]
    names = ["".join(ideographs[at : at + 2]) for at in range(0, characters, 2)]
    vocabulary = vocabulary_of(names)
    captions = [names[0], names[-1], f"a {names[-1]} and {names[1]}", "nothing"]
    matcher = Matcher([(f"/m/{i}", name) for i, name in enumerate(names)])
    assert find(captions, vocabulary) == [matcher.find(caption) for caption in captions]
    assert [len(found) for found in find(captions, vocabulary)] == [1, 1, 2, 0]
