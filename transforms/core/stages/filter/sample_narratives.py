"""A sample of narratives by their keys: the same ones on every engine and in every run.

A narrative is in the sample of a share where the hash of its key, taken as a number in [0, 1), is
below the share. So a smaller sample is a part of a larger one, and what else a run does, in which
pieces and order, has no say.
"""

import dataclasses
import hashlib
import math
from collections.abc import Iterable
from fractions import Fraction

import numpy as np
import pyarrow as pa

from transforms.core.model.chunk import Chunk

HASH = "the first 8 bytes of SHA-256 of image_id/annotator_id, big-endian, below share * 2**64"
"""How a narrative is chosen, as a manifest says it."""

_BYTES = 8
_HASHES = 1 << 8 * _BYTES


def hash_key(image_id: str, annotator_id: int) -> int:
    """The hash of a narrative's key, from 0 to 2**64 - 1.

    >>> hash_key("0003bb040a62c86f", 41)
    12125680730406075722
    """
    key = f"{image_id}/{annotator_id}".encode()
    return int.from_bytes(hashlib.sha256(key).digest()[:_BYTES], "big")


def exact_share(share: float) -> Fraction:
    """A share as it was written: 0.1 is one tenth, which no float is."""
    return Fraction(str(share))


def sample_narratives(chunk: Chunk, share: Fraction) -> Chunk:
    """Leaves out narratives that are not in the sample, and counts them.

    Lines without a key, bad and blank ones, stay what they are: bad lines are all found, and their
    share is that of all lines.

    Args:
      chunk: As it was read.
      share: Of all keys, above 0 and at most 1.
    """
    narratives = chunk["narratives"]
    keys = zip(
        narratives["image_id"].to_pylist(), narratives["annotator_id"].to_pylist(), strict=True
    )
    chosen = _are_chosen(keys, share)
    left_out = chunk.left_out + int(np.count_nonzero(~chosen))
    sampled = chunk.with_tables(narratives=narratives.filter(pa.array(chosen)))
    return dataclasses.replace(sampled, left_out=left_out)


def _are_chosen(keys: Iterable[tuple[str, int]], share: Fraction) -> np.ndarray:
    """Whether each key is in the sample, shape `(n,)` bool."""
    bound = math.ceil(share * _HASHES)
    return np.array([hash_key(*key) < bound for key in keys], bool)
