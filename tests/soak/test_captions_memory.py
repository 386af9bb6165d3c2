"""Documents of one JSON value are read in memory that does not grow with them."""

import json
import sys

import pytest

from benchmarks.measuring.processes import peak_memory
from tests import build_helpers as helpers

pytestmark = pytest.mark.soak

ITEM = {"image_id": 391895, "id": 770337, "caption": "a man with a red helmet on a dirt road"}
MOST_GROWTH = 60e6
"""Bytes by which a document ten times as large may take more: digests of its ids, and noise."""


def write(path, size):
    """A document of so many bytes, a third of which stand before its list of captions."""
    item = (json.dumps(ITEM) + ", ").encode()
    filler = (json.dumps({"file_name": "x" * 80, "id": 1}) + ", ").encode()
    with path.open("wb") as file:
        file.write(b'{"images": [')
        file.writelines(filler for _ in range(size // 3 // len(filler)))
        file.write(b'{}], "annotations": [')
        file.writelines(item for _ in range(size * 2 // 3 // len(item)))
        file.write(json.dumps(ITEM).encode() + b"]}")
    return path


def test_memory_is_flat(tmp_path):
    peaks = {}
    for size in (20_000_000, 200_000_000):
        path = write(tmp_path / f"captions_train{size}.json", size)
        command = [sys.executable, "-m", "pipelines.captions", "--input", str(path), "--output",
                   str(tmp_path / f"out{size}"), "--tagger", "none"]  # fmt: skip
        peaks[size] = peak_memory(command, helpers.ROOT)
    small, large = peaks.values()
    assert large - small < MOST_GROWTH, peaks
