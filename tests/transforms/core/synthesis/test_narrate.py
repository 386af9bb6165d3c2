"""Which image and annotator a narrative has, and that chance depends on nothing else."""

from collections import Counter

import numpy as np
import pytest

from transforms.core.synthesis.dice import Dice, narrative_generator
from transforms.core.synthesis.lines import to_lines
from transforms.core.synthesis.narrate import Casting, synthesize_narrative


@pytest.mark.parametrize("n_scenes", [1, 2, 7, 97])
def test_no_image_and_annotator_come_twice(n_scenes):
    casting = Casting.of(n_scenes, 3)
    pairs = [casting.cast(index) for index in range(2_000)]
    assert len(set(pairs)) == len(pairs)
    assert {scene for scene, _ in pairs} == set(range(n_scenes))


def test_some_images_have_several_narratives():
    casting = Casting.of(97, 7)
    narratives = Counter(casting.cast(index)[0] for index in range(60))
    assert set(narratives.values()) == {1, 2}


def test_annotators_are_small_numbers():
    casting = Casting.of(97, 7)
    annotators = [casting.cast(index)[1] for index in range(1_000)]
    assert min(annotators) >= 0 and max(annotators) < 200


def test_a_narrative_depends_on_seed_and_index_only(scenes):
    casting = Casting.of(len(scenes), 5)
    forwards = [to_lines(synthesize_narrative(scenes, casting, 5, i)) for i in range(6)]
    backwards = [to_lines(synthesize_narrative(scenes, casting, 5, i)) for i in (5, 4, 3, 2, 1, 0)]
    assert forwards == backwards[::-1]
    other = Casting.of(len(scenes), 6)
    assert to_lines(synthesize_narrative(scenes, other, 6, 0)) != forwards[0]


def test_largest_seed_works(scenes):
    seed = 2**64 - 1
    assert synthesize_narrative(scenes, Casting.of(len(scenes), seed), seed, 0).caption.words


def test_streams_are_independent():
    rolls = [narrative_generator(1, index).random(500) for index in range(2)]
    assert abs(np.corrcoef(rolls)[0, 1]) < 0.15


def test_dice():
    dice = Dice(narrative_generator(0, 0))
    rolls = [dice.below(6) for _ in range(6_000)]
    assert set(rolls) == set(range(6))
    assert all(800 < count < 1_200 for count in Counter(rolls).values())
    assert {dice.pick("ab") for _ in range(50)} == {"a", "b"}
    assert not any(dice.chance(0) for _ in range(50)) and all(dice.chance(1) for _ in range(50))
