"""Members of an archive as files, for readers of CSV that take one file each."""

import contextlib
import io
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple, cast

from transforms.core.base.errors import UsageError, shown
from transforms.core.sources.annotations.releases.files.archive import Member, TarStream
from transforms.core.sources.annotations.releases.forms import Form, form_of

_HEADER_BYTES = 1 << 16


class MemberFile(NamedTuple):
    """A member behind its header line.

    Attributes:
      number: Its position in the archive, from 0.
      name: Its path in the archive.
      form: What it holds.
      header_bytes: Bytes of its header line.
      file: Its rows.
    """

    number: int
    name: str
    form: Form
    header_bytes: int
    file: BinaryIO


class _Reader(io.RawIOBase):
    """A member's bytes."""

    def __init__(self, member: Member) -> None:
        self._member = member

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._member.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def drain(self) -> None:
        """Reads what is left."""
        while self._member.read(_HEADER_BYTES):
            pass


def members_of(file: BinaryIO, name: str, kind: str) -> Iterator[MemberFile]:
    """The members of a kind, each to be read before the next one.

    Args:
      file: The archive, decompressed.
      name: What it is called in messages.
      kind: A kind of `columns.COLUMNS`.

    Raises:
      UsageError: It is no archive, or holds none.
    """
    stream, number, found = TarStream(file, name), 0, False
    while (member := stream.next()) is not None:
        reader = _Reader(member)
        rows = cast(BinaryIO, io.BufferedReader(reader))
        header = rows.readline(_HEADER_BYTES)
        form = form_of(member.name, header, "")
        if form.kind == kind:
            found = True
            yield MemberFile(number, member.name, form, len(header), rows)
        reader.drain()
        number += 1
        stream.take_framing()
    if not found:
        raise UsageError(
            f"{shown(name)}: holds no file of {kind}: give the archive with the option of what it "
            "holds"
        )


@contextlib.contextmanager
def open_member(file: BinaryIO, name: str, kind: str, number: int) -> Iterator[BinaryIO]:
    """A member, found again, behind its header line.

    Args:
      file: The archive, decompressed and at its beginning.
      name: What it is called in messages.
      kind: As of `members_of`.
      number: The member's.
    """
    yield next(found.file for found in members_of(file, name, kind) if found.number == number)
