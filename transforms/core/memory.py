"""Large arrays, and keeping the memory that they leave for the next unit.

A unit's arrays are as large as its bytes. Allocators give blocks of that size back to the kernel,
which clears every page that is asked for anew: from a few µs a narrative to as long as all else
takes, where the kernel looks for huge pages (docs/performance.md).
"""

import ctypes
import math
import platform

import numpy as np
import pyarrow as pa

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # of mallopt(3)
_LARGEST = 2**31 - 1

ONE_HEAP = {"MALLOC_ARENA_MAX": "1"}
"""Environment of worker processes: glibc gives each thread a heap of its own without it."""


def empty(shape: int | tuple[int, ...], dtype: type = np.float64) -> np.ndarray:
    """An array of this shape in Arrow's memory pool, not initialised."""
    count = math.prod(shape) if isinstance(shape, tuple) else shape
    buffer = pa.allocate_buffer(count * np.dtype(dtype).itemsize)
    return np.frombuffer(buffer, dtype, count).reshape(shape)


def keep_freed_memory() -> None:
    """Lets this process keep what it frees, in the same heap for numpy and Arrow; for workers.

    It is a setting of the whole process. Where threads have heaps of their own, each keeps its
    share: start workers with `ONE_HEAP` in their environment. Does nothing where the C library is
    not glibc.
    """
    if platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_MAX, 0)
        library.mallopt(_TRIM_THRESHOLD, _LARGEST)
        pa.set_memory_pool(pa.system_memory_pool())
