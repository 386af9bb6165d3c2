"""GroundWords: the trace segment of every word and its box."""

import numpy as np
import pyarrow as pa

from transforms.core.model import schemas
from transforms.core.model.chunk import Chunk, list_array, numbers, points, unpack
from transforms.core.stages.ground.grounding import crosses_gap, segment_boxes, trace_segments


def ground_words(chunk: Chunk) -> Chunk:
    """Completes the column `words` with points, gap and box."""
    narratives = chunk.narratives
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
    return chunk.with_columns(words=list_array(offsets, grounded))


def times(words: pa.StructArray, name: str) -> np.ndarray:
    """A column of seconds, NaN where null."""
    return words.field(name).to_numpy(zero_copy_only=False)
