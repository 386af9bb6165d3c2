"""Reading narratives: complete lines of a shard to a chunk of ragged columns.

A compiled scanner takes the lines of the published form straight into the chunk's arrays; all
other lines, good or bad, go through the strict decoder. Both ways yield the same for what the
scanner takes (`tests/transforms/core/sources/narratives/test_reading.py`).
"""

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.base.lines import MAX_LINE_BYTES, Block
from transforms.core.base.text import gather, gather_strings
from transforms.core.model import bad_lines
from transforms.core.model.chunk import Chunk
from transforms.core.model.columns import TERM, list_array, numbers, set_columns, term_codes, unpack
from transforms.core.model.narratives import flags, schemas
from transforms.core.model.narratives.naming import (
    dataset_and_split,
    needs_resolving,
    resolve_recording,
)
from transforms.core.model.narratives.traces import points
from transforms.core.sources.narratives import block_scanner
from transforms.core.sources.narratives.block_scanner import Scan
from transforms.core.sources.narratives.decoding import DIALECTS
from transforms.core.sources.narratives.limits import KEPT_BYTES
from transforms.core.sources.narratives.strict_reader import (
    BYTE_ORDER_MARK,
    StrictLines,
    read_strictly,
)


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where a block of lines comes from.

    Attributes:
      shard: The file's name.
      unit: Index of the unit within the shard.
      byte_offset: Where the block begins in the (decompressed) shard.
      dataset: From the catalog or the options, None to go by `dataset_id`.
      split: From the catalog or the options, None to go by `dataset_id`.
      dialect: One of `decoding.DIALECTS`.
    """

    shard: str
    unit: int = 0
    byte_offset: int = 0
    dataset: str | None = None
    split: str | None = None
    dialect: str = "full"


def read_chunk(block: Block | bytes, origin: Origin, last: bool = False) -> Chunk:
    """Reads complete lines into a chunk; bad lines become its `rejected`.

    Args:
      block: Lines, each with its line end (the shard's last may lack it); the chunk keeps none
        of it.
      origin: Where the block comes from.
      last: Whether this is the last block of a compressed shard.
    """
    if isinstance(block, bytes):
        block = Block.of(block)
    begin = 0
    if origin.byte_offset == 0 and block.cut(0, len(BYTE_ORDER_MARK)) == BYTE_ORDER_MARK:
        begin = len(BYTE_ORDER_MARK)  # it belongs to no record
    scan = block_scanner.scan_block(block, begin) if DIALECTS[origin.dialect].scanned else None
    ends = scan.ends if scan else block_scanner.line_ends(block)
    starts = np.concatenate([[0], ends + 1])[: len(ends)]
    unusual = np.ones(len(ends), bool)
    if scan is not None:
        unusual[scan.lines] = False
    strict = read_strictly(block, starts, ends, np.flatnonzero(unusual), origin.dialect, begin)
    return Chunk(
        {
            "narratives": _complete(_merge(block, scan, strict), starts, origin),
            "rejected": _rejected(block, starts, ends, strict, origin),
        },
        lines=len(ends),
        blank=strict.blank,
        bytes=block.size,
        crc32c=block.crc32c,
        last=last,
    )


def _merge(
    block: Block, scan: Scan | None, strict: StrictLines
) -> tuple[pa.RecordBatch, np.ndarray]:
    """The rows of both ways in the order of their lines, and these lines."""
    if scan is None or not len(scan.lines):
        return strict.batch, strict.lines
    scanned = scanned_batch(block, scan)
    if not len(strict.lines):
        return scanned, scan.lines
    table = pa.Table.from_batches([scanned, strict.batch]).combine_chunks()
    lines = np.concatenate([scan.lines, strict.lines])
    order = np.argsort(lines)
    return table.to_batches()[0].take(pa.array(order)), lines[order]


def scanned_batch(block: Block, scan: Scan) -> pa.RecordBatch:
    """A scan's rows (`schemas.LINES`)."""
    utterances = [
        _texts(block, *scan.utterance_texts),
        *(pa.array(times) for times in scan.utterance_times),
    ]
    trace = [list_array(scan.point_offsets, pa.array(axis)) for axis in scan.xyt]
    columns = {
        **{
            name: _texts(block, *bounds)
            for name, bounds in zip(block_scanner.STRINGS, scan.strings, strict=True)
        },
        "annotator_id": pa.array(scan.annotators),
        "utterances": list_array(
            scan.utterance_offsets,
            pa.StructArray.from_arrays(utterances, fields=list(schemas.UTTERANCE)),
        ),
        "trace": pa.StructArray.from_arrays(trace, fields=list(schemas.TRACE)),
        "segment_starts": list_array(scan.segment_offsets, pa.array(scan.segment_starts)),
    }
    return pa.RecordBatch.from_pydict(columns, schema=schemas.LINES)


def _texts(block: Block, starts: np.ndarray, ends: np.ndarray, kinds: np.ndarray) -> pa.StringArray:
    """The strings of these bounds, escapes undone."""
    texts = gather_strings(block.data, starts, ends)
    escaped = (kinds & block_scanner.ESCAPED).astype(bool)
    if not escaped.any():
        return texts
    undone = [
        block_scanner.unescape(block.cut(*bounds))
        for bounds in zip(starts[escaped], ends[escaped], strict=True)
    ]
    return pc.replace_with_mask(texts, pa.array(escaped), pa.array(undone, pa.string()))


def _rejected(
    block: Block, starts: np.ndarray, ends: np.ndarray, strict: StrictLines, origin: Origin
) -> pa.RecordBatch:
    lines = strict.bad.lines
    begins, stops = starts[lines], ends[lines]
    stops = np.where(stops - begins > MAX_LINE_BYTES, begins + KEPT_BYTES, stops)
    raw, offsets = gather(block.data, begins, stops)
    columns = {
        "shard": _repeated(origin.shard, len(lines)),
        "byte_offset": pa.array(begins + origin.byte_offset),
        "unit": pa.array(np.full(len(lines), origin.unit, np.int32)),
        "line_in_unit": pa.array(lines.astype(np.int32)),
        "stage": _repeated("ReadNarratives", len(lines)),
        "code": strict.bad.codes,
        "message": strict.bad.messages,
        "raw": pa.Array.from_buffers(
            pa.binary(),
            len(lines),
            [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(raw)],
        ),
    }
    return pa.RecordBatch.from_pydict(columns, schema=bad_lines.SCHEMA)


def _repeated(value: str, n: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), pa.array([value]))


