"""Flags as bits, names and counts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.core.model.narratives import flags
from transforms.core.model.narratives.schemas import FLAGS


@given(st.lists(st.sets(st.sampled_from(FLAGS)), max_size=6))
def test_what_is_combined_is_named_and_counted(rows):
    conditions = {name: np.array([name in row for row in rows], bool) for name in FLAGS}
    masks = flags.combine(**conditions)
    assert masks.dtype == np.uint32
    found = flags.names(masks).to_pylist()
    assert found == [[name for name in FLAGS if name in row] for row in rows]
    counts = {name: sum(name in row for row in rows) for name in FLAGS}
    assert flags.count(masks) == {name: number for name, number in counts.items() if number}


def test_other_vocabularies():
    masks = np.array([0b101, 0, 0b010], np.uint32)
    expected = [["distance", "few_words"], [], ["no_distance"]]
    reasons = ("distance", "no_distance", "few_words")
    assert flags.names(masks, reasons).to_pylist() == expected


def test_an_unknown_flag_is_refused():
    with pytest.raises(ValueError, match="not in tuple"):
        flags.combine(sideways=np.array([True]))


coordinates = st.sampled_from([-0.1, -1e-9, 0.0, 0.5, 1.0, 1.0000001, 2.0])


@given(st.lists(st.lists(st.tuples(coordinates, coordinates), max_size=4), max_size=5))
def test_points_outside_the_image(rows):
    offsets = np.cumsum([0, *map(len, rows)])
    x, y = np.array([point for row in rows for point in row], float).reshape(-1, 2).T.copy()
    expected = [any(not (0 <= v <= 1) for point in row for v in point) for row in rows]
    assert flags.any_outside(offsets, x, y).tolist() == expected


@given(st.lists(st.lists(st.integers(0, 3).map(float), max_size=5), max_size=5))
def test_times_are_in_order_or_not(rows):
    offsets = np.cumsum([0, *map(len, rows)])
    flat = np.array([t for row in rows for t in row], float)
    assert flags.in_order(offsets, flat).tolist() == [row == sorted(row) for row in rows]


@given(st.lists(st.integers(0, 2 ** len(FLAGS) - 1), max_size=6), st.sets(st.sampled_from(FLAGS)))
def test_names_are_read_back_to_masks(masks, without):
    made = flags.masks(flags.names(np.array(masks, np.uint32)), without)
    left = sum(1 << FLAGS.index(name) for name in without)
    assert made.tolist() == [mask & ~left for mask in masks]
