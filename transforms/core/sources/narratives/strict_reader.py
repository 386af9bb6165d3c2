"""The strict way from lines to columns: every line through the typed decoder."""

import array
import dataclasses
import functools
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from transforms.core.base.lines import MAX_LINE_BYTES, Block
from transforms.core.model.columns import empty_batch, list_array
from transforms.core.model.narratives import schemas
from transforms.core.sources.narratives import line_kinds
from transforms.core.sources.narratives.decoding import (
    BadLine,
    CaptionOnly,
    NarrativeRecord,
    decode_line,
)
from transforms.core.sources.narratives.limits import MAX_DEPTH

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_AT_ONCE = 1 << 16
_SHORT = 64


class BadLines:
    """Lines that were rejected, in columns: a file of another kind may have millions."""

    def __init__(self) -> None:
        self._lines, self._codes, self._messages = (array.array(kind) for kind in "qii")
        self._known: tuple[dict[str, int], dict[str, int]] = {}, {}

    def add(self, line: int, code: str, message: str) -> None:
        """Adds a line; lines come in order."""
        codes, messages = self._known
        self._lines.append(line)
        self._codes.append(codes.setdefault(code, len(codes)))
        self._messages.append(messages.setdefault(message, len(messages)))

    @property
    def lines(self) -> np.ndarray:
        """Shape `(n,)` int64."""
        return np.frombuffer(self._lines, np.int64)

    @property
    def codes(self) -> pa.DictionaryArray:
        """Why each was rejected."""
        return _terms(self._codes, self._known[0])

    @property
    def messages(self) -> pa.DictionaryArray:
        """The same as a sentence."""
        return _terms(self._messages, self._known[1])


def _terms(codes: array.array, known: dict[str, int]) -> pa.DictionaryArray:
    indices = pa.array(np.frombuffer(codes, np.int32))
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(known), pa.string()))


@dataclasses.dataclass(frozen=True)
class StrictLines:
    """What became of the lines.

    Attributes:
      batch: A row a narrative (`schemas.LINES`).
      lines: Shape `(n,)`: the line of each row.
      bad: Lines that were rejected.
      blank: Lines of nothing but white space.
    """

    batch: pa.RecordBatch
    lines: np.ndarray
    bad: BadLines
    blank: int


def read_strictly(
    block: Block,
    starts: np.ndarray,
    ends: np.ndarray,
    lines: np.ndarray,
    dialect: str,
    begin: int = 0,
) -> StrictLines:
    """Decodes some lines of a block.

    Args:
      block: The lines.
      starts: Shape `(n_lines,)`: where each line begins.
      ends: Shape `(n_lines,)`: where its line end stands.
      lines: The lines to decode, in order.
      dialect: One of `decoding.DIALECTS`.
      begin: Where the first line's record begins: behind a byte order mark.
    """
    view = memoryview(block.data)  # type: ignore[arg-type]
    records, kept, bad, blank = [], [], BadLines(), 0
    starts, ends = starts[lines], ends[lines]
    kinds = line_kinds.kinds_of_lines(block.data, starts, ends, begin)
    for line, start, end, kind in _rows(lines, np.maximum(starts, begin), ends, kinds):
        try:
            if kind == line_kinds.OBJECT:
                records.append(decode_line(view[start:end], dialect))
                kept.append(line)
            elif kind == line_kinds.BLANK:
                blank += 1
            else:
                bad.add(line, *_why_bad(block, start, end, kind))
        except BadLine as error:
            bad.add(line, error.code, str(error))
    return StrictLines(_to_batch(records), np.array(kept, np.int64), bad, blank)


def _rows(*columns: np.ndarray) -> Iterator[tuple[int, ...]]:
    """Rows as Python's integers, some thousand at a time."""
    for at in range(0, len(columns[0]), _AT_ONCE):
        yield from zip(*(column[at : at + _AT_ONCE].tolist() for column in columns), strict=True)


def _why_bad(block: Block, start: int, end: int, kind: int) -> tuple[str, str]:
    """Code and message of a line that can be no narrative."""
    if kind == line_kinds.TOO_LONG:
        size = end - start
        if block.skipped and end == len(block):
            size += block.skipped.bytes - block.skipped.line_end
        return "line_too_long", f"the line has {size:,} bytes, more than {MAX_LINE_BYTES:,}"
    if kind == line_kinds.TOO_DEEP:
        return "too_deep", f"nested more than {MAX_DEPTH} levels deep"
    text = block.cut(start, end)
    return (_judge_again if len(text) <= _SHORT else _judge)(text)


def _judge(text: bytes) -> tuple[str, str]:
    """Code and message of a line that does not begin as an object."""
    try:
        decode_line(memoryview(text))
    except BadLine as error:
        return error.code, str(error)
    raise AssertionError("only an object is a narrative")


_judge_again = functools.lru_cache(1024)(_judge)  # such lines are often the same


def _to_batch(records: Sequence[NarrativeRecord | CaptionOnly]) -> pa.RecordBatch:
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


def _utterances(records: Sequence[NarrativeRecord | CaptionOnly]) -> pa.ListArray:
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
    records: Sequence[NarrativeRecord | CaptionOnly],
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
