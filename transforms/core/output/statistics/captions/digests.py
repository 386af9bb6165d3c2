"""How often each of many strings occurs, by digests of 16 bytes: exact counts in little memory."""

import dataclasses
import hashlib
from collections.abc import Iterable

import numpy as np

_BYTES = 16


@dataclasses.dataclass(slots=True)
class DigestCounts:
    """Numbers by digest.

    Two strings of one digest would count as one; with 128 bits that does not happen (in a billion
    of them with a chance of 1 in 10**21).

    Attributes:
      digests: Arrays of shape `(n, 2)` uint64, each sorted.
      numbers: Arrays of shape `(n,)` int64 beside them.
    """

    digests: list[np.ndarray] = dataclasses.field(default_factory=list)
    numbers: list[np.ndarray] = dataclasses.field(default_factory=list)

    def update(self, strings: Iterable[str]) -> None:
        """Adds strings."""
        made = [
            hashlib.blake2b(string.encode(errors="surrogatepass"), digest_size=_BYTES).digest()
            for string in strings
        ]
        digests = np.frombuffer(b"".join(made), np.uint64).reshape(-1, 2)
        self._add(digests, np.ones(len(digests), np.int64))

    def merge(self, other: "DigestCounts") -> None:
        """Adds another's."""
        for digests, numbers in zip(other.digests, other.numbers, strict=True):
            self._add(digests, numbers)

    def _add(self, digests: np.ndarray, numbers: np.ndarray) -> None:
        self.digests.append(digests)
        self.numbers.append(numbers)
        sizes = [len(part) for part in self.numbers]
        if sum(sizes[1:]) > sizes[0]:  # each is sorted again only when as many have come
            self.compact()

    def compact(self) -> None:
        """Adds up numbers of the same digest."""
        if not self.digests:
            return
        digests, numbers = np.concatenate(self.digests), np.concatenate(self.numbers)
        order = np.lexsort((digests[:, 1], digests[:, 0]))
        digests, numbers = digests[order], numbers[order]
        differs = np.ones(len(digests), bool)
        differs[1:] = (digests[1:] != digests[:-1]).any(axis=1)
        first = np.flatnonzero(differs)
        self.digests = [digests[first]]
        self.numbers = [np.add.reduceat(numbers, first) if len(first) else numbers]

    def values(self) -> np.ndarray:
        """The number of each digest, shape `(n,)` int64, in the order of the digests.

        >>> counts = DigestCounts()
        >>> counts.update(["a", "b", "a"])
        >>> sorted(counts.values().tolist())
        [1, 2]
        """
        self.compact()
        return self.numbers[0] if self.numbers else np.empty(0, np.int64)

    def pack(self) -> list:
        """Digests and numbers as bytes."""
        numbers = self.values()
        digests = self.digests[0] if self.digests else np.empty((0, 2), np.uint64)
        return [digests.tobytes(), numbers.tobytes()]

    @classmethod
    def unpack(cls, packed: list) -> "DigestCounts":
        """What `pack` made."""
        digests, numbers = packed
        return cls(
            [np.frombuffer(digests, np.uint64).reshape(-1, 2)], [np.frombuffer(numbers, np.int64)]
        )
