"""The trace of a narrative as arrays."""

import numpy as np
import pyarrow as pa

from transforms.core.model.columns import numbers, unpack


def points(narratives: pa.RecordBatch) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The flattened trace points: offsets `(n + 1,)` and x, y, t `(n_points,)` float64 each."""
    trace = narratives["trace"]
    offsets, x = unpack(trace.field("x"))
    _, y = unpack(trace.field("y"))
    _, t = unpack(trace.field("t"))
    return offsets, numbers(x), numbers(y), numbers(t)
