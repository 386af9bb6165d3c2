"""Moments of integers: the accumulator behind means and deviations."""

import dataclasses
import math
import operator
from collections.abc import Iterable
from fractions import Fraction


@dataclasses.dataclass(slots=True)
class Moments:
    """Count, sum and sum of squares of integers."""

    count: int = 0
    total: int = 0
    squares: int = 0

    def update(self, values: Iterable[int]) -> None:
        """Adds values; Python integers, since squares may leave 64 bits."""
        values = list(values)
        self.count += len(values)
        self.total += sum(values)
        self.squares += sum(map(operator.mul, values, values))

    def merge(self, other: "Moments") -> None:
        """Adds another's values."""
        self.count += other.count
        self.total += other.total
        self.squares += other.squares

    def describe(self, scale: int) -> tuple[float | None, float | None, float | None]:
        """Sum, mean and population standard deviation of the values over `scale`."""
        if not self.count:
            return None, None, None
        mean = Fraction(self.total, self.count)
        variance = Fraction(self.squares, self.count) - mean * mean
        return (
            float(Fraction(self.total, scale)),
            float(mean / scale),
            math.sqrt(variance) / scale,
        )
