"""Chance: one independent stream of random numbers for each narrative."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

_BATCH = 256


def narrative_generator(seed: int, index: int) -> np.random.Generator:
    """The generator of narrative `index`: depends on nothing but the two numbers."""
    return np.random.Generator(np.random.Philox(key=np.array([seed, index], np.uint64)))


class Dice:
    """Single draws of Python values, from numbers that are drawn in batches."""

    __slots__ = ("_generator", "_rolls")

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator
        self._rolls: list[float] = []

    def roll(self) -> float:
        """A number of [0, 1)."""
        if not self._rolls:
            self._rolls = self._generator.random(_BATCH).tolist()
        return self._rolls.pop()

    def chance(self, share: float) -> bool:
        """True with this probability."""
        return self.roll() < share

    def below(self, end: int) -> int:
        """An integer of 0 to `end` - 1."""
        return int(self.roll() * end)

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices, each as likely."""
        return choices[int(self.roll() * len(choices))]
