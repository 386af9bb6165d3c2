"""The charts of labels: points stand where their numbers say, and titles tell them."""

import math
import re
import xml.etree.ElementTree as ElementTree

import pytest

from transforms.core.report.drawings import log_chart
from transforms.core.report.drawings.log_chart import (
    Dot,
    ShareBin,
    draw_frequencies,
    draw_shares,
)

LEFT, RIGHT = log_chart.LEFT, log_chart.LEFT + log_chart.INNER_WIDTH
TOP, BASE = log_chart.TOP, log_chart.TOP + log_chart.INNER_HEIGHT


def points_of(chart):
    (points,) = re.findall(r'points="([^"]+)"', chart)
    return [tuple(map(float, point.split(","))) for point in points.split()]


def test_frequencies_fall_from_the_axis_to_the_last_label():
    numbers = sorted((round(10_000 / rank) for rank in range(1, 1_001)), reverse=True)
    chart = draw_frequencies(numbers, "v1 & more")
    ElementTree.fromstring(chart)
    points = points_of(chart)
    assert points[0] == (LEFT, TOP)  # the first label has 10,000 images, where the axis ends
    assert points[-1] == pytest.approx((RIGHT, (TOP + BASE * 3) / 4), abs=0.1)  # rank 1,000: 10
    assert points == sorted(points) and len(points) <= 240
    for x, y in points:  # both axes logarithmic: numbers of the form 1 / rank are a straight line
        rank = 10 ** (3 * (x - LEFT) / (RIGHT - LEFT))
        at = BASE - (BASE - TOP) * math.log10(10_000 / rank) / 4
        assert y == pytest.approx(at, abs=1.5)
    assert "1,000 labels, the most frequent with 10,000 images" in chart


@pytest.mark.parametrize("numbers", [[1], [5, 5, 1], [10**7]])
def test_few_labels_are_a_chart_too(numbers):
    chart = draw_frequencies(numbers, "few")
    ElementTree.fromstring(chart)
    assert len(points_of(chart)) == len(numbers)
    assert f"label 1: {numbers[0]:,} images" in chart
    assert all(TOP <= y <= BASE and LEFT <= x <= RIGHT for x, y in points_of(chart))


def test_shares_stand_at_their_heights():
    bins = [ShareBin(1, 4, 0.5, 0.25, 0.75, "first"), ShareBin(4, 10, 1.0, 0.9, 1.0, "second")]
    chart = draw_shares(bins, [Dot(10, 0.0)], "shares")
    root = ElementTree.fromstring(chart)
    intervals = [rect.attrib for rect in root.iter("rect")]
    assert [float(rect["y"]) for rect in intervals] == pytest.approx([TOP + (BASE - TOP) / 4, TOP])
    assert float(intervals[0]["height"]) == pytest.approx((BASE - TOP) / 2)
    assert float(intervals[1]["x"]) == pytest.approx(
        LEFT + (RIGHT - LEFT) * math.log10(4), abs=0.01
    )
    (dot,) = (circle.attrib for circle in root.iter("circle"))
    assert (float(dot["cx"]), float(dot["cy"])) == (RIGHT, BASE)
    assert {title.text for title in root.iter("title")} == {"first", "second"}
