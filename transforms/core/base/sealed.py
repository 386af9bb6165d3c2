"""Values as bytes that tell whether they are complete: what is kept of runs and of repairs.

CRC32C of what follows (4 bytes, little-endian), and MessagePack in a zstd frame.
"""

from typing import Any, TypeVar

import google_crc32c
import msgspec
import pyarrow as pa

Value = TypeVar("Value")


class CorruptData(ValueError):
    """Bytes that are no complete sealed value of the type."""


def seal(value: Any) -> bytes:
    """A value that `msgspec` can encode, as bytes."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(msgspec.msgpack.encode(value))
    data = sink.getvalue().to_pybytes()
    return google_crc32c.value(data).to_bytes(4, "little") + data


def unseal(data: bytes, kind: type[Value]) -> Value:
    """What `seal` made bytes of.

    Args:
      data: The bytes.
      kind: The value's type.

    Raises:
      CorruptData: They are not that, or not all of it.
    """
    if int.from_bytes(data[:4], "little") != google_crc32c.value(data[4:]):
        raise CorruptData("its checksum is another")
    try:
        packed = pa.CompressedInputStream(pa.BufferReader(data[4:]), "zstd").read()
        return msgspec.msgpack.decode(packed, type=kind)
    except (OSError, msgspec.MsgspecError, RecursionError) as error:
        raise CorruptData(str(error)) from error
