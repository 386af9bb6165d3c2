"""Documents of one JSON value are read in memory that grows with the number of their ids alone."""

import json
import sys

import pytest

from benchmarks.measuring.processes import peak_memory
from tests import build_helpers as helpers

pytestmark = pytest.mark.soak

ITEM = {"image_id": 391895, "id": 770337, "caption": "a man with a red helmet on a dirt road"}
MOST_A_CAPTION = 200
"""Bytes that a caption may take while a document is read: its id's digest of 8 bytes, in the copies
that an engine makes of statistics between stages."""

NOISE = 30e6


def write(path, size):
    """A document of so many bytes, a third of which stand before its list of captions."""
    filler = (json.dumps({"file_name": "x" * 80, "id": 1}) + ", ").encode()
    with path.open("wb") as file:
        file.write(b'{"images": [')
        file.writelines(filler for _ in range(size // 3 // len(filler)))
        file.write(b'{}], "annotations": [')
        one = len(json.dumps(ITEM)) + 2
        items = (json.dumps(ITEM | {"id": number}) for number in range(size * 2 // 3 // one))
        file.writelines(f"{item}, ".encode() for item in items)
        file.write(json.dumps(ITEM).encode() + b"]}")
    return path


def test_memory_is_that_of_a_unit_and_of_ids(tmp_path):
    peaks = {}
    for size in (20_000_000, 200_000_000):
        path = write(tmp_path / f"captions_train{size}.json", size)
        command = [sys.executable, "-m", "pipelines.captions", "--input", str(path), "--output",
                   str(tmp_path / f"out{size}"), "--tagger", "none"]  # fmt: skip
        peaks[size] = peak_memory(command, helpers.ROOT)
    small, large = peaks.values()
    captions = 180_000_000 * 2 // 3 // len(json.dumps(ITEM))
    assert large - small < captions * MOST_A_CAPTION + NOISE, peaks
