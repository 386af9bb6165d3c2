"""Charts with a logarithmic axis: a falling line of frequencies, and shares with intervals."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from transforms.core.report.drawings import svg
from transforms.core.report.page.formats import integer, percent

WIDTH, HEIGHT = 380.0, 260.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 12.0, 26.0, 42.0
INNER_WIDTH, INNER_HEIGHT = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

_MOST_POINTS = 240
"""Of a longer line so many points are drawn, evenly along the logarithmic axis."""


class ShareBin(NamedTuple):
    """A share of what is in a range, with its 95 % interval.

    Attributes:
      begin: First number of the range, at least 1.
      end: One past the last.
      share: From 0 to 1.
      low: Lower bound.
      high: Upper bound.
      title: What is shown of it when it is pointed at.
    """

    begin: int
    end: int
    share: float
    low: float
    high: float
    title: str


class Dot(NamedTuple):
    """A share at one place of the axis."""

    at: int
    share: float


class _Axis(NamedTuple):
    """A logarithmic axis from 1 to a power of ten."""

    decades: int
    begin: float
    length: float

    def place(self, value: float) -> float:
        return self.begin + self.length * math.log10(max(value, 1)) / self.decades


def _decades(highest: float) -> int:
    return max(1, math.ceil(math.log10(max(highest, 1))))


def draw_frequencies(numbers: Sequence[int], name: str) -> str:
    """Numbers in falling order over their rank, both axes logarithmic, as SVG.

    Args:
      numbers: Images of each label, all above 0, the largest first.
      name: What they are of, for those who cannot see it.
    """
    across = _Axis(_decades(len(numbers)), LEFT, INNER_WIDTH)
    up = _Axis(_decades(numbers[0]), TOP + INNER_HEIGHT, -INNER_HEIGHT)
    ranks = list(_ranks(len(numbers)))
    points = [(across.place(rank), up.place(numbers[rank - 1])) for rank in ranks]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    label = (
        f"{name}: images per label, {integer(len(numbers))} labels, the most frequent with "
        f"{integer(numbers[0])} images, the rarest with {integer(numbers[-1])}"
    )
    return svg.picture(
        WIDTH,
        HEIGHT,
        label,
        "".join(_horizontal(across, "rank of the label")),
        "".join(_vertical(up, "images")),
        svg.element("polyline", points=path, class_="frequency"),
        *(
            svg.element("circle", svg.element("title", _title(rank, numbers)), cx=x, cy=y, r=2)
            for rank, (x, y) in zip(ranks, points, strict=True)
            if len(ranks) <= 20 or rank in (1, len(numbers))
        ),
        class_="log-chart",
    )


def _title(rank: int, numbers: Sequence[int]) -> str:
    return f"label {integer(rank)}: {integer(numbers[rank - 1])} images"


def _ranks(number: int) -> Iterator[int]:
    """Ranks from 1 to a number: all, or some evenly along a logarithmic axis."""
    if number <= _MOST_POINTS:
        yield from range(1, number + 1)
        return
    steps = (math.log(number) * k / (_MOST_POINTS - 1) for k in range(_MOST_POINTS))
    yield from sorted({min(number, round(math.exp(step))) for step in steps})


def draw_shares(bins: Sequence[ShareBin], dots: Sequence[Dot], name: str) -> str:
    """Shares over a logarithmic axis: a step and an interval a bin, a faint dot a class, as SVG.

    Args:
      bins: In order, at least one.
      dots: Any number.
      name: What they are of, for those who cannot see it.
    """
    across = _Axis(_decades(bins[-1].end - 1), LEFT, INNER_WIDTH)
    label = f"{name}: from {percent(bins[0].share)} to {percent(bins[-1].share)}"
    return svg.picture(
        WIDTH,
        HEIGHT,
        label,
        "".join(_horizontal(across, "images with the machine’s label")),
        "".join(_shares_axis()),
        *(
            svg.element("circle", cx=across.place(dot.at), cy=_at(dot.share), r=1.5, class_="dot")
            for dot in dots
        ),
        *(_draw_bin(across, found) for found in bins),
        class_="log-chart",
    )


def _draw_bin(across: _Axis, found: ShareBin) -> str:
    begin, end = across.place(found.begin), min(across.place(found.end), WIDTH - RIGHT)
    middle, top, bottom = (begin + end) / 2, _at(found.high), _at(found.low)
    return svg.element(
        "g",
        svg.element("title", found.title),
        svg.rectangle(begin, top, end - begin, max(1.0, bottom - top), class_="interval"),
        svg.line(begin, _at(found.share), end, _at(found.share), "share"),
        svg.line(middle, top, middle, bottom, "whisker"),
    )


def _at(share: float) -> float:
    return TOP + INNER_HEIGHT * (1 - share)


def _power(exponent: int) -> str:
    """A power of ten as one reads it: 100, 10k, 1M."""
    prefix, rest = {0: "", 1: "k", 2: "M", 3: "G"}.get(exponent // 3, ""), exponent % 3
    return f"{10**rest}{prefix}"


def _horizontal(axis: _Axis, title: str) -> Iterator[str]:
    base = TOP + INNER_HEIGHT
    yield svg.line(LEFT, base, WIDTH - RIGHT, base, "axis")
    for exponent in range(axis.decades + 1):
        x = axis.place(10**exponent)
        yield svg.line(x, TOP, x, base, "grid")
        yield svg.text(_power(exponent), x, base + 15, class_="middle")
    yield svg.text(title, LEFT + INNER_WIDTH / 2, HEIGHT - 6, class_="middle")


def _vertical(axis: _Axis, title: str) -> Iterator[str]:
    yield svg.text(title, LEFT - 5, TOP - 12, class_="end")
    for exponent in range(axis.decades + 1):
        y = axis.place(10**exponent)
        yield svg.line(LEFT, y, WIDTH - RIGHT, y, "grid")
        yield svg.text(_power(exponent), LEFT - 5, y + 4, class_="end")


def _shares_axis() -> Iterator[str]:
    yield svg.text("correct", LEFT - 5, TOP - 12, class_="end")
    for quarter in range(5):
        y = _at(quarter / 4)
        yield svg.line(LEFT, y, WIDTH - RIGHT, y, "grid")
        yield svg.text(f"{25 * quarter} %", LEFT - 5, y + 4, class_="end")
