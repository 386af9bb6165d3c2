"""Documents of one JSON value take memory that grows neither with them nor with their ids."""

import json
import pathlib
import re
import sys

import pytest

from benchmarks.measuring.processes import watch
from tests import build_helpers as helpers

pytestmark = pytest.mark.soak

CAPTION = "a man with a red helmet on a dirt road"
SMALL, LARGE = 24_000_000, 200_000_000
MOST = 1.15
"""What the large document may take, as a multiple of the small one, which is several units too."""


def write(path, size):
    """A document of so many bytes, a third of which stand before its list of captions.

    Each caption has an id and an image of its own; these are all that a program could gather.
    """
    filler = (json.dumps({"file_name": "x" * 80, "id": 1}) + ", ").encode()
    with path.open("wb") as file:
        file.write(b'{"images": [')
        file.writelines(filler for _ in range(size // 3 // len(filler)))
        file.write(b'{}], "annotations": [')
        number = 0
        while file.tell() < size:
            item = {"image_id": number, "id": number, "caption": CAPTION}
            file.write((", " if number else "").encode() + json.dumps(item).encode())
            number += 1
        file.write(b"]}")
    return number


def anonymous(pid):
    """Bytes of a process and all that it has started that are not of files.

    Pages of libraries count the less the more processes on the machine have them, so that they
    tell two runs apart that are the same.
    """
    found = 0
    for process in (pid, *helpers.descendants(pid)):
        try:
            text = pathlib.Path(f"/proc/{process}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        found += sum(1024 * int(kilobytes) for kilobytes in re.findall(r"Pss_Anon: +(\d+)", text))
    return found


def test_memory_is_flat(tmp_path):
    peaks = {}
    for size in (SMALL, LARGE):
        path, output = tmp_path / f"captions_train{size}.json", tmp_path / f"out{size}"
        captions = write(path, size)
        command = [sys.executable, "-m", "pipelines.captions", "--input", str(path), "--output",
                   str(output), "--tagger", "none"]  # fmt: skip
        looks = {"memory": anonymous}
        peaks[size] = watch(command, looks, helpers.ROOT, interval=0.02)["memory"]
        (row,) = helpers.rows_of(output, "richness")
        assert (row["captions"], row["images"], row["repeated"]) == (captions, captions, 0)
    assert 50e6 < peaks[SMALL] and peaks[LARGE] < MOST * peaks[SMALL], peaks
