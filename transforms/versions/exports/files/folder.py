"""The folder that an export writes to: files that appear complete, each with its checksum."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Collection, Iterator, Sequence
from typing import BinaryIO

import google_crc32c

from transforms import storage
from transforms.core.base.errors import telling_room
from transforms.core.model.manifest_entries import PageFile


class FileInWriting:
    """A file that grows; knows what it is when its block has ended.

    Args:
      path: Below the folder.
      file: Takes the bytes.
    """

    def __init__(self, path: str, file: BinaryIO) -> None:
        self._path, self._file = path, file
        self._bytes, self._crc = 0, 0

    def write(self, data: bytes) -> int:
        """Appends bytes."""
        self._bytes += len(data)
        self._crc = google_crc32c.extend(self._crc, data)
        return self._file.write(data)

    @property
    def listed(self) -> PageFile:
        """The file with its bytes and checksum."""
        return PageFile(self._path, self._bytes, self._crc)


@dataclasses.dataclass(frozen=True)
class ExportFolder:
    """A folder, on this machine or in a bucket.

    Attributes:
      path: The folder. Paths of files are below it.
    """

    path: str

    def place(self, path: str) -> str:
        """A file of it, as storage takes it."""
        return storage.join(self.path, path)

    def read(self, path: str) -> bytes:
        """All bytes of a file of it."""
        return storage.read_bytes(self.place(path))

    def write(self, path: str, data: bytes) -> PageFile:
        """Writes a file completely."""
        with self.new_file(path) as file:
            file.write(data)
        return file.listed

    @contextlib.contextmanager
    def new_file(self, path: str) -> Iterator[FileInWriting]:
        """A file that is there when the block has ended; one that fails leaves nothing."""
        place = self.place(path)
        with (
            storage.new_file(place) as local,
            telling_room(place),
            pathlib.Path(local).open("wb") as file,
        ):
            yield FileInWriting(path, file)

    def listed(self, paths: Sequence[str]) -> list[PageFile]:
        """Files as they are now, of those that are there."""
        sums = storage.checksums(self.path, paths)
        sizes = {file.path: file.size for file in storage.walk(self.path)}
        return [PageFile(path, sizes[path], sums[path]) for path in paths if path in sums]

    def remove_others(self, kept: Collection[str]) -> None:
        """Removes all files but these."""
        others = [file for file in storage.walk(self.path) if file.path not in kept]
        storage.remove_files(self.path, others)
