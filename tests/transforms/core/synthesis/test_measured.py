"""The measured constants against the real files that they were measured on."""

import numpy as np
import pytest

from tests.transforms.core.synthesis import measurement
from transforms.core.synthesis import measured


@pytest.fixture(scope="module")
def again():
    return measurement.measure()


def test_the_real_file_is_the_one_described():
    narratives = measurement.read_narratives()
    assert len(narratives) == 22
    assert sum(len(s) for n in narratives for s in n["traces"]) == 10_104
    assert sum(len(n["timed_caption"]) for n in narratives) == 482


@pytest.mark.parametrize(
    "name",
    [
        *("WORD_SECONDS_BASE", "WORD_SECONDS_PER_CHARACTER", "WORD_SECONDS_SPREAD"),
        *("PAUSE_SHARE", "PAUSE_SECONDS", "LEAD_SECONDS", "WORDS_PER_SECOND"),
        *("SAMPLING_SECONDS", "JITTER", "SPEED", "LAG_SECONDS", "DRAWN_SHARE"),
        *("OUTSIDE_SHARE", "CAPTION_WORDS"),
    ],
)
def test_constant_is_what_is_measured(again, name):
    assert getattr(measured, name) == pytest.approx(again[name], abs=6e-5)


def test_every_measurement_is_a_constant(again):
    assert all(hasattr(measured, name) for name in again)


def test_jitter_of_pure_noise_is_its_deviation():
    noise = np.random.default_rng(1).normal(0, 0.002, (20_000, 3))
    assert measurement.jitter([noise]) == pytest.approx(0.002, rel=0.03)


def test_lag_is_counted_from_the_speech_that_the_segment_overlaps():
    times = {"a": (1.0, 1.2), "man": (1.2, 1.6), "here": (3.0, 3.5)}
    utterances = [
        {"utterance": word, "start_time": start, "end_time": end}
        for word, (start, end) in times.items()
    ]
    traces = [[{"x": 0.1, "y": 0.1, "t": t} for t in span] for span in ((0.5, 1.5), (3.2, 3.4))]
    found = measurement.lags({"timed_caption": utterances, "traces": traces})
    assert found == pytest.approx([-0.5, 0.2])
