"""The decorators of compiled kernels.

Kernels take and return flat numpy arrays for a whole chunk, release the GIL (so that threads of
one worker overlap) and are cached beside the source, or in `NUMBA_CACHE_DIR` where that is set.
"""

import numba

compiled = numba.njit(cache=True, nogil=True, error_model="numpy")
"""Compiles a kernel. Division by zero gives infinity, as numpy's does, and raises nothing."""

inlined = numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")
"""Compiles a few lines into their callers: for what is done many times a trace point."""


def is_compiled(kernel: numba.core.dispatcher.Dispatcher) -> bool:
    """Whether machine code of a kernel is in the cache, made from its present source."""
    return bool(kernel._cache._cache_file._load_index())
