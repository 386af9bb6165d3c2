"""What the bytes of a picture say of it: format, size, orientation, and whether they are complete.

JPEG (ITU T.81, annex B), PNG (RFC 2083) and GIF (GIF89a) are read, the formats that the published
addresses lead to. Nothing is decoded: a picture is taken for complete where its format's end is
there.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

import msgspec


class Picture(msgspec.Struct, frozen=True):
    """A picture.

    Attributes:
      format: `jpg`, `png` or `gif`, which is the file's ending too.
      width: Pixels, as stored: before any orientation is applied.
      height: Pixels, as stored.
      orientation: Of a JPEG's Exif data, 1 to 8; None where it does not say.
      is_complete: Whether the end of the format is there.
    """

    format: str
    width: int
    height: int
    orientation: int | None = None
    is_complete: bool = True


def inspect_picture(data: bytes) -> Picture | None:
    """Reads the headers of a picture; None where the bytes are none of a known format.

    >>> inspect_picture(b"GIF89a" + bytes([3, 0, 2, 0, 0, 0, 0]) + b";")
    Picture(format='gif', width=3, height=2, orientation=None, is_complete=True)
    >>> inspect_picture(b"<html>Not found</html>") is None
    True
    """
    try:
        if data.startswith(b"\xff\xd8\xff"):
            return _inspect_jpeg(data)
        if data.startswith(_PNG):
            return _inspect_png(data)
        if data[:6] in (b"GIF87a", b"GIF89a"):
            width, height = struct.unpack_from("<HH", data, 6)
            return Picture("gif", width, height, None, _has_trailer(data))
    except struct.error:  # cut within a header
        pass
    return None


_PNG = b"\x89PNG\r\n\x1a\n"


def _inspect_png(data: bytes) -> Picture | None:
    length, kind, width, height = struct.unpack_from(">I4sII", data, 8)
    if (length, kind) != (13, b"IHDR"):
        return None
    return Picture("png", width, height, None, _has_end(data))


def _has_end(data: bytes) -> bool:
    """Whether the chunks of a PNG lead to its last one."""
    at = len(_PNG)
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        at += 12 + length
        if kind == b"IEND":
            return at <= len(data)
    return False


def _has_trailer(data: bytes) -> bool:
    """Whether the blocks of a GIF lead to its last one."""
    at = 13 + _colours(data, 10)
    while at < len(data):
        kind = data[at]
        if kind == ord(";"):
            return True
        if kind == ord("!"):  # an extension: its label, then its data
            at = _after_blocks(data, at + 2)
        elif kind == ord(","):  # an image: its place, its colours, the code size, then its data
            at = _after_blocks(data, at + 11 + _colours(data, at + 9))
        else:
            return False
    return False


def _colours(data: bytes, at: int) -> int:
    """Bytes of the colour table that a field of flags announces."""
    flags = data[at] if at < len(data) else 0
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_blocks(data: bytes, at: int) -> int:
    """Where a GIF's data ends, which is in blocks of their length and as many bytes."""
    while at < len(data) and data[at]:
        at += 1 + data[at]
    return at + 1


_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of frame headers (T.81, table B.1); the three are tables and a reserved one."""

_SCAN, _EXIF = 0xDA, 0xE1


class _Segment(NamedTuple):
    marker: int
    start: int
    end: int


def _segments(data: bytes) -> Iterator[_Segment]:
    """Segments of a JPEG up to the first scan; `start` and `end` are of the content."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        yield _Segment(marker, at + 4, at + 2 + length)
        if marker == _SCAN or length < 2:
            return
        at += 2 + length


def _inspect_jpeg(data: bytes) -> Picture | None:
    size, orientation, is_complete = None, None, False
    for marker, start, end in _segments(data):
        if marker in _FRAMES and size is None:
            height, width = struct.unpack_from(">HH", data, start + 1)
            size = (width, height)
        elif marker == _EXIF and data[start : start + 6] == b"Exif\0\0":
            orientation = _orientation(data[start + 6 : end])
        elif marker == _SCAN:  # in scans 0xFF is followed by 0, so this is the end of the picture
            is_complete = data.find(b"\xff\xd9", start) >= 0
    return Picture("jpg", *size, orientation, is_complete) if size else None


def _orientation(tiff: bytes) -> int | None:
    """The orientation of Exif data (tag 0x0112 of the first directory), None where there is none.

    Exif is often broken; then nothing is known.
    """
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return None
    try:
        (at,) = struct.unpack_from(f"{order}I", tiff, 4)
        (entries,) = struct.unpack_from(f"{order}H", tiff, at)
        for number in range(entries):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", tiff, at + 2 + 12 * number)
            if tag == 0x0112:
                return value if 1 <= value <= 8 else None
    except struct.error:
        pass
    return None
