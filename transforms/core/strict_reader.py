"""The strict way from lines to columns: every line through the typed decoder."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from transforms.core import schemas
from transforms.core.chunk import empty_batch, list_array
from transforms.core.decoding import BadLine, CaptionOnly, Narrative, decode_line
from transforms.core.lines import Block, is_blank

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclasses.dataclass(frozen=True)
class StrictLines:
    """What became of the lines.

    Attributes:
      batch: A row a narrative (`schemas.LINES`).
      lines: Shape `(n,)`: the line of each row.
      bad: Lines that were rejected, with the error.
      blank: Lines of nothing but white space.
    """

    batch: pa.RecordBatch
    lines: np.ndarray
    bad: list[tuple[int, BadLine]]
    blank: int


def read_strictly(
    block: Block, starts: np.ndarray, ends: np.ndarray, lines: np.ndarray, dialect: str
) -> StrictLines:
    """Decodes some lines of a block.

    Args:
      block: The lines.
      starts: Shape `(n_lines,)`: where each line's record begins.
      ends: Shape `(n_lines,)`: where its line end stands.
      lines: The lines to decode, in order.
      dialect: `full` or `captions`.
    """
    view = memoryview(block.data)
    records, kept, bad, blank = [], [], [], 0
    for line in lines.tolist():
        text = view[starts[line] : ends[line]]
        if is_blank(text):
            blank += 1
            continue
        try:
            records.append(decode_line(text, dialect))
            kept.append(line)
        except BadLine as error:
            bad.append((line, error))
    return StrictLines(_to_batch(records), np.array(kept, np.int64), bad, blank)


def _to_batch(records: Sequence[Narrative | CaptionOnly]) -> pa.RecordBatch:
    if not records:
        return empty_batch(schemas.LINES)
    trace, segment_starts = _traces(records)
    columns = {
        **{
            name: pa.array(
                [getattr(record, name) for record in records], schemas.LINES.field(name).type
            )
            for name in ("dataset_id", "image_id", "annotator_id", "caption", "voice_recording")
        },
        "utterances": _utterances(records),
        "trace": trace,
        "segment_starts": segment_starts,
    }
    return pa.RecordBatch.from_pydict(columns, schema=schemas.LINES)


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


def _traces(
    records: Sequence[Narrative | CaptionOnly],
) -> tuple[pa.StructArray, pa.ListArray]:
    """The columns `trace` and `segment_starts`."""
    traces = [record.traces or [] for record in records]
    lengths = [[len(segment) for segment in trace] for trace in traces]
    starts = [start for row in lengths for start in np.cumsum([0, *row])[:-1].tolist()]
    points = [point for trace in traces for segment in trace for point in segment]
    offsets = np.cumsum([0, *map(sum, lengths)])
    axes = [
        list_array(offsets, pa.array(values, pa.float64()))
        for values in (
            [point.x for point in points],
            [point.y for point in points],
            [point.t for point in points],
        )
    ]
    return (
        pa.StructArray.from_arrays(axes, fields=list(schemas.TRACE)),
        list_array(np.cumsum([0, *map(len, lengths)]), pa.array(starts, pa.int32())),
    )
