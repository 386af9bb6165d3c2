"""One narrative drawn: its boxes, and its trace coloured by time."""

import dataclasses
import math
from collections.abc import Iterator

from transforms.core.report.drawings import svg
from transforms.core.report.drawings.colours import TIME_CLASSES, time_class

SIDE = 470.0
"""Side of the drawn image; it is drawn square, since its proportions are not published."""

PAD = 8.0
MOST_NAMES = 20
"""Boxes beyond which only those that are mentioned are named."""

LABEL_HEIGHT = 17.0
CHARACTER = 7.4
"""Width of a label's character, enough to keep labels apart."""


@dataclasses.dataclass(frozen=True)
class Clock:
    """From seconds to colour steps.

    Attributes:
      first: The narrative's first moment in seconds.
      last: Its last one.
    """

    first: float
    last: float

    def step(self, seconds: float) -> int:
        """The colour step of a moment."""
        span = self.last - self.first
        share = (seconds - self.first) / span if span > 0 else 0.0
        return time_class(share if math.isfinite(share) else 0.0)


@dataclasses.dataclass(frozen=True)
class Frame:
    """From normalised image coordinates to those of the drawing: `low` to `high` on each axis.

    What lies further out than an image's side is drawn there, out of sight: coordinates can be of
    any size, and a drawing's arithmetic must not depend on them.
    """

    low_x: float
    low_y: float
    high_x: float
    high_y: float

    def x(self, value: float) -> float:
        """A horizontal place."""
        return PAD + (min(max(value, self.low_x - 1), self.high_x + 1) - self.low_x) * SIDE

    def y(self, value: float) -> float:
        """A vertical place, downwards."""
        return PAD + (min(max(value, self.low_y - 1), self.high_y + 1) - self.low_y) * SIDE

    @property
    def width(self) -> float:
        """Width of the drawing."""
        return 2 * PAD + (self.high_x - self.low_x) * SIDE

    @property
    def height(self) -> float:
        """Height of the drawing without its colour bar."""
        return 2 * PAD + (self.high_y - self.low_y) * SIDE


def clock_of(narrative: dict) -> Clock | None:
    """The span of the trace, or of the words where there is no trace."""
    times = list(narrative["trace"]["t"] or [])
    for word in [] if times else narrative["words"]:
        times += [time for time in (word["start_time"], word["end_time"]) if time is not None]
    return Clock(min(times), max(times)) if times else None


def frame_of(narrative: dict) -> Frame:
    """The image with a margin of a tenth, widened to the trace up to half an image."""
    trace = narrative["trace"]
    x, y = trace["x"] or [0.0], trace["y"] or [0.0]
    return Frame(
        max(min(min(x), -0.08), -0.5),
        max(min(min(y), -0.08), -0.5),
        min(max(max(x), 1.08), 1.5),
        min(max(max(y), 1.08), 1.5),
    )


def draw_narrative(narrative: dict, mentions: list[dict]) -> str:
    """Draws a row of `narratives` with its rows of `mentions` as SVG."""
    frame, clock = frame_of(narrative), clock_of(narrative)
    bar = _colour_bar(frame, clock) if clock else ""
    return svg.picture(
        frame.width,
        frame.height + (46 if clock else 0),
        "The narrative's trace over the image's boxes, coloured by time",
        _image(frame),
        *_boxes(narrative, mentions, frame, clock),
        _trace(narrative, frame, clock),
        bar,
        class_="narrative",
    )


def _image(frame: Frame) -> str:
    margin = svg.rectangle(0.5, 0.5, frame.width - 1, frame.height - 1, class_="margin")
    image = svg.rectangle(frame.x(0.0), frame.y(0.0), SIDE, SIDE, class_="image")
    return margin + image


def _boxes(
    narrative: dict, mentions: list[dict], frame: Frame, clock: Clock | None
) -> Iterator[str]:
    """Outlines, then names; a box that is mentioned has the colour of its first mention."""
    boxes = narrative["boxes"] or []
    steps = _box_steps(mentions, clock)
    taken: list[tuple[float, float, float]] = []
    labels = []
    for index in sorted(range(len(boxes)), key=lambda index: (index in steps, index)):
        box, step = boxes[index], steps.get(index)
        kind = "box" if step is None else f"box mentioned t{step}"
        yield svg.rectangle(*_place(box, frame), class_=kind)
    for index in sorted(range(len(boxes)), key=lambda index: (index not in steps, index)):
        kind = "name" if index in steps else "name quiet"
        if index not in steps and len(boxes) > MOST_NAMES:
            break
        labels.append(_name(boxes[index], kind, frame, taken))
    yield "".join(labels)


