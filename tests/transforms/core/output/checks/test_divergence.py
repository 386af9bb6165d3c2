"""Distances of distributions, by hand and by entropies."""

import math
import random

import numpy as np
import pytest

from transforms.core.output.checks.divergence import by_magnitude, jensen_shannon


def test_a_divergence_is_that_of_the_formula_by_hand():
    """P = (1/2, 1/2), Q = (1, 0), M = (3/4, 1/4): half of KL(P|M) and half of KL(Q|M)."""
    of_p = 0.5 * math.log2(0.5 / 0.75) + 0.5 * math.log2(0.5 / 0.25)
    of_q = math.log2(1 / 0.75)
    assert of_p == pytest.approx(0.2075187496) and of_q == pytest.approx(0.4150374993)
    found = jensen_shannon({1: 30, 2: 30}, {1: 7})
    assert found == pytest.approx((of_p + of_q) / 2, abs=1e-15)
    assert found == pytest.approx(0.3112781245)


def entropy(shares):
    return -sum(share * np.log2(share) for share in shares if share)


@pytest.mark.parametrize("seed", range(20))
def test_it_is_the_entropy_of_the_mean_less_the_mean_of_the_entropies(seed):
    chance = random.Random(seed)
    one, other = (
        {value: chance.randrange(1, 50) for value in chance.sample(range(30), 12)} for _ in "ab"
    )
    both = sorted(one.keys() | other.keys())
    p, q = (np.array([counts.get(value, 0) for value in both]) for counts in (one, other))
    p, q = p / p.sum(), q / q.sum()
    expected = entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2
    assert jensen_shannon(one, other) == pytest.approx(expected, abs=1e-12)
    assert jensen_shannon(one, other) == pytest.approx(jensen_shannon(other, one), abs=1e-12)


def test_it_does_not_depend_on_how_many_there_are():
    assert jensen_shannon({0: 3, 5: 1}, {0: 3_000, 5: 1_000}) == 0
    assert jensen_shannon({0: 10**12}, {1: 1}) == 1


def test_samples_of_one_distribution_are_as_far_apart_as_the_docstring_says():
    chance = random.Random(7)

    def sample(n):
        counts = {}
        for _ in range(n):
            value = chance.randrange(21)
            counts[value] = counts.get(value, 0) + 1
        return counts

    found = [jensen_shannon(sample(1_000), sample(2_000)) for _ in range(60)]
    assert sum(found) / 60 == pytest.approx(20 * (1 / 1_000 + 1 / 2_000) / 5.5, rel=0.15)


def test_magnitudes_are_binary_digits():
    assert by_magnitude({0: 1, 1: 2, 2: 3, 3: 4, 4: 5, 7: 6, 8: 7, 1_023: 8, 1_024: 9}) == {
        0: 1, 1: 2, 2: 7, 3: 11, 4: 7, 10: 8, 11: 9,
    }  # fmt: skip
