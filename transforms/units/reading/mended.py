"""Reading a block of lines of which some are read in a repaired form, and some not at all."""

import dataclasses
from collections.abc import Callable, Mapping

import pyarrow as pa

from transforms.core.base.lines import Block
from transforms.core.model import bad_lines
from transforms.core.model.chunk import Chunk
from transforms.core.model.units import Deadly, Unit
from transforms.core.sources.repairs import (
    Repair,
    blank,
    line_at_byte,
    repair_block,
    restore_places,
)

BlockReader = Callable[[Block, Unit, int, bool], Chunk]
"""Reads complete lines of a unit into a chunk. The third argument is where the block begins in the
(decompressed) shard, the fourth whether it is the last one of a compressed shard."""

CODE = "worker_died"
"""Of lines that are rejected since the process that did them ended."""


def read_mended(
    read: BlockReader,
    block: Block,
    unit: Unit,
    start: int,
    last: bool,
    repairs: Mapping[int, Repair],
) -> Chunk:
    """Reads a block with repairs in place of their lines, and rejects the unit's deadly lines.

    Args:
      read: The job's reader.
      block: Complete lines.
      unit: Whose lines they are.
      start: Where they begin in the (decompressed) shard.
      last: Whether the block is the last one of a compressed shard.
      repairs: By where in the shard the line begins that each replaces.
    """
    if not (repairs or unit.deadly):
        return read(block, unit, start, last)
    deadly = {line.byte_offset: line for line in unit.deadly}
    held = {offset: line_at_byte(block, offset - start) for offset in deadly}
    lines = {offset: line for offset, line in held.items() if line is not None}
    blanks = {offset: blank(offset, line) for offset, line in lines.items()}
    mended = repair_block(block, start, {**repairs, **blanks})
    chunk = restore_places(read(mended.block, unit, start, last), block, start, mended)
    rows = [
        {
            "unit": unit.index,
            "line_in_unit": block.cut(0, offset - start).count(b"\n"),
            "raw": _as_read(line, repairs.get(offset)),
            **_describe(deadly[offset], unit),
        }
        for offset, line in lines.items()
    ]
    return _with_rejected(chunk, rows) if rows else chunk


def _as_read(line: bytes, repair: Repair | None) -> bytes:
    return repair.raw if repair and repair.is_of(line) else line


def _describe(line: Deadly, unit: Unit) -> dict:
    return {
        "shard": unit.shard,
        "byte_offset": line.byte_offset,
        "stage": line.stage,
        "code": CODE,
        "message": f"a process that does this line alone ends by {line.end}",
    }


def _with_rejected(chunk: Chunk, rows: list[dict]) -> Chunk:
    """A chunk with further bad lines, which were read as blank ones and count as repaired."""
    bad = sorted([*chunk[bad_lines.TABLE].to_pylist(), *rows], key=lambda row: row["byte_offset"])
    rejected = pa.RecordBatch.from_pylist(bad, schema=bad_lines.SCHEMA)
    return dataclasses.replace(
        chunk.with_tables(**{bad_lines.TABLE: rejected}),
        blank=chunk.blank - len(rows),
        repaired=chunk.repaired - len(rows),
    )
