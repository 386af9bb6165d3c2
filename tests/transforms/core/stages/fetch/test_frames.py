"""Boxes in other frames: worked by hand, and beside Pillow turning the picture itself."""

import math

import pytest
from PIL import Image

from transforms.core.stages.fetch.frames import Frame, quarter_turns, reframe, rotate_box

BOX = {"class_id": "/m/01", "x_min": 0.1, "x_max": 0.4, "y_min": 0.5, "y_max": 0.75}

BY_HAND = {
    0: (0.1, 0.4, 0.5, 0.75),
    90: (0.5, 0.75, 0.6, 0.9),  # what is at the left comes to the bottom
    180: (0.6, 0.9, 0.25, 0.5),  # left to right, bottom to top
    270: (0.25, 0.5, 0.1, 0.4),  # what is at the left comes to the top
}


def edges(box):
    return [box[edge] for edge in ("x_min", "x_max", "y_min", "y_max")]


@pytest.mark.parametrize("rotation", BY_HAND)
def test_all_rotations_as_worked_by_hand(rotation):
    [turned] = reframe([BOX], Frame(rotated=True), float(rotation), (100, 200))
    assert edges(turned) == pytest.approx(BY_HAND[rotation])
    assert turned["class_id"] == "/m/01" and edges(BOX) == [0.1, 0.4, 0.5, 0.75]
    [left] = reframe([BOX], Frame(), float(rotation), (100, 200))
    assert left == BOX


@pytest.mark.parametrize("rotation", BY_HAND)
def test_a_box_stays_on_what_it_is_of(rotation):
    """Pillow turns a picture counter-clockwise too; the painted box must be where ours is."""
    size = (40, 20)
    painted = {"x_min": 4 / 40, "x_max": 16 / 40, "y_min": 10 / 20, "y_max": 15 / 20}
    image = Image.new("L", size)
    image.paste(255, (4, 10, 16, 15))
    turned = image.rotate(rotation, expand=True)
    [box] = reframe([painted], Frame(rotated=True, pixels=True), float(rotation), size)
    assert turned.getbbox() == pytest.approx(
        (box["x_min"], box["y_min"], box["x_max"], box["y_max"])
    )


def test_pixels_are_those_of_the_file():
    [box] = reframe([BOX], Frame(pixels=True), 90.0, (100, 200))
    assert edges(box) == pytest.approx([10, 40, 100, 150])


def test_four_turns_are_none_and_unknown_is_none():
    assert edges(rotate_box(BOX, 4)) == pytest.approx(edges(BOX))
    assert [quarter_turns(value) for value in (None, math.nan, 0.0, -90.0, 360.0, 12.0)] == [
        0, 0, 0, 3, 0, 0]  # fmt: skip
