"""A reader of an output, as its users have them: by the pointer, every row of every table."""

import contextlib
import io
import json
import threading
from collections.abc import Collection, Iterator

import fastavro
import google_crc32c
import pyarrow.parquet as pq

PAUSE = 0.05
"""Seconds between two times, in which what else is in this process can work."""

ROUNDS = 2
"""How often a version is read at least, however short a reader works."""


def read_version(folder, excused: Collection[str] = ()) -> dict[str, int]:
    """Reads all tables of a version, and its pages; returns checksums of its tables' files by path.

    Args:
      folder: The version's.
      excused: Files, below it, that need not be what the manifest says.

    Raises:
      AssertionError: A file is not what the manifest says.
      OSError: It is not there.
    """
    manifest = json.loads((folder / "manifest.json").read_text())
    for file in [*manifest["files"], *manifest["pages"]]:
        if file["path"] in excused:
            continue
        data = (folder / file["path"]).read_bytes()
        assert google_crc32c.value(data) == file["crc32c"], file["path"]
        if "rows" in file:
            assert rows_in(file["path"], data) == file["rows"], file["path"]
    return {file["path"]: file["crc32c"] for file in manifest["files"]}


def rows_in(path: str, data: bytes) -> int:
    """How many rows a file holds, all of which are read."""
    if path.endswith(".avro"):
        return sum(1 for _ in fastavro.reader(io.BytesIO(data)))
    return pq.read_table(io.BytesIO(data), use_threads=False).num_rows


class Reader(threading.Thread):
    """Reads the current version again and again, and keeps what was not as its manifest says.

    One that stops being current while it is read, or is made again, is read no further: without a
    grace period it may be removed at once, and its pages say when it was made.
    """

    def __init__(self, output, excused: Collection[str] = ()):
        super().__init__()
        self.output, self.excused, self.stopped = output, excused, threading.Event()
        self.wrong, self.read = [], 0

    def run(self):
        while not self.stopped.is_set() or self.read < ROUNDS and not self.wrong:
            folder, manifest = self.look()
            try:
                read_version(folder, self.excused)
                self.read += 1
            except (OSError, ValueError, AssertionError) as error:
                if (folder, manifest) == self.look():
                    self.wrong.append(repr(error))
            self.stopped.wait(PAUSE)

    def look(self):
        """The current version's folder and the bytes of its manifest, None where it has none."""
        folder = self.output / "versions" / (self.output / "CURRENT").read_text().strip()
        with contextlib.suppress(OSError):
            return folder, (folder / "manifest.json").read_bytes()
        return folder, None


@contextlib.contextmanager
def reading(output, excused: Collection[str] = ()) -> Iterator[Reader]:
    """A reader beside the block, which must not have met anything wrong when the block ends."""
    reader = Reader(output, excused)
    reader.start()
    try:
        yield reader
    finally:
        reader.stopped.set()
        reader.join()
    assert not reader.wrong, f"the reader met {reader.wrong[:3]}"
