"""Traces of tables, in float32, as they were published."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from transforms.core.model.columns import list_of
from transforms.core.model.narratives.schemas import NARRATIVES, TRACE
from transforms.core.model.narratives.traces import exact_traces, is_rounded

COORDINATE = st.integers(-30_000, 30_000).map(lambda number: number / 10_000)
SECONDS = st.integers(0, 1_000_000).map(lambda number: number / 1000)
PUBLISHED = st.lists(st.tuples(COORDINATE, COORDINATE, SECONDS), max_size=5)


def batch_of(traces):
    columns = [pa.array([[point[axis] for point in trace] for trace in traces],
                        list_of(pa.float64())) for axis in range(3)]  # fmt: skip
    return pa.RecordBatch.from_arrays(
        [pa.StructArray.from_arrays(columns, fields=list(TRACE))], names=["trace"]
    )


@given(st.lists(PUBLISHED, max_size=4))
def test_published_decimals_survive_float32(traces):
    batch = batch_of(traces)
    assert not is_rounded(batch).any()
    held = batch["trace"].cast(NARRATIVES.field("trace").type)
    assert exact_traces(held).equals(batch["trace"])


@given(st.lists(st.tuples(st.floats(-1000, 1000, width=64), SECONDS), min_size=1, max_size=5))
def test_what_does_not_survive_is_known(points):
    batch = batch_of([[(x, x, t) for x, t in points], [(0.5, 0.25, 1.125)]])
    made = exact_traces(batch["trace"].cast(NARRATIVES.field("trace").type))
    survives = [one == other for one, other in zip(made.to_pylist(), batch["trace"].to_pylist(),
                                                   strict=True)]  # fmt: skip
    assert is_rounded(batch).tolist() == np.logical_not(survives).tolist()
