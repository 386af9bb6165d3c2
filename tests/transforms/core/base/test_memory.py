"""Memory that stays with the process."""

import platform
import subprocess
import sys

import pytest

from tests.conftest import ROOT

FAULTS = """
import resource, sys
import numpy as np
from transforms.core.base import memory

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def touch():
    before = faults()
    np.empty(64 << 20, np.uint8)[::4096] = 1
    return faults() - before

if sys.argv[1] == "keep":
    memory.keep_freed_memory()
touch()
print(touch())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these settings")
def test_freed_memory_is_there_for_the_next_array():
    assert page_faults("give back") > 0  # of pages of 4 kB or of 2 MB
    assert page_faults("keep") == 0


def page_faults(what):
    """Faults when 64 MB are taken a second time, in a process of its own."""
    run = subprocess.run(
        [sys.executable, "-c", FAULTS, what], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return int(run.stdout)
