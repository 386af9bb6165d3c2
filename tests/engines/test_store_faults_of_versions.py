"""A few trials of `python -m tests.soak.store_faults`, which makes many."""

import time

import pytest

from tests.soak import store_faults, trials

pytestmark = pytest.mark.engines


def test_faults_of_the_store_change_nothing(emulator):
    seed = int(time.time() // 86_400)  # another one each day, which a failure names
    with store_faults.forms_at(emulator) as forms:
        assert trials.failures(forms, 2 * len(forms), seed) == [], f"--seed {seed}"
