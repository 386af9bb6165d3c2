"""Values that several transforms share."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class FileInfo:
    """A file as it was found.

    Attributes:
      path: Where it is.
      size: Bytes.
      fingerprint: Changes when the file does (local: size and modification time).
      identity: Tells a file from one that took its place during a run with the same fingerprint
        (local: machine, inode and time of change); empty where the fingerprint does so.
    """

    path: str
    size: int
    fingerprint: str
    identity: str = ""

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]
