"""Values that several transforms share."""

import dataclasses
from typing import Protocol


@dataclasses.dataclass(frozen=True)
class FileInfo:
    """A file as it was found.

    Attributes:
      path: Where it is.
      size: Bytes.
      fingerprint: Changes when the file does (local: size and modification time).
      identity: Tells a file from one that took its place during a run with the same fingerprint
        (local: machine, inode and time of change); empty where the fingerprint does so.
      content: Changes when the content does, whatever the file's dates (`content_of`); empty where
        that takes reading the file.
    """

    path: str
    size: int
    fingerprint: str
    identity: str = ""
    content: str = ""

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]


def content_of(size: int, crc32c: int) -> str:
    """The fingerprint of a content: the same on every disk and in every bucket.

    >>> content_of(9, 0xE3069283)
    '9-e3069283'
    """
    return f"{size}-{crc32c:08x}"


class ListedFile(Protocol):
    """A file as a manifest describes it."""

    @property
    def path(self) -> str:
        """Where it is, below the manifest's folder."""

    @property
    def bytes(self) -> int:
        """Its size."""

    @property
    def crc32c(self) -> int:
        """Its checksum."""


@dataclasses.dataclass(frozen=True)
class StoredFile:
    """A file below a folder, as it was found by listing.

    Attributes:
      path: Where it is, below the folder.
      size: Bytes.
      modified: Seconds since 1970 when its content was written.
      identity: The same for all names of one content (local: device and inode; a bucket: the
        object's own generation).
      names: How many names the content has, in the folder and elsewhere: its bytes are free when
        all of them are gone.
    """

    path: str
    size: int
    modified: float
    identity: str
    names: int = 1
