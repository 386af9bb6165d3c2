"""Numbers by digest, added up over many sorted runs in memory that does not grow with them."""

import os
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

_ENTRY = np.dtype([("digest", np.uint64), ("number", np.int64)])
_BUCKET_BITS = 8
_AT_ONCE = 1 << 18
"""Entries that are sorted at a time: 4 MB."""


class SortedRuns:
    """Sorted runs in a file, of digests and their numbers.

    Buckets of digests with the same first bits are read from all runs, and sorted. Digests are
    spread evenly, so that a bucket holds a 256th of them: up to 67 million are sorted a few MB at a
    time.

    Args:
      file: Holds the entries, other runs' too; open for reading and writing.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._edges: list[np.ndarray] = []  # of each run: where its buckets begin, and the end

    def append(self, digests: np.ndarray, numbers: np.ndarray) -> None:
        """Adds a run.

        Args:
          digests: Shape `(n,)` uint64, ascending; none twice.
          numbers: Of each, shape `(n,)` int64.
        """
        if not len(digests):
            return
        entries = np.empty(len(digests), _ENTRY)
        entries["digest"], entries["number"] = digests, numbers
        start = self._file.seek(0, os.SEEK_END)
        self._file.write(entries.tobytes())
        firsts = np.arange(1 << _BUCKET_BITS, dtype=np.uint64) << np.uint64(64 - _BUCKET_BITS)
        edges = [*np.searchsorted(digests, firsts), len(digests)]
        self._edges.append(start + np.array(edges) * _ENTRY.itemsize)

    def merged(self, at_once: int = _AT_ONCE) -> Iterator[np.ndarray]:
        """The sums of each distinct digest's numbers, in the order of the digests, piece by piece.

        Args:
          at_once: Entries that a piece is made of, unless one bucket has more.
        """
        if not self._edges:
            return
        edges = np.stack(self._edges)
        for first, end in _pieces(np.diff(edges).sum(axis=0) // _ENTRY.itemsize, at_once):
            yield _add_up(np.concatenate([self._read(*run[[first, end]]) for run in edges]))

    def _read(self, start: int, end: int) -> np.ndarray:
        self._file.seek(start)
        return np.frombuffer(self._file.read(end - start), _ENTRY)


def _pieces(sizes: np.ndarray, at_once: int) -> Iterator[tuple[int, int]]:
    """Consecutive buckets, of so many entries together, as ranges; those of none are left out."""
    first, held = 0, 0
    for bucket, size in enumerate(sizes.tolist()):
        if held and held + size > at_once:
            yield first, bucket
            first, held = bucket, 0
        held += size
    if held:
        yield first, len(sizes)


def _add_up(entries: np.ndarray) -> np.ndarray:
    entries = entries[np.argsort(entries["digest"])]
    digests = entries["digest"]
    firsts = np.flatnonzero(np.append(True, digests[1:] != digests[:-1]))
    return np.add.reduceat(entries["number"], firsts)
