"""FilterQuality: keeps a narrative or sets it aside with the reasons."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.model import flags
from transforms.core.model.chunk import Chunk, points, reduce_rows, set_columns, unpack
from transforms.core.stages.filter.rules import REASONS, Evidence, QualityRules, judge
from transforms.core.stages.ground.ground_words import times


def filter_quality(chunk: Chunk, rules: QualityRules) -> Chunk:
    """Splits the narratives into those kept and `discarded`, which gains a column `reasons`."""
    if not rules.any:
        return chunk
    masks = judge(_evidence(chunk.narratives), rules)
    keep = masks == 0
    discarded = chunk.narratives.filter(pa.array(~keep))
    return chunk.replace(
        narratives=chunk.narratives if keep.all() else chunk.narratives.filter(pa.array(keep)),
        discarded=set_columns(discarded, reasons=flags.names(masks[~keep], REASONS)),
    )


def _evidence(narratives: pa.RecordBatch) -> Evidence:
    word_offsets, words = unpack(narratives["words"])
    point_offsets, _, _, t = points(narratives)
    return Evidence(
        distances=pc.fill_null(narratives["distance"], -1).to_numpy(),
        characters=pc.utf8_length(narratives["caption"]).to_numpy(),
        words=np.diff(word_offsets),
        trace_points=np.diff(point_offsets),
        trace_seconds=_span(t, t, point_offsets),
        speech_seconds=_span(times(words, "start_time"), times(words, "end_time"), word_offsets),
    )


def _span(starts: np.ndarray, ends: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Seconds from the smallest start to the largest end of each row, 0 where unknown."""
    span = reduce_rows(np.maximum, ends, offsets) - reduce_rows(np.minimum, starts, offsets)
    return np.nan_to_num(span)
