"""The distribution of the alignment distance D, with the threshold that was set."""

from collections import Counter
from collections.abc import Mapping

from transforms.core.report.drawings import svg
from transforms.core.report.page.formats import decimal, integer, percent, plural

WIDTH, HEIGHT = 760.0, 260.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 16.0, 34.0, 42.0
INNER_WIDTH, INNER_HEIGHT = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

MOST_BARS = 60


def bar_width(highest: int) -> int:
    """Values of D in a bar: 1, 2, 5, 10 … such that there are at most `MOST_BARS`.

    >>> bar_width(0), bar_width(59), bar_width(60), bar_width(700)
    (1, 1, 2, 20)
    """
    width, factors = 1, (2.0, 2.5, 2.0)
    while highest // width >= MOST_BARS:
        width = round(width * factors[0])
        factors = (*factors[1:], factors[0])
    return width


def binned(counts: Mapping[int, int], width: int) -> Counter[int]:
    """Narratives by the first D of each bar.

    >>> binned({0: 5, 3: 1, 4: 2}, 2)
    Counter({0: 5, 4: 2, 2: 1})
    """
    bars: Counter[int] = Counter()
    for distance, number in counts.items():
        bars[distance // width * width] += number
    return bars


def draw_distances(counts: Mapping[int, int], threshold: float | None = None) -> str:
    """The distribution as SVG.

    Args:
      counts: Narratives by D in characters; not empty.
      threshold: The greatest D that is kept, None where it is not one of D itself.
    """
    highest_d = max(max(counts), 0 if threshold is None else int(threshold))
    width = bar_width(highest_d)
    bars, total = binned(counts, width), sum(counts.values())
    highest = max(bars.values()) / total
    last = highest_d // width + 1
    label = f"Distribution of D over {plural(total, 'narrative')}, at most {integer(max(counts))}"
    mark = "" if threshold is None else _threshold(threshold, width, last)
    return svg.picture(
        WIDTH,
        HEIGHT,
        label,
        _vertical_axis(highest),
        *(_bar(first, number, total, highest, width, last) for first, number in bars.items()),
        _horizontal_axis(width, last),
        mark,
        class_="distances",
    )


def _x(distance: float, width: int, last: int) -> float:
    return LEFT + INNER_WIDTH * distance / (width * last)


def _bar(first: int, number: int, total: int, highest: float, width: int, last: int) -> str:
    share = number / total
    height = INNER_HEIGHT * share / highest
    span = str(first) if width == 1 else f"{first} to {first + width - 1}"
    title = f"D of {span}: {plural(number, 'narrative')}, {percent(share)}"
    left, right = _x(first, width, last), _x(first + width, width, last)
    gap = min(1.0, (right - left) / 10)
    return svg.element(
        "rect",
        svg.title(title),
        x=left + gap,
        y=TOP + INNER_HEIGHT - height,
        width=right - left - 2 * gap,
        height=height,
        class_="bar",
    )


def _vertical_axis(highest: float) -> str:
    parts = []
    for value in svg.ticks(highest):
        y = TOP + INNER_HEIGHT * (1 - value / highest)
        parts.append(svg.line(LEFT, y, WIDTH - RIGHT, y, "grid"))
        parts.append(svg.text(percent(value, 0), LEFT - 6, y + 4, class_="end"))
    return "".join(parts)


def _horizontal_axis(width: int, last: int) -> str:
    base, every = TOP + INNER_HEIGHT, 1
    while last / every > 12:
        every *= 2
    parts = [svg.line(LEFT, base, WIDTH - RIGHT, base, "axis")]
    for bar in range(0, last, every):
        x = _x(bar * width + width / 2, width, last)
        parts.append(svg.text(str(bar * width), x, base + 16, class_="middle"))
    middle = LEFT + INNER_WIDTH / 2
    text = "D in characters" + ("" if width == 1 else f", bars of {width}")
    parts.append(svg.text(text, middle, HEIGHT - 6, class_="middle"))
    return "".join(parts)


def _threshold(threshold: float, width: int, last: int) -> str:
    x = _x(min(int(threshold) + 1, width * last), width, last)
    text = f"threshold: D ≤ {decimal(threshold, 0)}"
    side, by = ("end", -5) if x > WIDTH / 2 else ("start", 5)
    return svg.line(x, TOP - 14, x, TOP + INNER_HEIGHT, "threshold") + svg.text(
        text, x + by, TOP - 16, class_=f"{side} threshold-label"
    )
