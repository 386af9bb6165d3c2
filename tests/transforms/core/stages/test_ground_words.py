"""Trace segments, their boxes and gaps against loops over points."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.reference import grounding as reference
from transforms.core.stages.ground_words import (
    crosses_gap,
    segment_boxes,
    trace_segments,
)

coordinate = st.integers(-4, 12).map(lambda eighths: eighths / 8)
point = st.tuples(coordinate, coordinate, st.integers(0, 8).map(float))
traces = st.lists(st.lists(point, max_size=5), max_size=3)
times = st.tuples(st.integers(-1, 9), st.integers(-1, 9)).map(sorted)
narrative = st.tuples(traces, st.booleans(), st.lists(st.none() | times, max_size=4))


def in_time(trace):
    """The same segments with the times of their points put in order."""
    flat = iter(sorted(t for segment in trace for _, _, t in segment))
    return [[(x, y, next(flat)) for x, y, _ in segment] for segment in trace]


def ground(narratives):
    """Rows like the reference's of every word, by the compiled functions."""
    points = [[point for segment in trace for point in segment] for trace, _ in narratives]
    point_offsets = np.cumsum([0, *map(len, points)])
    x, y, t = np.array([p for own in points for p in own], float).reshape(-1, 3).T.copy()
    starts = [reference.segment_starts(trace) for trace, _ in narratives]
    segment_offsets = np.cumsum([0, *map(len, starts)])
    segment_starts = np.array([start for own in starts for start in own], np.int32)
    rows = np.repeat(np.arange(len(narratives)), [len(words) for _, words in narratives])
    spans = [(np.nan, np.nan) if own is None else own for _, words in narratives for own in words]
    begins, ends = np.array(spans, float).reshape(-1, 2).T.copy()
    first, end = trace_segments(rows, begins, ends, point_offsets, t)
    boxes = segment_boxes(rows, first, end, point_offsets, x, y)
    crosses = crosses_gap(rows, first, end, segment_offsets, segment_starts)
    return list(zip(first.tolist(), end.tolist(), crosses.tolist(), boxes.tolist(), strict=True))


@given(st.lists(narrative, max_size=4))
def test_words_are_grounded_as_by_the_reference(drawn):
    narratives = [(in_time(trace) if ordered else trace, words) for trace, ordered, words in drawn]
    expected = []
    for trace, words in narratives:
        points, segment_of = reference.flatten(trace)
        expected += [reference.ground_word(points, segment_of, span) for span in words]
    for (first, end, crosses, box), row in zip(ground(narratives), expected, strict=True):
        if row["start_time"] is None:
            assert (first, end) == (-1, -1)
            continue
        assert (first, end, crosses) == (row["first_point"], row["end_point"], row["crosses_gap"])
        edges = [row[edge] for edge in ("x_min", "y_min", "x_max", "y_max")]
        assert [None if np.isnan(edge) else edge for edge in box] == edges


def test_a_segment_takes_both_ends_of_its_interval():
    trace = [[(0.1 * t, 0.5, float(t)) for t in range(6)]]
    (found,) = ground([(trace, [(2, 4)])])
    assert found[:2] == (2, 5)
    assert found[3] == [0.2, 0.5, 0.4, 0.5]


def test_a_segment_that_begins_with_a_piece_does_not_cross_a_gap():
    trace = [[(0, 0, 0.0), (0, 0, 1.0)], [(0, 0, 2.0), (0, 0, 3.0)]]
    assert [row[2] for row in ground([(trace, [(0, 1), (2, 3), (1, 2)])])] == [False, False, True]
