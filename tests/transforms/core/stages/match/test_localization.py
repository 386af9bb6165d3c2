"""Closest boxes and the histogram against loops over points."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reference import localization as reference
from tests.reference import mentions
from transforms.core.stages.match.localization import (
    BINS,
    EDGES,
    Boxes,
    closest_boxes,
    point_histogram,
)

# In eighths, so that sums and quotients are exact and boxes often are equally near.
eighths = st.integers(-8, 16).map(lambda n: n / 8)
point = st.tuples(eighths, eighths)
edges = st.tuples(eighths, eighths).map(sorted)
box = st.tuples(edges, edges, st.integers(0, 2), st.booleans())
mention = st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 6), st.integers(0, 6))
image = st.tuples(st.lists(point, max_size=6), st.lists(box, max_size=6))


def box_of(drawn):
    (x_min, x_max), (y_min, y_max), class_id, excluded = drawn
    return {
        "x_min": x_min, "x_max": x_max, "y_min": y_min, "y_max": y_max,
        "class_id": class_id, "excluded": excluded,
    }  # fmt: skip


def boxes_of(images):
    flat = [box for _, boxes in images for box in boxes]
    corners = [[box[edge] for edge in ("x_min", "y_min", "x_max", "y_max")] for box in flat]
    return Boxes(
        np.cumsum([0, *(len(boxes) for _, boxes in images)]),
        np.array([box["class_id"] for box in flat], np.int64),
        np.array([b["x_max"] > b["x_min"] and b["y_max"] > b["y_min"] and not b["excluded"]
                  for b in flat], bool),
        np.array(corners, float).reshape(-1, 4),
    )  # fmt: skip


def points_of(images):
    offsets = np.cumsum([0, *(len(points) for points, _ in images)])
    x, y = np.array([p for points, _ in images for p in points], float).reshape(-1, 2).T.copy()
    return offsets, x, y


def closest(images, rows, classes, first, end, allowed=None):
    allowed = allowed or [[class_id] for class_id in range(3)]
    lists = np.cumsum([0, *map(len, allowed)]), np.array(sum(allowed, []), np.int64)
    columns = (np.array(column, np.int64) for column in (rows, classes, first, end))
    rows, classes, first, end = columns
    offsets, x, y = points_of(images)
    return closest_boxes(rows, lists, classes, first, end, offsets, x, y, boxes_of(images))


@given(st.lists(image, min_size=1, max_size=3), st.lists(mention, max_size=6))
def test_the_closest_box_is_that_of_the_reference(drawn, wanted):
    images = [(points, [box_of(item) for item in boxes]) for points, boxes in drawn]
    cases = []
    for class_id, row, a, b in wanted:
        row, size = row % len(images), len(images[row % len(images)][0])
        first, end = sorted((min(a, size), min(b, size)))
        cases.append((row, class_id, first, end))
    found = closest(images, *zip(*cases, strict=True)) if cases else None
    for i, (row, class_id, first, end) in enumerate(cases):
        points, boxes = images[row]
        usable = mentions.usable_boxes(boxes, class_id, ["excluded"])
        expected = mentions.localize(
            (0, 1), [(x, y, 0.5) for x, y in points[first:end]], boxes, usable
        )
        assert found.has_box[i] == bool(usable)
        if expected["box_index"] is None:
            assert (found.indices[i], found.inside[i]) == (-1, 0)
            assert np.isnan(found.mean_distances[i])
            continue
        assert found.indices[i] == expected["box_index"]
        assert found.mean_distances[i] == pytest.approx(expected["mean_distance"], rel=1e-12)
        assert found.inside[i] == expected["points_inside"]


def unit_box(x, y, size=0.25, class_id=0):
    return {"x_min": x, "x_max": x + size, "y_min": y, "y_max": y + size, "class_id": class_id,
            "excluded": False}  # fmt: skip


def test_ties_go_to_the_nearer_centre_in_box_sizes_then_to_the_first_in_the_files():
    # The point lies in all of them: mean distance 0. Its distance from the centres, in box sizes:
    # 0.125 / 0.5 = 0.25, 0.0625 / 0.25 = 0.25 and 0.0625 / 0.5 = 0.125 (twice).
    point = [(0.5, 0.5)]
    boxes = [unit_box(0.375, 0.25, 0.5), unit_box(0.4375, 0.375), unit_box(0.3125, 0.25, 0.5)]
    found = closest([(point, [*boxes, boxes[2]])], [0], [0], [0], [1])
    assert (found.indices[0], found.mean_distances[0], found.inside[0]) == (2, 0, 1)


def test_points_on_the_edge_are_inside():
    points = [(0.25, 0.25), (0.5, 0.5), (0.25, 0.5), (0.5, 0.51)]
    found = closest([(points, [unit_box(0.25, 0.25)])], [0], [0], [0], [4])
    assert found.inside[0] == 3
    assert found.mean_distances[0] == pytest.approx(0.01 / 4)


def test_a_mention_may_use_the_boxes_of_the_classes_that_are_allowed():
    image = ([(0.5, 0.5)], [unit_box(0.0, 0.0, class_id=1), unit_box(0.5, 0.5, class_id=2)])
    wide = [[0, 1, 2], [1], [2]]
    found = closest([image], [0, 0, 0], [0, 1, 2], [0] * 3, [1] * 3, wide)
    assert found.indices.tolist() == [1, 0, 1]
    assert not closest([image], [0], [0], [0], [1]).has_box[0]


segment = st.tuples(st.integers(0, 2), st.lists(point, max_size=8), box)


@given(st.lists(segment, max_size=5))
def test_the_histogram_is_that_of_a_loop_over_points(drawn):
    cases = [(group, points, box_of(item)) for group, points, item in drawn]
    cases = [c for c in cases if c[2]["x_max"] > c[2]["x_min"] and c[2]["y_max"] > c[2]["y_min"]]
    bins, overflow = {}, [0, 0, 0]
    for group, points, own in cases:
        for place in (reference.bin_of_point(p, own) for p in points):
            if place is None:
                overflow[group] += 1
            else:
                bins[(group, *place)] = bins.get((group, *place), 0) + 1
    offsets, x, y = points_of([(points, []) for _, points, _ in cases])
    found = point_histogram(
        np.array([group for group, _, _ in cases], np.int64), 3, offsets[:-1], offsets[1:], x, y,
        boxes_of([([], [own for _, _, own in cases])]).corners,
    )  # fmt: skip
    columns = found.groups, found.bins_x, found.bins_y, found.points
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    assert {row[:3]: row[3] for row in rows} == bins
    assert len(rows) == len(bins)  # each bin once
    assert found.overflow.tolist() == overflow
    assert found.points.sum() + found.overflow.sum() == len(x)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (-1, 0), (np.nextafter(-1, -2), None), (np.nextafter(-1, 0), 0),
        (0, 50), (np.nextafter(0, -1), 49), (1, 100), (np.nextafter(1, 0), 99),
        (EDGES[51], 51), (np.nextafter(EDGES[51], -1), 50),
        (2, BINS - 1), (np.nextafter(2, 1), BINS - 1), (np.nextafter(2, 3), None),
        (-7, None), (9, None),
    ],
)  # fmt: skip
def test_bins_at_the_edges(value, expected):
    """Of a box from 0 to 1, so that a point's place is its coordinate."""
    whole, one = np.array([0]), np.array([1])
    corners = np.array([[0.0, 0.0, 1.0, 1.0]])
    for x, y in ((value, 0.5), (0.5, value)):
        found = point_histogram(whole, 1, whole, one, np.array([x]), np.array([y]), corners)
        place = found.bins_x if x == value else found.bins_y
        assert place.tolist() == ([] if expected is None else [expected])
        assert found.overflow.tolist() == [int(expected is None)]
    assert reference.bin_of(value) == expected
