"""Tables of members as tar files: the same rows give the same bytes, wherever and whenever.

The form is POSIX's `ustar`: a header of 512 bytes, the data, zeros up to the next 512. Times are 0
and owners 0, so that nothing in it depends on who wrote it.
"""

import io
import pathlib
import tarfile
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

BLOCK = tarfile.BLOCKSIZE


def data_offsets(sizes: Sequence[int]) -> np.ndarray:
    """Where the data of each member begins in its tar file, shape `(n_members,)` int64.

    Args:
      sizes: Bytes of each member, in order.

    >>> data_offsets([3, 512, 0]).tolist()
    [512, 1536, 2560]
    """
    padded = -(-np.asarray(sizes, np.int64) // BLOCK) * BLOCK + BLOCK
    return np.cumsum(padded) - padded + BLOCK


def write_tar(table: pa.Table | pa.RecordBatch, path: str) -> None:
    """Writes a table of `member` and `data` as a tar file, a member a row, in their order."""
    with pathlib.Path(path).open("wb") as file:
        for name, data in zip(table["member"], table["data"], strict=True):
            write_member(file.write, name.as_py(), data.as_buffer())
        file.write(END)


END = bytes(2 * BLOCK)
"""What stands behind the last member."""


def write_member(write: Callable[[Any], Any], name: str, data: bytes | pa.Buffer) -> None:
    """Writes a member.

    Args:
      write: Takes the bytes, some at a time.
      name: The member's name, of at most 100 bytes.
      data: Its content.
    """
    size = len(data) if isinstance(data, bytes) else data.size
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = size, 0, 0o644
    write(member.tobuf(tarfile.USTAR_FORMAT))
    write(data)
    write(bytes(-size % BLOCK))


def read_tar(data: bytes) -> pa.Table:
    """The members of a tar file, in their order: what `write_tar` has written.

    Args:
      data: The file.
    """
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as opened:
        found = {member.name: opened.extractfile(member) for member in opened if member.isfile()}
        contents = [file.read() if file else b"" for file in found.values()]
    names = pa.array(found, pa.string())
    return pa.table([names, pa.array(contents, pa.large_binary())], ["member", "data"])
