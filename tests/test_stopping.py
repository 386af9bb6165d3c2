"""Stopping the main job at a few random moments; `python -m tests.soak.stopping` tries many."""

import random

import pytest

from tests.soak import stopping

SECONDS = 6.0
"""How long a run takes where nothing else runs: a moment later than its end proves nothing."""


@pytest.mark.parametrize("form", stopping.FORMS, ids=str)
def test_a_run_that_is_stopped_ends_in_order(form):
    source = random.Random(str(form))
    for early, late in ((0, 1), (1, SECONDS)):
        moment = source.uniform(early, late)
        assert stopping.stop(form, moment) == [], f"at {moment:.2f} s"
