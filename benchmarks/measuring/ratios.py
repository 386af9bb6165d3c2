"""Ratios measured in one run: their median and range, and whether a target is met."""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Spread(NamedTuple):
    """Median and range of some values; all NaN where one of the values is."""

    median: float
    low: float
    high: float


def ratio(numerator: float, denominator: float) -> float:
    """The ratio of two amounts.

    NaN where one is not positive: with start-up taken off, that happens when the data are too
    small to be measured.
    """
    return numerator / denominator if numerator > 0 and denominator > 0 else math.nan


def spread(values: Sequence[float]) -> Spread:
    """Median and range."""
    if any(map(math.isnan, values)):
        return Spread(math.nan, math.nan, math.nan)
    return Spread(statistics.median(values), min(values), max(values))


def quotients(ours: Sequence[float], others: Sequence[float]) -> list[float]:
    """Each repeat's ratio over the other's ratio of the same repeat."""
    return [ratio(*pair) for pair in zip(ours, others, strict=True)]


def is_met(median: float, at_most: float | None, at_least: float | None) -> bool | None:
    """Whether a median meets its bounds; None without bounds or without a median."""
    if math.isnan(median) or (at_most is None and at_least is None):
        return None
    return (at_most is None or median <= at_most) and (at_least is None or median >= at_least)
