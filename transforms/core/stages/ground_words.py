"""GroundWords: the trace segment of every word and its box."""

import numpy as np
import pyarrow as pa

from transforms.core.base.compiled import compiled
from transforms.core.model.chunk import Chunk
from transforms.core.model.columns import list_array, numbers, unpack
from transforms.core.model.narratives import schemas
from transforms.core.model.narratives.flags import in_order
from transforms.core.model.narratives.traces import points


def ground_words(chunk: Chunk) -> Chunk:
    """Completes the column `words` with points, gap and box."""
    narratives = chunk["narratives"]
    offsets, words = unpack(narratives["words"])
    rows = np.repeat(np.arange(len(narratives)), np.diff(offsets))
    point_offsets, x, y, t = points(narratives)
    first, end = trace_segments(
        rows, times(words, "start_time"), times(words, "end_time"), point_offsets, t
    )
    segment_offsets, segment_starts = unpack(narratives["segment_starts"])
    crosses = crosses_gap(rows, first, end, segment_offsets, numbers(segment_starts))
    boxes = segment_boxes(rows, first, end, point_offsets, x, y)
    unknown = first < 0
    columns = [
        *words.flatten(),
        pa.array(first, mask=unknown),
        pa.array(end, mask=unknown),
        pa.array(crosses, mask=unknown),
        *(pa.array(np.ascontiguousarray(edge), from_pandas=True) for edge in boxes.T),
    ]
    grounded = pa.StructArray.from_arrays(columns, fields=list(schemas.WORD))
    return chunk.with_columns("narratives", words=list_array(offsets, grounded))


def times(words: pa.StructArray, name: str) -> np.ndarray:
    """A column of seconds, NaN where null."""
    return words.field(name).to_numpy(zero_copy_only=False)


def trace_segments(
    rows: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    point_offsets: np.ndarray,
    t: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Trace segments of words or mentions.

    A segment runs from the first to one past the last trace point with start ≤ t ≤ end. Where
    there is none, it is empty at the first point after the end.

    Args:
      rows: Shape `(n_words,)`: the narrative of each word.
      starts: Shape `(n_words,)`, seconds, NaN where unknown.
      ends: Shape `(n_words,)`, seconds, NaN where unknown.
      point_offsets: Shape `(n + 1,)`: points of each narrative.
      t: Shape `(n_points,)`, seconds.

    Returns:
      First points and end points, shape `(n_words,)` int32, counted within the narrative; -1 and
      -1 where the times are unknown.
    """
    return _trace_segments(rows, starts, ends, point_offsets, t, in_order(point_offsets, t))


@compiled
def _trace_segments(rows, starts, ends, point_offsets, t, ordered):
    first = np.full(len(rows), -1, np.int32)
    end = np.full(len(rows), -1, np.int32)
    for word in range(len(rows)):
        start_time, end_time = starts[word], ends[word]
        if np.isnan(start_time) or np.isnan(end_time):
            continue
        origin, stop = point_offsets[rows[word]], point_offsets[rows[word] + 1]
        if ordered[rows[word]]:
            behind = _first_above(t, origin, stop, end_time, True)
            end[word] = behind - origin
            first[word] = _first_above(t, origin, behind, start_time, False) - origin
        else:
            first[word], end[word] = _scan_segment(t[origin:stop], start_time, end_time)
    return first, end


@compiled
def _first_above(times, low, high, time, beyond):
    """The first of the ordered `times[low:high]` that is at least `time`, or beyond it."""
    while low < high:
        middle = (low + high) >> 1
        if times[middle] < time or (beyond and times[middle] == time):
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _scan_segment(times, start, end):
    first, last, after = -1, -1, len(times)
    for k in range(len(times)):
        if start <= times[k] <= end:
            last = k
            if first < 0:
                first = k
        elif times[k] > end and after == len(times):
            after = k
    if first < 0:
        return after, after
    return first, last + 1


@compiled
def segment_boxes(rows, first, end, point_offsets, x, y):
    """Bounding boxes of trace segments, unclipped.

    Returns:
      Shape `(n_words, 4)` float64: x_min, y_min, x_max, y_max; NaN where a segment is empty.
    """
    boxes = np.full((len(rows), 4), np.nan)
    for word in range(len(rows)):
        if first[word] == end[word]:
            continue
        origin = point_offsets[rows[word]]
        x_min = y_min = np.inf
        x_max = y_max = -np.inf
        for k in range(origin + first[word], origin + end[word]):
            x_min, x_max = min(x_min, x[k]), max(x_max, x[k])
            y_min, y_max = min(y_min, y[k]), max(y_max, y[k])
        boxes[word, 0], boxes[word, 1] = x_min, y_min
        boxes[word, 2], boxes[word, 3] = x_max, y_max
    return boxes


@compiled
def crosses_gap(rows, first, end, segment_offsets, segment_starts):
    """Whether a segment holds points from both sides of a pointer-left-the-image gap.

    Args:
      rows: Shape `(n_words,)`: the narrative of each word.
      first: Shape `(n_words,)`.
      end: Shape `(n_words,)`.
      segment_offsets: Shape `(n + 1,)`.
      segment_starts: Shape `(n_segments,)`: each recorded piece's first point within its
        narrative.

    Returns:
      Shape `(n_words,)` bool.
    """
    crosses = np.zeros(len(rows), np.bool_)
    for word in range(len(rows)):
        for s in range(segment_offsets[rows[word]], segment_offsets[rows[word] + 1]):
            if first[word] < segment_starts[s] < end[word]:
                crosses[word] = True
                break
    return crosses
