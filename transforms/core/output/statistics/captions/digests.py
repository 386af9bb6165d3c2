"""How often a unit's images and caption ids occur, by digests of 8 bytes: sorted, to be merged.

Two strings of one digest count as one. Of the five million regions of Visual Genome, the largest
collection, two have the same with a chance of one in a million.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.model.columns import TERM, column, dataset_splits, term
from transforms.core.output.statistics.statistic import Split
from transforms.core.sources.captions.schemas import SPLIT_COLUMNS

TABLE = "digests"

IMAGE, KEY = "image", "key"
"""Whose digests: of an image's id, and of that with a caption's id, of captions that have one."""

SCHEMA = pa.schema(
    [
        *SPLIT_COLUMNS,
        term("whose", f"{IMAGE}: of an image's id; {KEY}: of that with a caption's"),
        column("digest", pa.uint64(), "first 8 bytes of its BLAKE2b; ascending within each kind"),
        column("captions", pa.int64(), "captions of the unit that have it", "captions"),
    ]
)
"""What units set aside."""

_BYTES = 8

_SEPARATOR = "\0"
"""Between an image's id and a caption's, neither of which can hold it."""


class Digests(NamedTuple):
    """Digests of one kind, of captions of a split.

    Attributes:
      split: Of which.
      whose: `IMAGE` or `KEY`.
      digests: Shape `(n,)` uint64, ascending.
      captions: How many have each, shape `(n,)` int64.
    """

    split: Split
    whose: str
    digests: np.ndarray
    captions: np.ndarray


def digests_of_captions(rows: pa.RecordBatch) -> pa.RecordBatch:
    """What a unit sets aside of its captions: rows of `SCHEMA`."""
    splits, split_of_row = dataset_splits(rows, "collection")
    parts = []
    for position, split in enumerate(splits):
        own = rows.filter(pa.array(split_of_row == position)) if len(splits) > 1 else rows
        parts.append(Digests(split, IMAGE, *count_digests(own["image_id"].to_pylist())))
        parts.append(Digests(split, KEY, *count_digests(_keys(own))))
    return _to_rows(parts)


def _keys(rows: pa.RecordBatch) -> list[str]:
    named = rows.filter(pc.is_valid(rows["caption_id"]))
    return pc.binary_join_element_wise(
        named["image_id"], named["caption_id"], _SEPARATOR
    ).to_pylist()


def count_digests(strings: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
    """The distinct digests of strings in order, shape `(n,)` uint64, and how many have each.

    >>> sorted(count_digests(["a", "b", "a"])[1].tolist())
    [1, 2]
    """
    made = b"".join(
        hashlib.blake2b(string.encode(errors="surrogatepass"), digest_size=_BYTES).digest()
        for string in strings
    )
    return np.unique(np.frombuffer(made, np.uint64), return_counts=True)


def _to_rows(parts: list[Digests]) -> pa.RecordBatch:
    part_of_row = np.repeat(np.arange(len(parts)), [len(part.digests) for part in parts])
    terms = (
        [part.split[0] for part in parts],
        [part.split[1] for part in parts],
        [part.whose for part in parts],
    )
    columns = [
        *(pa.array(values, pa.string()).cast(TERM).take(pa.array(part_of_row)) for values in terms),
        np.concatenate([np.empty(0, np.uint64), *(part.digests for part in parts)]),
        np.concatenate([np.empty(0, np.int64), *(part.captions for part in parts)]),
    ]
    return pa.RecordBatch.from_arrays(list(map(pa.array, columns)), schema=SCHEMA)


def parts_of(rows: pa.RecordBatch) -> Iterator[Digests]:
    """What `digests_of_captions` made rows of."""
    splits, split_of_row = dataset_splits(rows, "collection")
    kinds = rows["whose"].cast(pa.string())
    digests, captions = rows["digest"].to_numpy(), rows["captions"].to_numpy()
    for position, split in enumerate(splits):
        for whose in (IMAGE, KEY):
            is_whose = pc.equal(kinds, whose).to_numpy(zero_copy_only=False)
            own = is_whose & (split_of_row == position)
            yield Digests(split, whose, digests[own], captions[own])
