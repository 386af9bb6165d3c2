"""Tests of Arrow columns as arrays."""

import numpy as np
import pyarrow as pa

from transforms.core.model.columns import (
    empty_batch,
    list_array,
    list_of,
    reduce_rows,
    set_columns,
    unpack,
)
from transforms.core.model.narratives import schemas
from transforms.core.model.narratives.traces import points


def test_unpack_counts_from_the_slice_it_is_given():
    column = pa.array([[1], [2, 3], [], [4]], list_of(pa.int64()))
    offsets, values = unpack(column.slice(1, 2))
    assert (offsets.tolist(), values.to_pylist()) == ([0, 2, 2], [2, 3])
    assert list_array(offsets, values).to_pylist() == [[2, 3], []]
    offsets, values = unpack(column.slice(4))
    assert (offsets.tolist(), values.to_pylist()) == ([0], [])


def test_points_of_filtered_narratives_are_theirs(finished):
    """Columns of a filtered or sliced batch share buffers with the whole."""
    narratives = finished["narratives"]
    keep = np.arange(len(narratives)) % 3 == 1
    for part in (narratives.filter(pa.array(keep)), narratives.slice(5, 7)):
        offsets, x, y, t = points(part)
        for row, trace in enumerate(part["trace"].to_pylist()):
            own = slice(offsets[row], offsets[row + 1])
            assert (x[own].tolist(), y[own].tolist(), t[own].tolist()) == tuple(trace.values())


def test_set_columns_appends_and_replaces():
    batch = pa.RecordBatch.from_pydict({"a": [1, 2]})
    changed = set_columns(batch, b=np.array([0.5, 1.5]), a=pa.array(["x", None]))
    assert changed.to_pydict() == {"a": ["x", None], "b": [0.5, 1.5]}
    assert batch.to_pydict() == {"a": [1, 2]}


def test_reduce_rows():
    values, offsets = np.array([3.0, 1.0, 2.0, 5.0]), np.array([0, 0, 3, 3, 4, 4])
    smallest = reduce_rows(np.minimum, values, offsets)
    np.testing.assert_array_equal(smallest, [np.nan, 1, np.nan, 5, np.nan])


def test_empty_batch_has_the_schema():
    for schema in (*schemas.UNIT_TABLES.values(), schemas.READ_NARRATIVES):
        batch = empty_batch(schema)
        assert (batch.schema, batch.num_rows) == (schema, 0)
