"""A small PNG writer: pictures of up to 256 colours, the first of them transparent."""

import struct
import zlib
from collections.abc import Sequence

import numpy as np

from transforms.core.report.drawings.colours import Colour


def write_png(indexes: np.ndarray, palette: Sequence[Colour]) -> bytes:
    """Encodes a picture.

    Args:
      indexes: Shape `(height, width)`, each below `len(palette)`; index 0 is transparent.
      palette: Up to 256 colours.
    """
    height, width = indexes.shape
    rows = np.zeros((height, width + 1), np.uint8)  # each row begins with its filter: none
    rows[:, 1:] = indexes
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (
            _piece(b"IHDR", header),
            _piece(b"PLTE", b"".join(map(bytes, palette))),
            _piece(b"tRNS", b"\x00"),
            _piece(b"IDAT", zlib.compress(rows.tobytes(), 9)),
            _piece(b"IEND", b""),
        )
    )


def _piece(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
