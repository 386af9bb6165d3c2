"""Large arrays, and memory that stays with the process."""

import platform
import subprocess
import sys

import numpy as np
import pytest

from tests.conftest import ROOT
from transforms.core import memory

FAULTS = """
import resource, sys
import numpy as np
import pyarrow as pa
from transforms.core import memory

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def touch():
    before = faults()
    np.frombuffer(pa.allocate_buffer(64 << 20), np.uint8)[::4096] = 1
    return faults() - before

if sys.argv[1] == "keep":
    memory.keep_freed_memory()
else:
    pa.set_memory_pool(pa.system_memory_pool())
touch()
print(touch())
"""


@pytest.mark.parametrize("shape", [0, 7, (3, 0), (2, 5)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float64])
def test_arrays_have_the_shape_and_can_be_written(shape, dtype):
    array = memory.empty(shape, dtype)
    assert array.shape == np.empty(shape).shape
    assert array.dtype == dtype
    array[...] = 1
    assert array.sum() == array.size


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these settings")
def test_freed_memory_is_there_for_the_next_array():
    pages = (64 << 20) // 4096
    assert page_faults("give back") > pages / 2
    assert page_faults("keep") < pages / 100


def page_faults(what):
    """Faults when 64 MB are taken a second time, in a process of its own."""
    run = subprocess.run(
        [sys.executable, "-c", FAULTS, what], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return int(run.stdout)
