"""Ratios, their spread, and targets."""

import math

import pytest

from benchmarks.measuring.ratios import Spread, is_met, quotients, ratio, spread


def test_spread_is_median_and_range():
    assert spread([3.0, 1.0, 10.0]) == Spread(3.0, 1.0, 10.0)
    assert spread([1.0, 2.0]) == Spread(1.5, 1.0, 2.0)


@pytest.mark.parametrize(("numerator", "denominator"), [(0, 1), (-0.1, 1), (1, 0), (1, -2)])
def test_what_is_too_small_to_be_measured_spoils_the_whole_spread(numerator, denominator):
    found = spread([1.0, ratio(numerator, denominator)])
    assert all(map(math.isnan, found))
    assert is_met(found.median, at_most=5, at_least=None) is None


def test_quotients_pair_the_repeats():
    assert quotients([2.0, 3.0], [1.0, 6.0]) == [2.0, 0.5]
    with pytest.raises(ValueError):
        quotients([1.0], [1.0, 2.0])


@pytest.mark.parametrize(
    ("median", "at_most", "at_least", "met"),
    [
        (1.3, 1.3, None, True),
        (1.31, 1.3, None, False),
        (4.0, None, 4.0, True),
        (3.99, None, 4.0, False),
        (1.0, None, None, None),
    ],
)
def test_targets(median, at_most, at_least, met):
    assert is_met(median, at_most, at_least) is met
