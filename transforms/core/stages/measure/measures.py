"""What is measured of each narrative besides its tags, in integers of each measure's scale."""

import math
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from transforms.core.base.compiled import compiled
from transforms.core.model.columns import numbers, reduce_rows, unpack
from transforms.core.model.narratives.schemas import MEASURES, TAG_COLUMNS
from transforms.core.model.narratives.traces import points

MIN_NARRATION_SECONDS = 0.05
"""Nobody speaks for less: such times (0, or negative where an utterance is reversed) are wrong."""

MOST_UNITS = 10**15
"""A measure's largest value in units of its scale; beyond it is unknown, whatever made it."""


def measured_values(narratives: pa.RecordBatch) -> dict[str, np.ndarray]:
    """Each measure in integers of its scale, shape `(n,)` of objects, None where unknown."""
    richness = narratives["richness"].flatten()  # a caption that is null has null counts
    counted = {
        name: column.to_pylist()
        for name, column in zip(("words", *TAG_COLUMNS), richness, strict=True)
    }
    seconds = narratives["narration_seconds"].to_numpy(zero_copy_only=False)
    seconds = np.where(seconds < MIN_NARRATION_SECONDS, np.nan, seconds)
    rates = [
        None if words is None else words / second
        for words, second in zip(counted["words"], seconds.tolist(), strict=True)
    ]
    point_offsets, x, y, _ = points(narratives)
    columns = {
        **counted,
        "narration_seconds": _scaled(seconds.tolist(), "narration_seconds"),
        "words_per_second": _scaled(rates, "words_per_second"),
        "trace_points": np.diff(point_offsets).tolist(),
        "trace_length": _scaled(
            trace_lengths(narratives, point_offsets, x, y).tolist(), "trace_length"
        ),
    }
    return {measure: np.array(column, object) for measure, column in columns.items()}


def _scaled(values: Sequence[float | None], measure: str) -> list[int | None]:
    scale = MEASURES[measure]
    most = MOST_UNITS / scale
    return [
        None if value is None or math.isnan(value) or abs(value) > most else round(value * scale)
        for value in values
    ]


def narration_seconds(narratives: pa.RecordBatch) -> np.ndarray:
    """Seconds from the first utterance's start to the last one's end, NaN without utterances.

    Returns:
      Shape `(n,)` float64.
    """
    offsets, utterances = unpack(narratives["utterances"])
    ends = reduce_rows(np.maximum, numbers(utterances.field("end_time")), offsets)
    starts = reduce_rows(np.minimum, numbers(utterances.field("start_time")), offsets)
    with np.errstate(over="ignore", invalid="ignore"):
        return ends - starts


def trace_lengths(
    narratives: pa.RecordBatch, point_offsets: np.ndarray, x: np.ndarray, y: np.ndarray
) -> np.ndarray:
    """Length of each trace in normalised units, gaps between its segments left out."""
    segment_offsets, segment_starts = unpack(narratives["segment_starts"])
    return _trace_lengths(point_offsets, segment_offsets, segment_starts.to_numpy(), x, y)


@compiled
def _trace_lengths(point_offsets, segment_offsets, segment_starts, x, y):
    lengths = np.zeros(len(point_offsets) - 1)
    for row in range(len(lengths)):
        origin, end = point_offsets[row], point_offsets[row + 1]
        for s in range(segment_offsets[row], segment_offsets[row + 1]):
            last = s + 1 == segment_offsets[row + 1]
            stop = end if last else origin + segment_starts[s + 1]
            for k in range(origin + segment_starts[s] + 1, stop):
                lengths[row] += math.sqrt((x[k] - x[k - 1]) ** 2 + (y[k] - y[k - 1]) ** 2)
    return lengths
