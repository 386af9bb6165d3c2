"""The decorator of the compiled kernels.

Kernels take and return flat numpy arrays for a whole chunk, release the GIL (so that threads of
one worker overlap) and are cached beside the source, or in `NUMBA_CACHE_DIR` where that is set.
"""

import numba

compiled = numba.njit(cache=True, nogil=True)