def _box_steps(mentions: list[dict], clock: Clock | None) -> dict[int, int]:
    steps: dict[int, int] = {}
    for mention in sorted(mentions, key=lambda mention: mention["char_start"]):
        if mention["box_index"] is not None and mention["start_time"] is not None and clock:
            middle = (mention["start_time"] + mention["end_time"]) / 2
            steps.setdefault(mention["box_index"], clock.step(middle))
    return steps


def _place(box: dict, frame: Frame) -> tuple[float, float, float, float]:
    x, y = frame.x(box["x_min"]), frame.y(box["y_min"])
    return x, y, frame.x(box["x_max"]) - x, frame.y(box["y_max"]) - y


def _name(box: dict, kind: str, frame: Frame, taken: list[tuple[float, float, float]]) -> str:
    """A box's name at its top left corner, moved down until it touches no other name."""
    name = box["name"] or box["class_id"]
    width = len(name) * CHARACTER
    x = min(frame.x(box["x_min"]) + 5, frame.width - width)
    y = frame.y(box["y_min"]) + LABEL_HEIGHT
    while any(
        abs(y - other) < LABEL_HEIGHT and x < right and left < x + width
        for left, right, other in taken
    ):
        y += LABEL_HEIGHT
    taken.append((x, x + width, y))
    return svg.text(name, x, y, class_=kind)


def _trace(narrative: dict, frame: Frame, clock: Clock | None) -> str:
    if clock is None:
        return ""
    trace = narrative["trace"]
    x, y = [frame.x(v) for v in trace["x"]], [frame.y(v) for v in trace["y"]]
    steps = [clock.step(t) for t in trace["t"]]
    lines = [
        svg.element("path", d=_path(x, y, first, end), class_=f"trace t{steps[first]}")
        for first, end in runs(steps, narrative["segment_starts"])
    ]
    if not x:
        return ""
    start = svg.element("circle", cx=x[0], cy=y[0], r=5, class_=f"begin t{steps[0]}")
    return svg.element("g", *lines, class_="traces") + start


def runs(steps: list[int], segment_starts: list[int]) -> Iterator[tuple[int, int]]:
    """Half-open ranges of points of one colour step that are connected.

    A range takes in the first point of the next one, so that the line has no hole, unless a
    segment begins there: the pointer had left the image, and a gap is not a line.
    """
    begins = set(segment_starts)
    first = 0
    for point in range(1, len(steps) + 1):
        if point == len(steps) or point in begins:
            yield first, point
            first = point
        elif steps[point] != steps[first]:
            yield first, point + 1
            first = point


def _path(x: list[float], y: list[float], first: int, end: int) -> str:
    places = [f"{x[k]:.1f} {y[k]:.1f}" for k in range(first, end)]
    if len(places) == 1:
        places *= 2  # a lone point is drawn as a dot by its round caps
    return "M" + "L".join(places)


def _colour_bar(frame: Frame, clock: Clock) -> str:
    top, left, width = frame.height + 8, PAD, frame.width - 2 * PAD
    step = width / TIME_CLASSES
    bars = [
        svg.rectangle(left + k * step, top, step + 0.4, 9.0, class_=f"swatch t{k}")
        for k in range(TIME_CLASSES)
    ]
    return "".join(bars) + _bar_labels(clock, left, width, top)


def _bar_labels(clock: Clock, left: float, width: float, top: float) -> str:
    span = clock.last - clock.first
    labels: list[str] = []
    for value in svg.ticks(clock.last, 7) if math.isfinite(span) else ():
        if not clock.first <= value <= clock.last:
            continue
        x = left + (width * ((value - clock.first) / span) if span > 0 else 0.0)
        near_start, near_end = x < left + 12, x > left + width - 12
        anchor = "start" if near_start else "end" if near_end else "middle"
        labels.append(svg.line(x, top + 9, x, top + 13, "tick"))
        labels.append(svg.text(f"{value:g} s", x, top + 26, class_=anchor))
    return "".join(labels)
