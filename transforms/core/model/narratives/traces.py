"""The trace of a narrative as arrays."""

import numpy as np
import pyarrow as pa

from transforms.core.base.compiled import compiled
from transforms.core.model.columns import list_array, numbers, unpack
from transforms.core.model.narratives.schemas import TRACE, TRACE_DECIMALS


def points(narratives: pa.RecordBatch) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The flattened trace points: offsets `(n + 1,)` and x, y, t `(n_points,)` float64 each."""
    trace = narratives["trace"]
    offsets, x = unpack(trace.field("x"))
    _, y = unpack(trace.field("y"))
    _, t = unpack(trace.field("t"))
    return offsets, numbers(x), numbers(y), numbers(t)


def is_rounded(narratives: pa.RecordBatch) -> np.ndarray:
    """Whether float32 and the published decimals do not tell a narrative's trace, `(n,)` bool.

    Args:
      narratives: With traces in float64.
    """
    offsets, *axes = points(narratives)
    found = np.zeros(len(narratives), np.bool_)
    for values, decimals in zip(axes, TRACE_DECIMALS.values(), strict=True):
        _find_rounded(offsets, values, 10.0**decimals, found)
    return found


@compiled
def _find_rounded(offsets, values, scale, found):
    for row in range(len(found)):
        for k in range(offsets[row], offsets[row + 1]):
            if np.rint(np.float64(np.float32(values[k])) * scale) / scale != values[k]:
                found[row] = True
                break


def exact_traces(column: pa.StructArray) -> pa.StructArray:
    """A table's traces, in float32, as they were published: `schemas.TRACE`, without nulls.

    Exact where `is_rounded` has said so.
    """
    axes = []
    for name, decimals in TRACE_DECIMALS.items():
        offsets, values = unpack(column.field(name))
        scale = 10.0**decimals
        axes.append(
            list_array(
                offsets, pa.array(np.rint(numbers(values).astype(np.float64) * scale) / scale)
            )
        )
    return pa.StructArray.from_arrays(axes, fields=list(TRACE))
