"""Flags of narratives that are odd but good: bit masks in a chunk, lists of names in tables."""

from collections.abc import Collection

import numpy as np
import pyarrow as pa

from transforms.core.base.compiled import compiled
from transforms.core.model.columns import list_array, term_codes, unpack
from transforms.core.model.narratives import schemas


def combine(**conditions: np.ndarray) -> np.ndarray:
    """Bit masks, shape `(n,)` uint32, from one boolean array per flag."""
    masks = [
        condition.astype(np.uint32) << schemas.FLAGS.index(name)
        for name, condition in conditions.items()
    ]
    return np.bitwise_or.reduce(masks)


def carried(masks: np.ndarray, name: str) -> np.ndarray:
    """Which narratives carry a flag, shape `(n,)` bool."""
    return masks >> schemas.FLAGS.index(name) & 1 > 0


def count(masks: np.ndarray) -> dict[str, int]:
    """How many narratives carry each flag; flags that none carries are left out."""
    counts = {
        name: int(np.count_nonzero(masks >> bit & 1)) for bit, name in enumerate(schemas.FLAGS)
    }
    return {name: number for name, number in counts.items() if number}


def names(masks: np.ndarray, vocabulary: tuple[str, ...] = schemas.FLAGS) -> pa.ListArray:
    """Each mask as the list of the names of its bits; shape `(n,)`."""
    bits = masks[:, None] >> np.arange(len(vocabulary), dtype=np.uint32) & 1
    rows, which = np.nonzero(bits)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(masks)))])
    values = pa.DictionaryArray.from_arrays(which.astype(np.int32), pa.array(vocabulary))
    return list_array(offsets, values)


def masks(column: pa.ListArray, without: Collection[str] = ()) -> np.ndarray:
    """Bit masks of lists of names, shape `(n,)` uint32: what `names` made lists of.

    Args:
      column: Lists of flags, as tables have them.
      without: Flags that are left out.
    """
    offsets, values = unpack(column)
    codes, vocabulary = term_codes(values)
    bits = [
        0 if name is None or name in without else 1 << schemas.FLAGS.index(name)
        for name in vocabulary
    ]
    found = np.zeros(len(column), np.uint32)
    rows = np.repeat(np.arange(len(column)), np.diff(offsets))
    np.bitwise_or.at(found, rows, np.array(bits, np.uint32)[codes])
    return found


@compiled
def any_outside(offsets, x, y):
    """Whether any point of a narrative lies outside [0, 1]², shape `(n,)` bool."""
    found = np.zeros(len(offsets) - 1, np.bool_)
    for i in range(len(found)):
        for k in range(offsets[i], offsets[i + 1]):
            if not (0 <= x[k] <= 1 and 0 <= y[k] <= 1):
                found[i] = True
                break
    return found


@compiled
def in_order(point_offsets, t):
    """Whether each narrative's times never decrease, shape `(n,)` bool."""
    ordered = np.ones(len(point_offsets) - 1, np.bool_)
    for i in range(len(ordered)):
        steps_back = 0
        for k in range(point_offsets[i] + 1, point_offsets[i + 1]):
            steps_back += t[k] < t[k - 1]
        ordered[i] = steps_back == 0
    return ordered
