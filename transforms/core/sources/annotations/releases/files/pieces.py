"""Streams of files and archives cut into pieces of complete records, in flat memory."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec
import numpy as np

from transforms.core.base.errors import UsageError, shown
from transforms.core.base.lines import MAX_LINE_BYTES
from transforms.core.sources.annotations.releases.files.archive import (
    Member,
    PlainStream,
    TarStream,
)
from transforms.core.sources.annotations.releases.files.records import line_ends, record_ends
from transforms.core.sources.annotations.releases.forms import UNKNOWN, Form

HEAD_BYTES = 1 << 16


class Piece(NamedTuple):
    """Records of one member, and what stands before them in the stream.

    Attributes:
      start: Where it begins in the stream.
      before: Bytes of the archive that are no member's, before the records.
      records: Shape `(n,)` uint8: complete records.
      behind: As `before`, behind the last records of the stream.
      form: What the records are.
      line: The number, from 1, of the first line in its member.
      last: Whether it is the last of the stream.
    """

    start: int
    before: bytes
    records: np.ndarray
    behind: bytes
    form: Form
    line: int
    last: bool

    @property
    def records_start(self) -> int:
        """Where its records begin in the stream."""
        return self.start + len(self.before)

    @property
    def end(self) -> int:
        """One past its last byte in the stream."""
        return self.records_start + len(self.records) + len(self.behind)


def ends_of(records: np.ndarray, form: Form, is_end: bool = True) -> np.ndarray:
    """Where records of a form end: with their lines, but for kinds that hold free text.

    Args:
      records: Shape `(n,)` uint8, from the beginning of a record.
      form: What they are.
      is_end: Whether the member ends behind them.
    """
    if form.is_free_text:
        return record_ends(records, len(form.columns), is_end)
    ends = line_ends(records)
    unfinished = len(ends) and not is_end and records[-1] != ord("\n")
    return ends[:-1] if unfinished else ends


FormOf = Callable[[Member, bytes], Form]
"""Determines what a member is by its name and first bytes."""


def cut_stream(
    stream: TarStream | PlainStream, piece_bytes: int, form_of: FormOf, name: str
) -> Iterator[Piece]:
    """Cuts a stream into pieces, each of one member and of at least `piece_bytes` but the last.

    Args:
      stream: The file or archive.
      piece_bytes: Bytes of records that are enough for a piece.
      form_of: Determines what members are.
      name: The file's, for messages.

    Raises:
      UsageError: A line has over `MAX_LINE_BYTES`.
    """
    start, piece = 0, None
    member = stream.next()
    while member is not None:
        for records, form, line, at_end in _cut_member(member, piece_bytes, form_of, name):
            before = stream.take_framing()
            if at_end:
                member = stream.next()
            last = at_end and member is None
            behind = stream.take_framing() if last else b""
            piece = Piece(start, before, records, behind, form, line, last)
            start = piece.end
            yield piece
    if piece is None:
        nothing = np.zeros(0, np.uint8)
        yield Piece(0, b"", nothing, stream.take_framing(), Form(UNKNOWN, ""), 1, True)


def _cut_member(
    member: Member, piece_bytes: int, form_of: FormOf, name: str
) -> Iterator[tuple[np.ndarray, Form, int, bool]]:
    """Records of a member, their form, the line at which they begin, and whether it ends there."""
    held, line, at_end = b"", 1, False
    form: Form | None = None
    while not at_end:
        data = held + member.read(piece_bytes)
        while (
            form is None
            and b"\n" not in data
            and len(data) < HEAD_BYTES
            and (further := member.read(piece_bytes))
        ):
            data += further
        more = member.read(1)
        at_end = not more
        if form is None:
            found = form_of(member, data[:HEAD_BYTES])
            form = msgspec.structs.replace(found, start=member.start)
        buffer = np.frombuffer(data, np.uint8)
        ends = ends_of(buffer, form, at_end)
        size = int(ends[-1]) if len(ends) else 0
        held = data[size:] + more
        if len(held) > MAX_LINE_BYTES:
            place = f"{name}, {member.name}" if member.name else name
            raise UsageError(
                f"{shown(place)}, line {line}: has over {MAX_LINE_BYTES:,} bytes, and so is no "
                "line of a CSV file: get the file again"
            )
        if size or at_end:
            yield buffer[:size], form, line, at_end
        line += int(np.count_nonzero(buffer[:size] == ord("\n")))
