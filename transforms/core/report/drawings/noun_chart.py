"""Nouns per caption (Fig. 5): the distribution as a bar chart."""

from collections import Counter

import pyarrow as pa

from transforms.core.report import paper
from transforms.core.report.drawings import svg
from transforms.core.report.page.formats import decimal, integer, percent

Split = tuple[str | None, str | None]

MOST = 60
"""Captions with more nouns than this are drawn in the last bar."""

WIDTH, HEIGHT = 380.0, 220.0
LEFT, RIGHT, TOP, BOTTOM = 48.0, 8.0, 40.0, 38.0
INNER_WIDTH, INNER_HEIGHT = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM


def distributions(noun_counts: pa.Table) -> dict[Split, Counter]:
    """Captions by number of nouns, by dataset and split; rows of the table `noun_counts`."""
    found: dict[Split, Counter] = {}
    for row in noun_counts.to_pylist():
        counter = found.setdefault((row["dataset"], row["split"]), Counter())
        counter[row["nouns"]] += row["captions"]
    return found


def draw_noun_chart(counter: Counter, name: str, last: int) -> str:
    """The distribution of one split as SVG.

    Args:
      counter: Captions by number of nouns.
      name: The split's name.
      last: The number of nouns at which the axis ends, the same for all charts of a report.
    """
    captions = counter.total()
    mean = sum(nouns * number for nouns, number in counter.items()) / captions
    shares = _shares(counter, last)
    highest = max(shares)
    label = f"{name}: nouns per caption over {integer(captions)} captions, mean {mean:.1f}"
    step = INNER_WIDTH / (last + 1)
    return svg.picture(
        WIDTH,
        HEIGHT,
        label,
        _vertical_axis(highest),
        _bars(shares, highest, step, counter),
        _horizontal_axis(last, step),
        _markers(mean, step, last),
        class_="noun-chart",
    )


def _shares(counter: Counter, last: int) -> list[float]:
    shares = [0.0] * (last + 1)
    for nouns, number in counter.items():
        shares[min(nouns, last)] += number / counter.total()
    return shares


def axis_end(counters: list[Counter]) -> int:
    """Where the axis of nouns ends for these distributions."""
    return min(MOST, max((max(counter) for counter in counters), default=0))


def _bars(shares: list[float], highest: float, step: float, counter: Counter) -> str:
    bars = []
    for nouns, share in enumerate(shares):
        if not share:
            continue
        height = INNER_HEIGHT * share / highest
        number = round(share * counter.total())
        title = f"{nouns} nouns: {integer(number)} captions, {percent(share)}"
        bars.append(
            svg.element(
                "rect",
                svg.element("title", title),
                x=LEFT + nouns * step + min(1.0, 0.1 * step),
                y=TOP + INNER_HEIGHT - height,
                width=step - 2 * min(1.0, 0.1 * step),
                height=height,
                class_="bar",
            )
        )
    return "".join(bars)


def _vertical_axis(highest: float) -> str:
    parts = []
    values = svg.ticks(highest)
    digits = 1 if len(values) > 1 and values[1] < 0.01 else 0
    for value in values:
        y = TOP + INNER_HEIGHT * (1 - value / highest) if highest else TOP
        parts.append(svg.line(LEFT, y, WIDTH - RIGHT, y, "grid"))
        parts.append(svg.text(percent(value, digits), LEFT - 5, y + 4, class_="end"))
    return "".join(parts)


def _horizontal_axis(last: int, step: float) -> str:
    base = TOP + INNER_HEIGHT
    parts = [svg.line(LEFT, base, WIDTH - RIGHT, base, "axis")]
    every = next(width for width in (1, 2, 5, 10, 20) if width * step >= 22)
    for nouns in range(0, last + 1, every):
        more = "+" if nouns == last == MOST else ""
        x = LEFT + (nouns + 0.5) * step
        parts.append(svg.text(f"{nouns}{more}", x, base + 15, class_="middle"))
    middle = LEFT + INNER_WIDTH / 2
    parts.append(svg.text("nouns per caption", middle, HEIGHT - 4, class_="middle"))
    return "".join(parts)


def _markers(mean: float, step: float, last: int) -> str:
    """Lines at our mean and at the paper's, their labels on the sides that look outwards."""
    theirs = paper.LOCALIZED_NARRATIVES.nouns
    ours = _marker(mean, step, "mean", 12.0, "mean", mean < theirs <= last)
    if theirs > last:
        return ours
    return _marker(theirs, step, "paper", 28.0, "paper-mean", theirs <= mean) + ours


def _marker(value: float, step: float, name: str, y: float, class_: str, left: bool) -> str:
    x = LEFT + (value + 0.5) * step
    left = (left and x > LEFT + 70) or x > WIDTH - 80
    return svg.line(x, y - 9, x, TOP + INNER_HEIGHT, class_) + svg.text(
        f"{name} {decimal(value)}",
        x + (-5 if left else 5),
        y,
        class_=f"{'end' if left else 'start'} {class_}-label",
    )
