"""What is said before a run on this machine: kernels to compile, workers that do not help."""

import io
import os
import subprocess
import sys

import pytest

from pipelines.cli.engines import local_advice
from tests import build_helpers as helpers
from transforms.core.base.lines import read_block
from transforms.core.sources.narratives import block_scanner
from transforms.core.sources.narratives.block_scanner import KERNEL

COMPILING = "Compiling kernels: about 20 s, only in the first run on this machine.\n"


@pytest.mark.parametrize(
    ("workers", "units", "processors", "expected"),
    [
        (1, 1, 1, []),
        (1, 0, 1, []),
        (2, 2, 2, []),
        (8, 3, 8, ["8 workers for 3 units: 5 of them have nothing to do; a smaller --unit-b"]),
        (2, 1, 2, ["2 workers for 1 unit: 1 of them has nothing to do"]),
        (4, 9, 2, ["4 workers share 2 processors: more workers than processors take memory"]),
        (2, 9, 1, ["2 workers share 1 processor: "]),
        (9, 3, 2, ["9 workers for 3 units: 6", "9 workers share 2 processors"]),
    ],
)
def test_workers_that_do_not_help_are_said(workers, units, processors, expected):
    found = local_advice.describe_workers(workers, units, processors)
    assert len(found) == len(expected)
    for line, start in zip(found, expected, strict=True):
        assert line.startswith(f"note: {start}")


@pytest.mark.parametrize(("units", "compiled"), [(1, False), (1, True), (0, False)])
def test_compiling_is_said_where_there_is_something_to_do(monkeypatch, units, compiled):
    monkeypatch.setattr(local_advice, "_is_compiled", lambda: compiled)
    stream = io.StringIO()
    local_advice.advise(1, units, stream)
    assert stream.getvalue() == (COMPILING if units and not compiled else "")


SMALL_KERNEL = """
import numpy as np
from transforms.core.base.compiled import compiled, is_compiled

@compiled
def double(values):
    return values * 2

before = is_compiled(double)
double(np.ones(1))
print(before, is_compiled(double))
"""


def test_the_cache_of_kernels_tells_whether_they_are_compiled(tmp_path):
    """Before the first call there is nothing in it, and after it there is, for the next too."""
    program = tmp_path / "program.py"
    program.write_text(SMALL_KERNEL)
    paths = {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(helpers.ROOT)}
    for expected in ("False True", "True True"):
        ended = subprocess.run(
            [sys.executable, program], env=os.environ | paths, capture_output=True, text=True
        )
        assert ended.stdout.strip() == expected, ended.stderr


def test_the_kernel_that_is_asked_about_is_one_that_scanning_compiles(monkeypatch):
    called = []

    def noted(*arguments):
        called.append(len(arguments))
        return KERNEL(*arguments)

    monkeypatch.setattr(block_scanner, KERNEL.__name__, noted)
    with helpers.REAL.open("rb") as file:
        block_scanner.scan_block(read_block(file, 0, 100_000)[1])
    assert called
    assert local_advice._is_compiled()
