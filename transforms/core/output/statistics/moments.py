"""Moments of integers: the accumulator behind means and deviations."""

import dataclasses
import math
import operator
from collections.abc import Iterable, Mapping
from fractions import Fraction

import numpy as np
import pyarrow as pa

from transforms.core.model.columns import COMPUTED, column


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

    @classmethod
    def of(cls, values: np.ndarray) -> "Moments":
        """Those of an array of integers below 2**31, of fewer than 2**32 values.

        >>> Moments.of(np.array([1, 2, 4]))
        Moments(count=3, total=7, squares=21)
        """
        values = values.astype(np.int64)
        low, high = values & 0xFFFF, values >> 16  # no sum below leaves 64 bits
        parts = [int(np.sum(low * low)), int(np.sum(low * high)), int(np.sum(high * high))]
        squares = parts[0] + (parts[1] << 17) + (parts[2] << 32)
        return cls(len(values), int(values.sum()), squares)

    def merge(self, other: "Moments") -> None:
        """Adds another's values."""
        self.count += other.count
        self.total += other.total
        self.squares += other.squares

    def pack(self) -> list:
        """The numbers in what MessagePack can hold: sums as text, they may leave 64 bits."""
        return [self.count, str(self.total), str(self.squares)]

    @classmethod
    def unpack(cls, packed: list) -> "Moments":
        """What `pack` made."""
        count, total, squares = packed
        return cls(count, int(total), int(squares))

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


def merge_moments(own: dict[str, Moments], other: Mapping[str, Moments]) -> None:
    """Adds moments of the same measures, by their names."""
    for measure, moments in other.items():
        own.setdefault(measure, Moments()).merge(moments)


def describe_moments(
    moments: Mapping[str, Moments], scales: Mapping[str, int]
) -> dict[str, float | None]:
    """Columns `MEASURE_sum`, `MEASURE_mean` and `MEASURE_deviation` of a row.

    Args:
      moments: By measure.
      scales: The integer scale of each measure, in order.

    >>> describe_moments({"words": Moments(2, 6, 20)}, {"words": 1})
    {'words_sum': 6.0, 'words_mean': 3.0, 'words_deviation': 1.0}
    """
    return {
        f"{measure}_{name}": value
        for measure, scale in scales.items()
        for name, value in zip(STATISTICS, moments[measure].describe(scale), strict=True)
    }


STATISTICS = {"sum": "sum", "mean": "mean", "deviation": "population standard deviation"}
"""What is told of each measure."""


_UNITS = {
    "narration_seconds": "seconds",
    "words_per_second": "words a second",
    "trace_points": "points",
    "trace_length": "image sizes",
    "narratives_per_image": "narratives",
    "captions_per_image": "captions",
}
"""Units of measures; of all others tokens are counted."""


def moment_fields(measures: Iterable[str]) -> list[pa.Field]:
    """The columns that `describe_moments` fills."""
    return [
        column(
            f"{measure}_{name}",
            pa.float64(),
            f"{told} of {measure.replace('_', ' ')}, of what has it",
            _UNITS.get(measure, "tokens"),
            COMPUTED,
        )
        for measure in measures
        for name, told in STATISTICS.items()
    ]
