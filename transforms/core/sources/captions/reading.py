"""Reading captions: complete lines or records of a unit to a chunk."""

from collections.abc import Iterator

import numpy as np

from transforms.core.base.lines import MAX_LINE_BYTES, Block
from transforms.core.model import bad_lines
from transforms.core.model.chunk import Chunk
from transforms.core.model.units import Unit
from transforms.core.sources.captions.documents.cutting import RecordBlock
from transforms.core.sources.captions.formats.form import Format
from transforms.core.sources.captions.records import Records
from transforms.core.sources.captions.registry import FORMATS
from transforms.core.sources.captions.schemas import TABLE
from transforms.core.sources.narratives import block_scanner, line_kinds
from transforms.core.sources.narratives.decoding import FAILURES, BadLine, diagnose
from transforms.core.sources.narratives.limits import MAX_DEPTH
from transforms.core.sources.narratives.strict_reader import BYTE_ORDER_MARK

_WHITE = b" \t\r\n"


def read_captions(block: Block, unit: Unit, start: int, last: bool) -> Chunk:
    """Reads a unit's lines, or records of a document as lines; bad ones become its `rejected`.

    Args:
      block: Lines, or records (`RecordBlock`).
      unit: Whose they are; its dialect is the name of their format, its dataset their collection.
      start: Where they begin in the (decompressed) shard.
      last: Whether they are the last ones of a compressed shard.
    """
    form, records = FORMATS[unit.dialect], Records()
    for kind, line, raw, at in _lines(block, start, form):
        if kind == line_kinds.BLANK:
            records.blank += 1
        elif problem := _problem(kind, form):
            records.reject(at, raw, problem)
        else:
            _read(form, line, raw, at, records)
    collection, split = unit.dataset or form.collection, unit.split
    tables = {
        TABLE: records.caption_rows(unit.shard, collection, split),
        bad_lines.TABLE: records.bad_rows(unit.shard, unit.index),
    }
    return Chunk(tables, records.number, records.blank, block.size, block.crc32c, last)


def _read(form: Format, line: bytes, raw: bytes, at: int, records: Records) -> None:
    try:
        if form.is_json:
            str(line, "utf-8")  # the decoder does not look into the text of keys that it skips
        form.read(line, at, records)
    except (*FAILURES, BadLine) as error:
        records.reject(at, raw, diagnose(memoryview(line), error))


def _problem(kind: int, form: Format) -> BadLine | None:
    """What is wrong with a line that is not even decoded."""
    if kind == line_kinds.TOO_LONG:
        return BadLine("line_too_long", f"is longer than {MAX_LINE_BYTES:,} bytes")
    if kind == line_kinds.TOO_DEEP and form.is_json:
        return BadLine("too_deep", f"nested more than {MAX_DEPTH} levels deep")
    return None


def _lines(block: Block, start: int, form: Format) -> Iterator[tuple[int, bytes, bytes, int]]:
    """The kind of each line (`line_kinds`), it, its bytes in the shard, and where it begins there.

    A line of JSON is what is between white space, any other goes up to its line end.
    """
    begin = 0
    if start == 0 and block.cut(0, len(BYTE_ORDER_MARK)) == BYTE_ORDER_MARK:
        begin = len(BYTE_ORDER_MARK)
    ends = block_scanner.line_ends(block)
    starts = np.concatenate([[0], ends + 1])[: len(ends)]
    kinds = line_kinds.kinds_of_lines(block.padded, starts, ends, begin)
    lines = block.data.tobytes()
    original = block.original if isinstance(block, RecordBlock) else lines
    for kind, low, high in zip(kinds.tolist(), starts.tolist(), ends.tolist(), strict=True):
        low = max(low, begin)
        line = lines[low:high]
        if form.is_json:
            low += len(line) - len(line.lstrip(_WHITE))
            line = line.strip(_WHITE)
        else:
            line = line.rstrip(b"\r")
        yield kind, line, original[low : low + len(line)], start + low
