"""How often each of many strings occurs, by digests of 8 bytes: counts in little memory."""

import dataclasses
import hashlib
from collections.abc import Iterable

import numpy as np

_BYTES = 8


@dataclasses.dataclass(slots=True)
class DigestCounts:
    """Numbers by digest.

    Two strings of one digest count as one. Of the five million regions of Visual Genome, the
    largest collection, two have the same with a chance of one in a million.

    Attributes:
      digests: Arrays of shape `(n,)` uint64, each sorted.
      numbers: Arrays of shape `(n,)` int64 beside them.
    """

    digests: list[np.ndarray] = dataclasses.field(default_factory=list)
    numbers: list[np.ndarray] = dataclasses.field(default_factory=list)

    def update(self, strings: Iterable[str]) -> None:
        """Adds strings."""
        made = b"".join(
            hashlib.blake2b(string.encode(errors="surrogatepass"), digest_size=_BYTES).digest()
            for string in strings
        )
        digests, numbers = np.unique(np.frombuffer(made, np.uint64), return_counts=True)
        self._add(digests, numbers)

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
        if len(self.digests) < 2:
            return
        digests, numbers = np.concatenate(self.digests), np.concatenate(self.numbers)
        order = np.argsort(digests)
        digests, numbers = digests[order], numbers[order]
        first = np.flatnonzero(np.diff(digests, prepend=~digests[:1]))
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
        """Digests and numbers as bytes; no numbers where all are 1, as those of ids are."""
        numbers = self.values()
        digests = self.digests[0] if self.digests else np.empty(0, np.uint64)
        return [digests.tobytes(), b"" if (numbers == 1).all() else numbers.tobytes()]

    @classmethod
    def unpack(cls, packed: list) -> "DigestCounts":
        """What `pack` made."""
        digests = np.frombuffer(packed[0], np.uint64)
        numbers = np.frombuffer(packed[1], np.int64) if packed[1] else np.ones(len(digests), int)
        return cls([digests], [numbers])
