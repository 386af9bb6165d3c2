"""Numbers of traces as they were published."""

from collections.abc import Sequence

import pyarrow as pa


def shortest(points: Sequence[float]) -> list[float]:
    """The shortest decimals that are these float32: the published ones.

    >>> import numpy as np
    >>> shortest(np.float32([0.1, 0.25]))
    [0.1, 0.25]
    """
    texts = pa.array(points, pa.float32()).cast(pa.string())
    return texts.cast(pa.float64()).to_pylist()
