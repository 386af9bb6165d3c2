"""Keeping the memory that a unit leaves for the next one.

A unit's arrays are as large as its bytes. The C library gives blocks of that size back to the
kernel, which clears every page that is asked for again (docs/performance.md).
"""

import ctypes
import platform

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # of mallopt(3)
_LARGEST = 2**31 - 1

ONE_HEAP = {"MALLOC_ARENA_MAX": "1"}
"""Environment of worker processes: glibc gives each thread a heap of its own without it."""


def keep_freed_memory() -> None:
    """Lets this process keep what numpy frees; for workers. Arrow's own pool does so anyway.

    It is a setting of the whole process. Where threads have heaps of their own, each keeps its
    share: start workers with `ONE_HEAP` in their environment. Does nothing where the C library is
    not glibc.
    """
    if platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_MAX, 0)
        library.mallopt(_TRIM_THRESHOLD, _LARGEST)
