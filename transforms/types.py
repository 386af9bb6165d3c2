"""Values that several transforms share."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class FileInfo:
    """A file as it was found.

    Attributes:
      path: Where it is.
      size: Bytes.
      fingerprint: Changes when the file does (local: size and modification time).
    """

    path: str
    size: int
    fingerprint: str

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]
