"""Lists of images: a line an image, JSON with the columns of `schemas.WANTED`."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pyarrow as pa

from transforms.core.base.errors import UNREADABLE, shown
from transforms.core.base.lines import Block
from transforms.core.model import bad_lines
from transforms.core.model.chunk import Chunk
from transforms.core.model.units import Unit
from transforms.core.stages.fetch.pictures.schemas import WANTED

PLACED = pa.schema([*WANTED, ("shard", pa.string()), ("byte_offset", pa.int64())])
"""Rows of a list, with the place of their line."""


class _Line(msgspec.Struct):
    """What a line must have; the rest is as the list's maker wrote it."""

    dataset: str | None
    split: str | None
    image_id: str
    image: dict[str, Any] | None
    captions: list[dict[str, Any]]
    boxes: list[dict[str, Any]]


def encode_wanted(row: Mapping[str, Any]) -> bytes:
    """A row as a line, with its line end."""
    return msgspec.json.encode(row) + b"\n"


def read_wanted(block: Block, unit: Unit, start: int, last: bool) -> Chunk:
    """Reads lines of a list of images; what is none is rejected.

    Args:
      block: Complete lines.
      unit: Whose lines they are.
      start: Where they begin in the list.
      last: Whether the block is the last one of a compressed list.
    """
    rows, bad, blank, at = [], [], 0, 0
    lines = block.data.tobytes().splitlines(keepends=True)
    for number, line in enumerate(lines):
        place = {"shard": unit.shard, "byte_offset": start + at}
        at += len(line)
        if not line.strip():
            blank += 1
            continue
        try:
            rows.append(msgspec.to_builtins(msgspec.json.decode(line, type=_Line)) | place)
        except UNREADABLE as error:
            told = {"stage": "ReadImageList", "code": "not_an_image_row", "message": shown(error)}
            bad.append({**place, **told, "unit": unit.index, "line_in_unit": number, "raw": line})
    tables = {
        "wanted": pa.RecordBatch.from_pylist(rows, schema=PLACED),
        bad_lines.TABLE: pa.RecordBatch.from_pylist(bad, schema=bad_lines.SCHEMA),
    }
    return Chunk(tables, len(lines), blank, block.size, block.crc32c, last)
