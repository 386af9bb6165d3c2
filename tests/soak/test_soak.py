"""A few trials of each soak script; by `python -m tests.soak.NAME` each makes many."""

import time

import pytest

from tests.soak import bit_flips, disks, fetching, full_disk, killing, trials

pytestmark = pytest.mark.soak


def assert_none_fails(forms, number):
    """Another seed each day, which a failure names."""
    seed = int(time.time() // 86_400)
    with forms() as made:
        assert trials.failures(made, number, seed) == [], f"--seed {seed}"


def test_commands_that_are_killed_lose_nothing():
    assert_none_fails(killing.forms, 7)


def test_a_full_disk_is_named_and_loses_nothing():
    try:
        assert_none_fails(full_disk.forms, 8)
    except disks.CannotMount as error:
        pytest.skip(str(error))


def test_a_flipped_bit_is_found_or_without_harm():
    assert_none_fails(bit_flips.forms, 14)


def test_a_fetch_that_is_killed_leaves_nothing_half_and_resumes():
    assert_none_fails(fetching.forms, 50)