def _complete(
    rows: tuple[pa.RecordBatch, np.ndarray], starts: np.ndarray, origin: Origin
) -> pa.RecordBatch:
    """Adds dataset, split, offset and flags, and resolves the recordings' names."""
    lines, line_numbers = rows
    codes, dataset_ids = term_codes(lines["dataset_id"].dictionary_encode())
    names = [_names(dataset_id or "", origin) for dataset_id in dataset_ids]
    datasets, splits, differs = zip(*names, strict=True)
    return set_columns(
        lines,
        dataset=_terms(codes, datasets),
        split=_terms(codes, splits),
        flags=_flags(lines, np.array(differs)[codes]),
        voice_recording=_recordings(lines),
        byte_offset=starts[line_numbers] + origin.byte_offset,
    ).select(schemas.READ_NARRATIVES.names)


def _names(dataset_id: str, origin: Origin) -> tuple[str | None, str | None, bool]:
    """Dataset, split, and whether a record's `dataset_id` says otherwise."""
    dataset, split = dataset_and_split(dataset_id)
    pairs = ((origin.dataset, dataset), (origin.split, split))
    differs = any(None not in pair and pair[0] != pair[1] for pair in pairs)
    return origin.dataset or dataset, origin.split or split, differs


def _terms(codes: np.ndarray, values: tuple[str | None, ...]) -> pa.DictionaryArray:
    return pa.array(values, pa.string()).take(pa.array(codes)).cast(TERM)


def _recordings(lines: pa.RecordBatch) -> pa.StringArray:
    dataset_ids = lines["dataset_id"].unique().to_pylist()
    if not any(needs_resolving(dataset_id) for dataset_id in dataset_ids):
        return lines["voice_recording"]
    columns = (
        lines[name].to_pylist() for name in ("dataset_id", "annotator_id", "voice_recording")
    )
    return pa.array(map(resolve_recording, *columns), pa.string())


def _flags(lines: pa.RecordBatch, differs: np.ndarray) -> np.ndarray:
    point_offsets, x, y, t = points(lines)
    offsets, spoken = unpack(lines["utterances"])
    starts, ends = numbers(spoken.field("start_time")), numbers(spoken.field("end_time"))
    disordered = ~flags.in_order(offsets, starts) | _any_in_row(offsets, starts > ends)
    return flags.combine(
        no_trace=np.diff(point_offsets) == 0,
        zero_length_utterance=_any_in_row(offsets, starts == ends),
        times_out_of_order=disordered | ~flags.in_order(point_offsets, t),
        outside_image=flags.any_outside(point_offsets, x, y),
        dataset_id_differs=differs,
    )


def _any_in_row(offsets: np.ndarray, conditions: np.ndarray) -> np.ndarray:
    before = np.concatenate([[0], np.cumsum(conditions)])
    return before[offsets[1:]] > before[offsets[:-1]]
