"""Memory of a process: what a unit leaves kept for the next one, and garbage looked for seldom.

A unit's arrays are as large as its bytes. The C library gives blocks of that size back to the
kernel, which clears every page that is asked for again (docs/performance.md).
"""

import ctypes
import gc
import platform

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # of mallopt(3)
_LARGEST = 2**31 - 1

ONE_HEAP = {"MALLOC_ARENA_MAX": "1"}
"""Environment of worker processes: glibc gives each thread a heap of its own without it."""

_OBJECTS = 50_000
"""New objects after which Python looks for cycles; its default is met 900 times on the sample."""


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


def collect_seldom() -> None:
    """Lets Python look for cycles of garbage seldom; for commands and workers, when they start.

    An eighth of the time of a command on the sample goes into looking at modules, classes and
    Beam's type hints as they are made, none of which is garbage. It is a setting of the whole
    process.
    """
    gc.set_threshold(_OBJECTS, 10, 10)
