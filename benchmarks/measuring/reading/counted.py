"""Files that keep account of what is read of them."""

import io
import os
import threading
from typing import Any

from fsspec.implementations.local import LocalFileSystem


class CountedFiles(LocalFileSystem):
    """Files of this machine as if they were in a bucket: read by ranges, each of which is noted.

    Attributes:
      reads: Path, first byte and number of bytes of each, of all files.
    """

    protocol = "counted"
    cachable = False

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[tuple[str, int, int]] = []

    def _open(self, path: str, mode: str = "rb", **_: Any) -> "_CountedFile":
        return _CountedFile(path, self.reads)

    @property
    def bytes(self) -> int:
        """All bytes that were read."""
        return sum(number for *_, number in self.reads)


class _CountedFile(io.RawIOBase):
    """A file with a place for each thread: readers seek and read from several at a time."""

    def __init__(self, path: str, reads: list[tuple[str, int, int]]) -> None:
        super().__init__()
        self._path, self._reads = path, reads
        self._file = open(path, "rb", buffering=0)  # `close` closes it
        self._place = threading.local()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return getattr(self._place, "at", 0)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        size = os.fstat(self._file.fileno()).st_size
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: size}[whence]
        self._place.at = base + offset
        return self._place.at

    def readinto(self, buffer: Any) -> int:
        at = self.tell()
        data = os.pread(self._file.fileno(), len(buffer), at)
        buffer[: len(data)] = data
        self._place.at = at + len(data)
        self._reads.append((self._path, at, len(data)))
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()
