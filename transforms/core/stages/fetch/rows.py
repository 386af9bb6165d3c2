"""Rows of the tables `images` and `failures`, and how they become samples of a shard."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from transforms.core.model.chunk import Chunk
from transforms.core.stages.fetch.addresses import Address, host_of
from transforms.core.stages.fetch.frames import Frame, reframe
from transforms.core.stages.fetch.judging import Answer, Judged, md5_of
from transforms.core.stages.fetch.pictures.headers import Picture
from transforms.core.stages.fetch.pictures.schemas import FAILURES, IMAGES, SAMPLES
from transforms.core.stages.fetch.pictures.tar_files import data_offsets
from transforms.core.stages.fetch.reasons import REASONS
from transforms.core.stages.fetch.samples import describe_sample, sample_key

Row = Mapping[str, Any]

PICTURES = pa.schema([("data", pa.large_binary())])
"""The bytes of the pictures in a chunk's `images`, row by row, until they are written."""


class Fetched(NamedTuple):
    """What came of one image.

    Attributes:
      wanted: Its row of the list.
      address: Where it was asked for, None where nothing says that.
      answer: What came.
      judged: What that is.
    """

    wanted: Row
    address: Address | None
    answer: Answer
    judged: Judged


def with_fetched(chunk: Chunk, fetched: Sequence[Fetched], frame: Frame) -> Chunk:
    """A chunk with the tables `images` (without places), `pictures` and `failures`.

    Args:
      chunk: With the images that were wanted.
      fetched: What came of them, in their order.
      frame: In which boxes are wanted.
    """
    kept = [one for one in fetched if one.judged.reason is None]
    failed = [one for one in fetched if one.judged.reason is not None]
    tables = {name: rows for name, rows in chunk.tables.items() if name != "wanted"}
    pictures = _concatenated([one.answer.data for one in kept])
    tables["images"] = pa.RecordBatch.from_pylist(
        [image_row(one, frame) for one in kept], schema=IMAGES
    )
    tables["pictures"] = pa.RecordBatch.from_arrays([pictures], schema=PICTURES)
    tables["failures"] = pa.RecordBatch.from_pylist(
        [failure_row(one) for one in failed], schema=FAILURES
    )
    return dataclasses.replace(chunk, tables=tables)


def image_row(fetched: Fetched, frame: Frame) -> dict[str, Any]:
    """The row of a picture, but for where it is written to."""
    wanted, address, answer, judged = fetched
    picture = judged.picture or Picture("", 0, 0)
    rotation = (wanted["image"] or {}).get("rotation")
    size = (picture.width, picture.height)
    return {
        **{name: wanted[name] for name in _SHARED},
        "url": answer.url,
        "host": host_of(answer.url),
        "redirected_to": answer.redirects[-1] if answer.redirects else None,
        "fetched_as": address.fetched_as if address else None,
        "bytes": len(answer.data),
        "format": picture.format,
        "width": picture.width,
        "height": picture.height,
        "orientation": picture.orientation,
        "rotation": rotation,
        "md5": md5_of(answer.data),
        "sha256": hashlib.sha256(answer.data).hexdigest(),
        "verified": judged.verified,
        "attempts": answer.attempts,
        "image": wanted["image"],
        "captions": wanted["captions"],
        "boxes_are": frame.name,
        "boxes": reframe(wanted["boxes"], frame, rotation, size),
    }


_SHARED = ("dataset", "split", "image_id", "shard", "byte_offset")


def failure_row(fetched: Fetched) -> dict[str, Any]:
    """The row of an image that was not fetched."""
    wanted, address, answer, judged = fetched
    reason = judged.reason or ""
    return {
        **{name: wanted[name] for name in _SHARED},
        "url": address.url if address else None,
        "host": host_of(address.url) if address else None,
        "reason": reason,
        "status": answer.status,
        "message": judged.message,
        "attempts": answer.attempts,
        "retryable": REASONS[reason].retryable,
        "bytes": len(answer.data),
    }


def pack_samples(chunk: Chunk) -> Chunk:
    """A chunk whose pictures are members of a WebDataset shard, the table `samples`.

    Samples are in the order of their keys; the rows of `images` stay in that of the list, and say
    where in the shard each picture is.
    """
    rows, pictures = chunk["images"].to_pylist(), chunk["pictures"]["data"]
    keys = [sample_key(row["dataset"], row["image_id"]) for row in rows]
    order = sorted(range(len(rows)), key=keys.__getitem__)
    names: list[str] = []
    members: list[bytes | pa.Buffer] = []
    for at in order:
        names += [f"{keys[at]}.{rows[at]['format']}", f"{keys[at]}.json"]
        members += [pictures[at].as_buffer(), describe_sample(rows[at])]
    offsets = data_offsets([len(member) for member in members]).tolist()
    for at, name, offset in zip(order, names[::2], offsets[::2], strict=True):
        rows[at] |= {"member": name, "offset": offset}
    data = _concatenated(members)
    samples = pa.RecordBatch.from_arrays([pa.array(names, pa.string()), data], schema=SAMPLES)
    return _placed(chunk, rows).with_tables(samples=samples)


def _concatenated(members: Sequence[bytes | pa.Buffer]) -> pa.LargeBinaryArray:
    """A column of these values, each copied once: together they may be large."""
    ends = np.cumsum([0, *map(len, members)], dtype=np.int64)
    data = np.empty(ends[-1], np.uint8)
    for member, start, end in zip(members, ends, ends[1:], strict=False):
        data[start:end] = np.frombuffer(member, np.uint8)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(data)]
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(members), buffers)


def with_files(chunk: Chunk, files: Sequence[str]) -> Chunk:
    """A chunk whose pictures are files; their paths below the output are given, row by row."""
    rows = chunk["images"].to_pylist()
    return _placed(chunk, [row | {"file": file} for row, file in zip(rows, files, strict=True)])


def _placed(chunk: Chunk, rows: Sequence[Row]) -> Chunk:
    images = pa.RecordBatch.from_pylist(list(rows), schema=IMAGES)
    tables = {name: table for name, table in chunk.tables.items() if name != "pictures"}
    return dataclasses.replace(chunk, tables={**tables, "images": images})
