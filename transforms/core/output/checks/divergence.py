"""How far two distributions are from each other."""

import math
from collections import Counter
from collections.abc import Mapping


def jensen_shannon(one: Mapping[int, int], other: Mapping[int, int]) -> float:
    """The Jensen–Shannon divergence of two distributions, in bits: 0 where equal, at most 1.

    Half of the Kullback–Leibler divergences of both from their mean (Lin, 1991). Two samples of
    the same distribution over k values, of n and m members, are about (k - 1)(1/n + 1/m) / 5.5
    bits apart by chance.

    Args:
      one: How many there are of each value, some of them.
      other: The same of the other one.

    >>> jensen_shannon({0: 5}, {1: 7}), jensen_shannon({0: 1, 1: 1}, {0: 3, 1: 3})
    (1.0, 0.0)
    """
    total_one, total_other = sum(one.values()), sum(other.values())
    bits = []
    for value in one.keys() | other.keys():
        p, q = one.get(value, 0) / total_one, other.get(value, 0) / total_other
        mean = (p + q) / 2
        bits += [share * math.log2(share / mean) / 2 for share in (p, q) if share]
    return min(max(math.fsum(bits), 0.0), 1.0)  # rounding may leave the bounds


def by_magnitude(counts: Mapping[int, int]) -> dict[int, int]:
    """Counts of whole numbers by their binary digits: of 0, 1, 2 to 3, 4 to 7, and so on.

    >>> by_magnitude({0: 5, 2: 1, 3: 1, 9: 2})
    {0: 5, 2: 2, 4: 2}
    """
    binned: Counter = Counter()
    for value, number in counts.items():
        binned[value.bit_length()] += number
    return dict(binned)
