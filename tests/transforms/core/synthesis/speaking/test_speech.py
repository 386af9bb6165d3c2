"""Word times and utterances."""

import numpy as np
import pytest

from transforms.core.synthesis import measured
from transforms.core.synthesis.dice import narrative_generator
from transforms.core.synthesis.speaking.speech import draw_groups, group_utterances, speak


def test_words_follow_each_other(narratives):
    for speech in (narrative.speech for narrative in narratives):
        assert (speech.starts >= 0).all()
        assert (speech.ends >= speech.starts).all()
        assert (speech.starts[1:] >= speech.ends[:-1]).all()
        assert (speech.run_starts <= speech.starts).all()


def test_rates_are_the_measured_ones(narratives):
    words = sum(len(n.caption.words) for n in narratives)
    seconds = sum(n.speech.ends[-1] - n.speech.starts[0] for n in narratives) / 10
    gaps = np.concatenate([n.speech.starts[1:] - n.speech.ends[:-1] for n in narratives])
    assert words / seconds == pytest.approx(measured.WORDS_PER_SECOND, rel=0.15)
    assert np.mean(gaps > 0) == pytest.approx(measured.PAUSE_SHARE, rel=0.15)


def test_duration_grows_with_length_as_measured(narratives):
    lengths = np.concatenate([[len(w) for w in n.caption.words] for n in narratives])
    seconds = np.concatenate([(n.speech.ends - n.speech.starts) / 10 for n in narratives])
    slope, _ = np.polyfit(lengths, seconds, 1)
    assert slope == pytest.approx(measured.WORD_SECONDS_PER_CHARACTER, rel=0.15)


def test_no_pause_inside_a_group():
    joined = np.array([True] * 30 + [False] * 10)
    speech = speak(["word"] * 40, joined, narrative_generator(1, 1))
    assert len(set(speech.run_starts[:31])) == 1
    assert len(set(speech.run_starts)) > 1


def test_runs_start_after_pauses():
    speech = speak(["word"] * 60, np.zeros(60, bool), narrative_generator(1, 2))
    gaps = speech.starts[1:] - speech.ends[:-1]
    fresh = speech.run_starts[1:] == speech.starts[1:]
    assert fresh[gaps > 0].all()


def test_utterances_are_the_joined_words():
    joined = np.array([True, False, False, True, True, False])
    assert group_utterances(joined).tolist() == [0, 2, 3, 6]


def test_first_two_words_are_often_one_utterance():
    groups = [draw_groups(20, narrative_generator(5, i)) for i in range(300)]
    assert 0.5 < np.mean([group[0] for group in groups]) < 0.7
    assert not any(group[-1] for group in groups)


def test_utterances_cover_the_caption(narratives):
    for narrative in narratives:
        bounds = narrative.utterances
        assert bounds[0] == 0 and bounds[-1] == len(narrative.caption.words)
        assert (np.diff(bounds) > 0).all()
