"""Intervals of shares."""

import math

Z_95 = 1.959963984540054
"""Between minus and plus so many standard deviations lie 95 % of a normal distribution."""


def wilson_interval(successes: int, trials: int) -> tuple[float | None, float | None]:
    """The 95 % interval of a share.

    Source: E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference,
    Journal of the American Statistical Association 22 (1927), without continuity correction.

    Args:
      successes: Of the trials.
      trials: None gives no interval.

    >>> tuple(round(bound, 4) for bound in wilson_interval(8, 10))
    (0.4902, 0.9433)
    """
    if not trials:
        return None, None
    share, squared = successes / trials, Z_95 * Z_95
    middle = share + squared / (2 * trials)
    half = Z_95 * math.sqrt(share * (1 - share) / trials + squared / (4 * trials * trials))
    scale = 1 + squared / trials
    low = (middle - half) / scale if successes else 0.0
    high = (middle + half) / scale if successes < trials else 1.0
    return low, high
