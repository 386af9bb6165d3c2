"""Tar archives as streams: members in turn, and every byte between them accounted for.

Python's `tarfile` does not return what it reads between members, which a unit's checksum covers.
"""

import dataclasses
import tarfile
from collections.abc import Callable
from typing import BinaryIO

from transforms.core.base.errors import UsageError, shown

BLOCK = tarfile.BLOCKSIZE

_LONG_NAME, _PAX, _PAX_GLOBAL = tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE
_LONG_LINK = tarfile.GNUTYPE_LONGLINK
_MOST_NAME = 1 << 16
_PIECE = 1 << 20


@dataclasses.dataclass
class Member:
    """A member that holds lines.

    Attributes:
      name: Its path in the archive; empty for a file that is none.
      start: Where its first byte is in the stream.
      read: Reads so many of its bytes, fewer only at its end.
    """

    name: str
    start: int
    read: Callable[[int], bytes]


class TarStream:
    """An archive, front to back.

    Args:
      file: Its bytes, decompressed.
      name: What it is called in messages.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file, self._name = file, name
        self._at, self._left, self._padding = 0, 0, 0
        self._framing: list[bytes] = []

    def take_framing(self) -> bytes:
        """What was read, and not taken, that is no member's."""
        framing, self._framing = b"".join(self._framing), []
        return framing

    def next(self) -> Member | None:
        """The next member that holds lines, of which the one before must have been read.

        Hidden files, which other systems leave beside each, are passed over. None at the end.

        Raises:
          UsageError: It is no tar archive, or cut short.
        """
        self._skip(self._padding)
        self._padding, name, size = 0, "", None
        while True:
            header = self._take(BLOCK)
            if not header.strip(b"\0"):
                self._drain()
                return None
            info = self._parse(header)
            if info.type in (_LONG_NAME, _PAX, _PAX_GLOBAL, _LONG_LINK):
                found = self._read_extension(info)
                name, size = found.get("path", name), found.get("size", size)
                continue
            length = int(size) if size is not None else info.size
            path = name or info.name
            name, size = "", None
            if info.isreg() and not path.rpartition("/")[2].startswith("."):
                self._left, self._padding = length, -length % BLOCK
                return Member(path, self._at, self._read)
            self._skip(length + -length % BLOCK if info.isreg() else 0)

    def _parse(self, header: bytes) -> tarfile.TarInfo:
        try:
            info = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise UsageError(
                f"{shown(self._name)}: is no tar archive, or is corrupt at byte "
                f"{self._at - BLOCK:,} ({shown(error)}): get it again"
            ) from error
        if info.issparse():
            raise UsageError(
                f"{shown(self._name)}: {shown(info.name)} is stored as a sparse file: unpack the "
                "archive, and give its files"
            )
        return info

    def _read_extension(self, info: tarfile.TarInfo) -> dict[str, str]:
        """Path and size of the member behind it, where a header of its own states them."""
        if info.size > _MOST_NAME:
            self._skip(info.size + -info.size % BLOCK)
            return {}
        data = self._take(info.size + -info.size % BLOCK)[: info.size]
        if info.type == _LONG_NAME:
            return {"path": data.rstrip(b"\0").decode("utf-8", "surrogateescape")}
        return _read_pax(data) if info.type == _PAX else {}

    def _take(self, size: int) -> bytes:
        data = _read_all(self._file, size)
        if len(data) < size:
            raise UsageError(
                f"{shown(self._name)}: is cut short at byte {self._at + len(data):,}, or no tar "
                "archive: get it again"
            )
        self._at += size
        self._framing.append(data)
        return data

    def _skip(self, size: int) -> None:
        while size > 0:
            size -= len(self._take(min(size, _PIECE)))

    def _drain(self) -> None:
        while data := self._file.read(_PIECE):
            self._at += len(data)
            self._framing.append(data)

    def _read(self, size: int) -> bytes:
        data = _read_all(self._file, min(size, self._left))
        if self._left and size and not data:
            raise UsageError(
                f"{shown(self._name)}: is cut short at byte {self._at:,}: get it again"
            )
        self._left -= len(data)
        self._at += len(data)
        return data


def _read_pax(data: bytes) -> dict[str, str]:
    r"""Records `LENGTH KEY=VALUE\n` of an extended header.

    >>> _read_pax(b"14 path=a/b.c\n")
    {'path': 'a/b.c'}
    """
    found: dict[str, str] = {}
    while data.strip(b"\0"):
        length, _, rest = data.partition(b" ")
        if not length.isdigit() or not 0 < int(length) <= len(data):
            break
        key, _, value = data[len(length) + 1 : int(length)].rstrip(b"\n").partition(b"=")
        found[key.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        data = data[int(length) :]
    return found


def _read_all(file: BinaryIO, size: int) -> bytes:
    parts: list[bytes] = []
    while size > 0 and (part := file.read(size)):
        parts.append(part)
        size -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


class PlainStream:
    """A file that is no archive, as its only member.

    Args:
      file: Its bytes, decompressed.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._given = file, False

    def take_framing(self) -> bytes:
        """There is none."""
        return b""

    def next(self) -> Member | None:
        """The file, then None."""
        if self._given:
            return None
        self._given = True
        return Member("", 0, lambda size: _read_all(self._file, size))
