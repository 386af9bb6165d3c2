"""Nouns per caption (Fig. 5) of several collections in one chart: a line each."""

from collections import Counter
from collections.abc import Mapping

import pyarrow as pa

from transforms.core.report.drawings import svg
from transforms.core.report.page.formats import decimal, integer, percent

Split = tuple[str | None, str | None]

WIDTH, HEIGHT = 760.0, 400.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 12.0, 28.0, 42.0
INNER_WIDTH, INNER_HEIGHT = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

TAIL = 0.002
"""The axis ends where no collection has a larger share of its captions beyond."""

COLOURS = (
    ("#2f5fb3", "#7ea6f0"),
    ("#c2571a", "#f0935a"),
    ("#17734a", "#5fce98"),
    ("#a02c7d", "#e583c6"),
    ("#8a6d00", "#d9bb4a"),
    ("#00788a", "#5cc9da"),
    ("#b3261e", "#ff8a80"),
    ("#5c636d", "#b8c0ca"),
)
"""Colours of the lines in order, on light and on dark ground; a ninth line has the first again."""

_DASHES = ("", "6 4", "2 3")
_LINE = 18.0


def distributions(noun_counts: pa.Table) -> dict[Split, Counter]:
    """Captions by number of nouns, by dataset and split; rows of the table `noun_counts`."""
    found: dict[Split, Counter] = {}
    for row in noun_counts.to_pylist():
        counter = found.setdefault((row["dataset"], row["split"]), Counter())
        counter[row["nouns"]] += row["captions"]
    return found


def draw_noun_lines(
    series: Mapping[str, Counter], paper_means: Mapping[str, float] | None = None
) -> str:
    """The distributions as SVG, with a legend that has the means.

    Args:
      series: Captions by number of nouns, by the collection's name; none is empty.
      paper_means: Nouns a caption of the paper's collections by their names, to be marked.
    """
    last = max([axis_end(counter) for counter in series.values()])
    marks = sorted((paper_means or {}).items(), key=lambda item: item[1])
    last = max([last, 1, *(round(mean) + 2 for _, mean in marks)])
    shares = {name: _shares(counter, last) for name, counter in series.items()}
    highest = max(max(values) for values in shares.values())
    lines = [
        _line(name, values, highest, position)
        for position, (name, values) in enumerate(shares.items())
    ]
    label = "Nouns per caption: " + "; ".join(
        f"{name}, mean {mean_of(counter):.1f}" for name, counter in series.items()
    )
    return svg.picture(
        WIDTH,
        HEIGHT + _LINE * len(marks),
        label,
        _axes(highest, last),
        *(_paper_mark(name, mean, row, last) for row, (name, mean) in enumerate(marks)),
        *lines,
        _legend(series),
        class_="noun-lines",
    )


def mean_of(counter: Counter) -> float:
    """Nouns a caption.

    >>> mean_of(Counter({1: 3, 3: 1}))
    1.5
    """
    return sum(nouns * number for nouns, number in counter.items()) / counter.total()


def axis_end(counter: Counter) -> int:
    """The number of nouns beyond which no more than `TAIL` of the captions lie.

    >>> axis_end(Counter({1: 600, 2: 399, 50: 1}))
    2
    """
    beyond, total = 0, counter.total()
    for nouns in sorted(counter, reverse=True):
        beyond += counter[nouns]
        if beyond > TAIL * total:
            return nouns
    return 0


def _shares(counter: Counter, last: int) -> list[float]:
    return [counter[nouns] / counter.total() for nouns in range(last + 1)]


def _x(nouns: float, last: int) -> float:
    return LEFT + INNER_WIDTH * nouns / last


def _line(name: str, shares: list[float], highest: float, position: int) -> str:
    last = len(shares) - 1
    places = [
        (_x(nouns, last), TOP + INNER_HEIGHT * (1 - share / highest))
        for nouns, share in enumerate(shares[: _end(shares)])
    ]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = [
        svg.element(
            "circle",
            svg.title(f"{name}, {nouns} nouns: {percent(share)}"),
            cx=x,
            cy=y,
            r=2.5,
            class_="series-dot",
        )
        for nouns, ((x, y), share) in enumerate(zip(places, shares, strict=False))
        if share
    ]
    line = svg.element("polyline", points=points, class_="series", **_dashes(position))
    return svg.element("g", line, *dots, class_=_class(position))


def _end(shares: list[float]) -> int:
    """Where a line ends: one behind the last number of nouns that a caption has."""
    return 1 + max((nouns for nouns, share in enumerate(shares) if share), default=0)


def _class(position: int) -> str:
    return f"s{position % len(COLOURS)}"


def _dashes(position: int) -> dict[str, str]:
    dashes = _DASHES[position // len(COLOURS) % len(_DASHES)]
    return {"stroke_dasharray": dashes} if dashes else {}


def _axes(highest: float, last: int) -> str:
    base, parts = TOP + INNER_HEIGHT, []
    for value in svg.ticks(highest):
        y = TOP + INNER_HEIGHT * (1 - value / highest)
        parts.append(svg.line(LEFT, y, WIDTH - RIGHT, y, "grid"))
        parts.append(svg.text(percent(value, 0), LEFT - 6, y + 4, class_="end"))
    parts.append(svg.line(LEFT, base, WIDTH - RIGHT, base, "axis"))
    every = next(width for width in (1, 2, 5, 10, 20, 50, 100, last) if last / width <= 30)
    for nouns in range(0, last + 1, every):
        parts.append(svg.text(str(nouns), _x(nouns, last), base + 16, class_="middle"))
    middle = LEFT + INNER_WIDTH / 2
    parts.append(svg.text("nouns per caption", middle, HEIGHT - 6, class_="middle"))
    return "".join(parts)


def _paper_mark(name: str, mean: float, row: int, last: int) -> str:
    """A line at the paper's mean of a collection, its name in a row of its own below the axis."""
    x, y = _x(mean, last), HEIGHT + 10 + _LINE * row
    side, by = ("end", -6) if x > WIDTH / 2 else ("start", 6)
    text = f"{name}, paper: mean {decimal(mean)}"
    return (
        svg.line(x, TOP, x, TOP + INNER_HEIGHT, "paper-mean")
        + svg.line(x, y - 10, x, y + 2, "paper-mean")
        + svg.text(text, x + by, y, class_=f"{side} paper-mean-label")
    )


def _legend(series: Mapping[str, Counter]) -> str:
    """Names with means and numbers of captions, at the upper right, where lines end low."""
    parts = []
    for position, (name, counter) in enumerate(series.items()):
        y = TOP + 16 + _LINE * position
        mark = svg.element(
            "line",
            x1=WIDTH - RIGHT - 26,
            x2=WIDTH - RIGHT,
            y1=y - 4,
            y2=y - 4,
            class_="series",
            **_dashes(position),
        )
        text = f"{name}: mean {decimal(mean_of(counter))}, {integer(counter.total())} captions"
        label = svg.text(text, WIDTH - RIGHT - 34, y, class_="end series-name")
        parts.append(svg.element("g", mark, label, class_=_class(position)))
    return "".join(parts)
