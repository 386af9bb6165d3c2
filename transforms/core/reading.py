"""Reading narratives: whole lines of a shard to a chunk of ragged columns."""

import dataclasses
from collections.abc import Iterator, Sequence

import google_crc32c
import numpy as np
import pyarrow as pa

from transforms.core import flags, schemas
from transforms.core.chunk import Chunk, empty_batch, list_array, numbers, unpack
from transforms.core.decoding import (
    BadLine,
    CaptionOnly,
    Narrative,
    Point,
    decode_line,
    decode_traces,
)
from transforms.core.grounding import in_order
from transforms.core.naming import dataset_and_split, resolve_recording
from transforms.core.trace_scanner import scan_traces


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where a block of lines comes from.

    Attributes:
      shard: The file's name.
      unit: Index of the unit within the shard.
      byte_offset: Where the block begins in the (decompressed) shard.
      dataset: From the catalog or the options, None to go by `dataset_id`.
      split: Likewise.
      dialect: `full` or `captions`.
    """

    shard: str
    unit: int = 0
    byte_offset: int = 0
    dataset: str | None = None
    split: str | None = None
    dialect: str = "full"


def read_chunk(block: bytes, origin: Origin, last: bool = False) -> Chunk:
    """Reads whole lines into a chunk; bad lines become its `rejected`.

    Args:
      block: Lines, each with its line end (the shard's last may lack it).
      origin: Where the block comes from.
      last: Whether this is the last block of a compressed shard.
    """
    reader = _Reader(origin)
    view = memoryview(block)
    lines = 0
    for line, (start, end) in enumerate(line_bounds(block)):
        reader.read_line(view[start:end], line, start)
        lines = line + 1
    reader.read_traces()
    return Chunk(
        narratives=reader.narratives(),
        rejected=reader.rejects(),
        lines=lines,
        blank=reader.blank,
        bytes=len(block),
        crc32c=google_crc32c.value(block),
        last=last,
    )


def line_bounds(block: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of each line, line ends left out."""
    start = 0
    while start < len(block):
        end = block.find(b"\n", start)
        end = len(block) if end < 0 else end
        yield start, end
        start = end + 1


class _Reader:
    """Gathers the columns of a chunk line by line."""

    def __init__(self, origin: Origin):
        self.origin = origin
        self.blank = 0
        self.records: list[Narrative | CaptionOnly] = []
        self.offsets: list[int] = []
        self.lines: list[int] = []
        self.rejected: list[dict] = []
        self.sources: list[memoryview] = []

    def read_line(self, line: memoryview, number: int, start: int) -> None:
        if not bytes(line[:64]).strip() and not bytes(line).strip():
            self.blank += 1
            return
        if start == 0 and self.origin.byte_offset == 0 and line[:3] == b"\xef\xbb\xbf":
            line = line[3:]  # a byte order mark belongs to no record
        try:
            record = decode_line(line, self.origin.dialect)
        except BadLine as bad:
            self._reject(line, number, start, bad)
            return
        self.records.append(record)
        self.offsets.append(start)
        self.lines.append(number)
        self.sources.append(line)

    def _reject(self, line: memoryview, number: int, start: int, bad: BadLine) -> None:
        self.rejected.append(
            {
                "shard": self.origin.shard,
                "byte_offset": self.origin.byte_offset + start,
                "unit": self.origin.unit,
                "line_in_unit": number,
                "stage": "ReadNarratives",
                "code": bad.code,
                "message": str(bad),
                "raw": bytes(line),
            }
        )

    def read_traces(self) -> None:
        """Scans all traces in one compiled call; unusual ones go through the strict decoder."""
        raws = [record.traces for record in self.records]
        ends = np.cumsum([len(memoryview(raw)) for raw in raws], dtype=np.int64)
        starts = np.concatenate([[0], ends[:-1]]).astype(np.int64) if raws else ends
        data = np.frombuffer(b"".join(raws) or b" ", np.uint8)
        counts, xyt, pieces, segment_starts = scan_traces(data, starts, ends)
        if (counts < 0).any():
            counts, xyt, pieces, segment_starts = self._decode_unusual(
                counts, xyt, pieces, segment_starts
            )
        self.xyt, self.segment_starts = xyt, segment_starts
        self.point_offsets = np.concatenate([[0], np.cumsum(counts)])
        self.segment_offsets = np.concatenate([[0], np.cumsum(pieces)])

    def _decode_unusual(self, counts, xyt, pieces, segment_starts):
        """Puts strictly decoded traces between the scanned ones and drops bad records."""
        scanned = np.split(xyt, np.cumsum(np.maximum(counts, 0))[:-1], axis=1)
        scanned_starts = np.split(segment_starts, np.cumsum(pieces)[:-1])
        kept, parts, part_starts = [], [], []
        for row, raw in enumerate(record.traces for record in self.records):
            part, starts = scanned[row], scanned_starts[row]
            if counts[row] < 0:
                try:
                    part, starts = _columns(decode_traces(raw))
                except BadLine as bad:
                    self._reject(self.sources[row], self.lines[row], self.offsets[row], bad)
                    continue
            kept.append(row)
            parts.append(part)
            part_starts.append(starts)
        for name in ("records", "offsets", "lines", "sources"):
            setattr(self, name, [getattr(self, name)[row] for row in kept])
        self.rejected.sort(key=lambda reject: reject["line_in_unit"])
        return (
            np.array([part.shape[1] for part in parts], np.int64),
            np.concatenate([np.empty((3, 0)), *parts], axis=1),
            np.array([len(starts) for starts in part_starts], np.int64),
            np.concatenate([np.empty(0, np.int32), *part_starts]),
        )

    def rejects(self) -> pa.RecordBatch:
        return pa.RecordBatch.from_pylist(self.rejected, schema=schemas.REJECTED)

    def narratives(self) -> pa.RecordBatch:
        if not self.records:
            return empty_batch(schemas.READ_NARRATIVES)
        records = self.records
        names = [self._names(record.dataset_id) for record in records]
        recordings = [resolve_recording(record) for record in records]
        utterances = _utterances(records)
        arrays = {
            "dataset": _terms([dataset for dataset, _, _ in names]),
            "split": _terms([split for _, split, _ in names]),
            "dataset_id": pa.array([record.dataset_id for record in records]),
            "image_id": pa.array([record.image_id for record in records]),
            "annotator_id": pa.array([record.annotator_id for record in records], pa.int64()),
            "caption": pa.array([record.caption for record in records]),
            "voice_recording": pa.array(recordings, pa.string()),
            "byte_offset": pa.array(np.array(self.offsets) + self.origin.byte_offset),
            "flags": self._flags(utterances, [differs for _, _, differs in names]),
            "utterances": utterances,
            "trace": self._trace(),
            "segment_starts": list_array(
                self.segment_offsets, pa.array(self.segment_starts, pa.int32())
            ),
        }
        return pa.RecordBatch.from_pydict(arrays, schema=schemas.READ_NARRATIVES)

    def _names(self, dataset_id: str) -> tuple[str | None, str | None, bool]:
        """Dataset, split, and whether the record's `dataset_id` says otherwise."""
        dataset, split = dataset_and_split(dataset_id)
        wanted_dataset, wanted_split = self.origin.dataset, self.origin.split
        pairs = ((wanted_dataset, dataset), (wanted_split, split))
        differs = any(None not in pair and pair[0] != pair[1] for pair in pairs)
        return wanted_dataset or dataset, wanted_split or split, differs

    def _trace(self) -> pa.StructArray:
        columns = [list_array(self.point_offsets, pa.array(axis)) for axis in self.xyt]
        return pa.StructArray.from_arrays(columns, fields=list(schemas.TRACE))

    def _flags(self, utterances: pa.ListArray, differs: Sequence[bool]) -> np.ndarray:
        offsets, values = unpack(utterances)
        starts, ends = numbers(values.field("start_time")), numbers(values.field("end_time"))
        disordered = ~in_order(offsets, starts) | _any_in_row(offsets, starts > ends)
        return flags.combine(
            no_trace=np.diff(self.point_offsets) == 0,
            zero_length_utterance=_any_in_row(offsets, starts == ends),
            times_out_of_order=disordered | ~in_order(self.point_offsets, self.xyt[2]),
            outside_image=flags.any_outside(self.point_offsets, self.xyt[0], self.xyt[1]),
            dataset_id_differs=np.array(differs),
        )


def _any_in_row(offsets: np.ndarray, conditions: np.ndarray) -> np.ndarray:
    before = np.concatenate([[0], np.cumsum(conditions)])
    return before[offsets[1:]] > before[offsets[:-1]]


def _utterances(records: Sequence[Narrative | CaptionOnly]) -> pa.ListArray:
    offsets = np.cumsum([0, *(len(record.timed_caption) for record in records)])
    spoken = [utterance for record in records for utterance in record.timed_caption]
    columns = [
        pa.array([utterance.utterance for utterance in spoken], pa.string()),
        pa.array([utterance.start_time for utterance in spoken], pa.float64()),
        pa.array([utterance.end_time for utterance in spoken], pa.float64()),
    ]
    values = pa.StructArray.from_arrays(columns, fields=list(schemas.UTTERANCE))
    return list_array(offsets, values)


def _columns(traces: list[list[Point]]) -> tuple[np.ndarray, np.ndarray]:
    points = [(point.x, point.y, point.t) for segment in traces for point in segment]
    starts = np.cumsum([0, *(len(segment) for segment in traces)])[:-1]
    return np.array(points, np.float64).reshape(-1, 3).T, starts.astype(np.int32)


def _terms(values: Sequence[str | None]) -> pa.DictionaryArray:
    return pa.array(values, pa.string()).dictionary_encode().cast(schemas.TERM)
