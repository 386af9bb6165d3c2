"""Commit records: what a finished unit leaves, and what runs are resumed and merged from.

A record names the unit's files with rows, bytes and checksums, its counts by reason and its
partial statistics. It is written last and only once: what no record names does not exist.
"""

from collections import Counter

import google_crc32c
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.model.chunk import Chunk
from transforms.core.model.columns import dataset_splits, numbers, unpack
from transforms.core.model.narratives import flags
from transforms.core.model.narratives.naming import is_generated, narrative_ids
from transforms.core.model.units import Counts, Unit
from transforms.core.output.statistics.collection import measure_chunk
from transforms.core.stages.match.localization import box_faults

SHOWN_REJECTS = 20
"""Bad lines that a record describes; all of them are in the `rejected` table."""


class FileEntry(msgspec.Struct, frozen=True):
    """A written file.

    Attributes:
      table: The table it belongs to.
      path: Where it lies, below the output folder.
      rows: Rows in it.
      bytes: Its size.
      crc32c: Its checksum.
    """

    table: str
    path: str
    rows: int
    bytes: int
    crc32c: int


class BadLineEntry(msgspec.Struct, frozen=True):
    """A bad line, short: `line_in_unit` counts from 0."""

    line_in_unit: int
    code: str
    message: str


class UnitRecord(msgspec.Struct):
    """A finished unit.

    Attributes:
      unit: Which.
      attempt: The try that finished it; its files lie in a folder of that name.
      files: What it wrote.
      counts: What it held.
      bytes: Bytes of (decompressed) lines that it covers.
      crc32c: Checksum of those bytes.
      last: Whether it is the last piece of a compressed shard.
      bad_lines: The first bad lines.
      statistics: Packed partial statistics (`Statistics.pack`).
    """

    unit: Unit
    attempt: str
    files: list[FileEntry]
    counts: Counts
    bytes: int
    crc32c: int
    last: bool
    bad_lines: list[BadLineEntry]
    statistics: dict


def count_chunk(chunk: Chunk) -> Counts:
    """Counts of a chunk that has passed all stages."""
    discarded = chunk.get("discarded")
    return Counts(
        lines=chunk.lines,
        blank=chunk.blank,
        narratives=len(chunk["narratives"]),
        discarded=_counts_by_reason(discarded["reasons"]) if discarded is not None else {},
        discarded_narratives=len(discarded) if discarded is not None else 0,
        rejected=_counts_by_code(chunk["rejected"]["code"]),
        flags=flags.count(numbers(chunk["narratives"]["flags"])),
        generated=_generated(chunk["narratives"]),
        mentions=len(chunk["mentions"]) if "mentions" in chunk else 0,
        mentions_without_boxes=_mentions_without_boxes(chunk),
        **_boxes_left_out(chunk),
    )


def _generated(narratives: pa.RecordBatch) -> dict[str, int]:
    distinct = narratives["dataset_id"].dictionary_encode()
    generated = np.array([*map(is_generated, distinct.dictionary.to_pylist()), False])
    codes = distinct.indices.fill_null(len(generated) - 1).to_numpy(zero_copy_only=False)
    pairs, pair_of_row = dataset_splits(narratives)
    counts = np.bincount(pair_of_row[generated[codes]], minlength=len(pairs)).tolist()
    return {
        f"{dataset or ''}/{split or ''}": number
        for (dataset, split), number in zip(pairs, counts, strict=True)
        if number
    }


def _counts_by_code(codes: pa.DictionaryArray) -> dict[str, int]:
    counted = pc.value_counts(codes)
    values, numbers_of_lines = counted.field("values"), counted.field("counts")
    return dict(sorted(zip(values.to_pylist(), numbers_of_lines.to_pylist(), strict=True)))


def _counts_by_reason(reasons: pa.ListArray) -> dict[str, int]:
    """Narratives by reason, in the order of the rules."""
    _, values = unpack(reasons)
    counted = Counter(values.to_pylist())
    return {name: counted[name] for name in values.dictionary.to_pylist() if name in counted}


def _mentions_without_boxes(chunk: Chunk) -> int:
    if "mentions" not in chunk:
        return 0
    boxed = pc.equal(chunk["narratives"]["boxes_status"], "boxed")
    ids = narrative_ids(chunk["narratives"]).filter(boxed)
    return pc.sum(pc.invert(pc.is_in(chunk["mentions"]["narrative_id"], ids))).as_py() or 0


def _boxes_left_out(chunk: Chunk) -> dict[str, int]:
    column = chunk["narratives"]["boxes"]
    _, boxes = unpack(column.fill_null([]) if column.null_count else column)
    corners = [numbers(boxes.field(edge)) for edge in ("x_min", "y_min", "x_max", "y_max")]
    faults = box_faults(np.stack(corners, axis=1))
    return {f"{fault}_boxes": int(np.count_nonzero(where)) for fault, where in faults.items()}


def make_record(unit: Unit, chunk: Chunk, attempt: str, files: list[FileEntry]) -> UnitRecord:
    """The record of a chunk whose files are in place."""
    rejected = chunk["rejected"].slice(0, SHOWN_REJECTS).select(["line_in_unit", "code", "message"])
    return UnitRecord(
        unit=unit,
        attempt=attempt,
        files=files,
        counts=count_chunk(chunk),
        bytes=chunk.bytes,
        crc32c=chunk.crc32c,
        last=chunk.last,
        bad_lines=[BadLineEntry(**row) for row in rejected.to_pylist()],
        statistics=measure_chunk(chunk).pack(),
    )


class CorruptRecord(ValueError):
    """Bytes that are no whole record."""


def encode_record(record: UnitRecord) -> bytes:
    """CRC32C of what follows (4 bytes, little-endian), and MessagePack in a zstd frame."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(msgspec.msgpack.encode(record))
    data = sink.getvalue().to_pybytes()
    return google_crc32c.value(data).to_bytes(4, "little") + data


def decode_record(data: bytes) -> UnitRecord:
    """What `encode_record` made.

    Raises:
      CorruptRecord: It is not that, or not all of it.
    """
    if int.from_bytes(data[:4], "little") != google_crc32c.value(data[4:]):
        raise CorruptRecord("its checksum is another")
    try:
        packed = pa.CompressedInputStream(pa.BufferReader(data[4:]), "zstd").read()
        return msgspec.msgpack.decode(packed, type=UnitRecord)
    except (OSError, msgspec.MsgspecError, RecursionError) as error:
        raise CorruptRecord(str(error)) from error
