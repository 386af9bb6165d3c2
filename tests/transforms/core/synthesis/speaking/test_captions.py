"""Captions in the annotators' style."""

import numpy as np

from tests.reference.mentions import Matcher
from transforms.core.sources.annotations.classes import default_classes
from transforms.core.synthesis import measured
from transforms.core.synthesis.dice import narrative_generator
from transforms.core.synthesis.scenes import Box, Scene
from transforms.core.synthesis.speaking import phrases
from transforms.core.synthesis.speaking.captions import write_caption


def test_the_planted_names_are_all_that_a_matcher_finds(narratives):
    matcher = Matcher([(c.class_id, c.name) for c in default_classes()])
    planted = 0
    for narrative in narratives:
        caption = narrative.caption
        subjects = [subject for subject in caption.subjects if subject.class_id]
        starts = [caption.starts[subject.first_word] for subject in subjects]
        expected = [
            (subject.class_id, start, start + len(subject.name))
            for subject, start in zip(subjects, starts, strict=True)
        ]
        found = [(mid, start, end) for mid, _, start, end in matcher.find(caption.text)]
        assert found == expected
        planted += len(found)
    assert planted > 800


def test_phrases_name_no_class():
    matcher = Matcher([(c.class_id, c.name) for c in default_classes()])
    groups = (phrases.OPENERS, phrases.CONNECTORS, phrases.QUALIFIERS, phrases.FILLERS)
    assert not any(matcher.find(text) for group in groups for text in group)


def test_words_and_starts_give_the_text(narratives):
    for caption in (narrative.caption for narrative in narratives):
        assert caption.text.split() == caption.words
        for word, start in zip(caption.words, caption.starts, strict=True):
            assert caption.text[start : start + len(word)] == word


def test_length_is_as_in_real_captions(narratives):
    lengths = [len(narrative.caption.words) for narrative in narratives]
    middle = measured.CAPTION_WORDS[measured.LEVELS.index(0.5)]
    assert abs(np.median(lengths) - middle) < 5
    assert 34 < np.mean(lengths) < 42


def test_captions_look_like_the_annotators(narratives):
    texts = [narrative.caption.text for narrative in narratives]
    assert all(text.endswith(".") for text in texts)
    capitals = np.mean([text[0].isupper() for text in texts])
    assert 0.9 < capitals < 1
    assert 0.3 < np.mean([text.lower().startswith("in this image") for text in texts]) < 0.9
    odd = np.mean([not text.isascii() for text in texts])
    assert 0.005 < odd < 0.25


def test_things_with_and_without_boxes_are_named(narratives):
    subjects = [s for n in narratives for s in n.caption.subjects if s.class_id]
    assert 0.02 < np.mean([subject.box is None for subject in subjects]) < 0.25


def test_the_second_of_a_class_is_another():
    boxes = tuple(Box(row, "/m/1", "owl", 0.1, 0.9, 0.1, 0.9) for row in range(40))
    repeated = 0
    for index in range(10):
        caption = write_caption(Scene("a", boxes, ()), narrative_generator(0, index))
        owls = [subject.first_word for subject in caption.subjects if subject.class_id]
        before = [" ".join(caption.words[max(0, at - 2) : at]) for at in owls]
        assert not any("another" in words for words in before[:1])
        assert all("another" in words for words in before[1:])
        repeated += len(owls[1:])
    assert repeated > 20


def test_articles_fit_the_next_word(narratives):
    for words in (narrative.caption.words for narrative in narratives):
        for article, word in zip(words, words[1:], strict=False):
            if article == "an":
                assert word[0] in "aeiou"
            elif article == "a" and word[0].isalpha():
                assert word[0] not in "aeiou"
