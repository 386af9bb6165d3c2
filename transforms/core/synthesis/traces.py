"""Mouse traces that circle, scribble over or underline boxes while they are spoken of.

A drawing is a Lissajous figure about its target: a circle, a zigzag that sweeps down, or a line
to and fro along the lower edge. So all points of a narrative are computed at once.
"""

import dataclasses

import numpy as np

from transforms.core.synthesis import measured
from transforms.core.synthesis.speaking.captions import Caption, Subject
from transforms.core.synthesis.speaking.speech import Speech

STYLES = ("circle", "scribble", "underline")
_CIRCLE, _SCRIBBLE, _UNDERLINE = range(3)
_STYLE_LEVELS = (0.5, 0.8)

_SHORTEST = 0.3
"""Seconds that a drawing takes at least."""

TRANSIT_SECONDS = 0.35
"""Seconds to get from one drawing to the next, or out of the image."""


_TREMOR = measured.JITTER * np.sqrt(np.pi) / np.median(measured.SAMPLING_SECONDS)
"""Speed that a pointer at rest seems to have from jitter alone."""


@dataclasses.dataclass(frozen=True, slots=True)
class Drawings:
    """The drawings of a narrative: arrays of shape `(n_drawings,)`, one for each subject.

    Attributes:
      starts, ends: Seconds; they do not overlap.
      styles: Indexes into `STYLES`.
      leaves: Whether the pointer leaves the image afterwards.
      doors: Shape `(2, n_drawings)`: x and y of the place outside where it leaves and enters.
      x, y, width, height: Centre and half extents of the figure, image coordinates.
      turns: Number of its periods.
      phase: Where in the period it begins, radians.
    """

    starts: np.ndarray
    ends: np.ndarray
    styles: np.ndarray
    leaves: np.ndarray
    doors: np.ndarray
    x: np.ndarray
    y: np.ndarray
    width: np.ndarray
    height: np.ndarray
    turns: np.ndarray
    phase: np.ndarray


@dataclasses.dataclass(frozen=True, slots=True)
class Trace:
    """A narrative's points in published precision.

    Attributes:
      x, y: Shape `(n_points,)` integers: ten-thousandths of the image's width and height.
      t: Shape `(n_points,)` integers: milliseconds, never falling.
      drawing: Shape `(n_points,)`: which drawing a point belongs to.
      segment_starts: First point of each segment.
    """

    x: np.ndarray
    y: np.ndarray
    t: np.ndarray
    drawing: np.ndarray
    segment_starts: np.ndarray


def plan_drawings(caption: Caption, speech: Speech, generator: np.random.Generator) -> Drawings:
    """Where and when each subject is drawn."""
    n = len(caption.subjects)
    starts, ends = _times(caption.subjects, speech, generator)
    rolls = generator.random((8, n))
    styles = np.searchsorted(_STYLE_LEVELS, rolls[0], "right")
    x, y, width, height = _aim(_targets(caption.subjects, rolls[1:4]), styles, generator)
    speed = np.interp(rolls[5], measured.LEVELS, measured.SPEED)
    steady = np.sqrt(np.maximum(speed**2 - _TREMOR**2, 0))  # the rest comes from the jitter
    leaves = (rolls[6] < measured.LEAVE_SHARE) & (np.arange(n) < n - 1)
    doors = _doors(x, y, generator)
    ways = _ways(np.array([x, y]), leaves, doors)
    length = np.maximum(steady * (ends - starts) - ways, 0)
    return Drawings(
        starts,
        ends,
        styles,
        leaves,
        doors,
        *(x, y, width, height),
        _turns(styles, width, height, length),
        2 * np.pi * rolls[7],
    )


def _ways(centres: np.ndarray, leaves: np.ndarray, doors: np.ndarray) -> np.ndarray:
    """Lengths of the ways that are no figure: to it, and out of the image where it leaves."""
    came = np.where(leaves, doors, centres)[:, :-1]
    there = np.concatenate([[0.0], np.hypot(*(centres[:, 1:] - came))])
    return there + leaves * np.hypot(*(doors - centres))


def _times(
    subjects: list[Subject], speech: Speech, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Start and end of each drawing: about the words, with the measured lag and share."""
    n = len(subjects)
    firsts = np.array([subject.first_word for subject in subjects])
    lasts = np.array([subject.end_word for subject in subjects]) - 1
    run = speech.run_starts[firsts]
    same_run = np.concatenate([[False], run[1:] == run[:-1]])
    anchor = np.where(same_run, speech.starts[firsts], run) / 10
    lag = np.interp(generator.random(n), measured.LEVELS, measured.LAG_SECONDS)
    order = _SHORTEST * np.arange(n)
    starts = np.maximum.accumulate(np.maximum(anchor + lag, 0) - order) + order
    until = np.append(starts[1:], starts[-1] + 2 * generator.random() * _SHORTEST + 3)
    # The measured share is of all the time, so before the first drawing it must be made good.
    whole = speech.ends[-1] / 10 - speech.starts[0] / 10
    mean_share = measured.DRAWN_SHARE * whole / (until[-1] - starts[0])
    share = np.clip(mean_share * (0.5 + generator.random(n)), 0, 1)
    wanted = np.maximum(starts + share * (until - starts), speech.ends[lasts] / 10)
    return starts, np.minimum(np.maximum(wanted, starts + _SHORTEST), until)


def _targets(subjects: list[Subject], rolls: np.ndarray) -> np.ndarray:
    """x_min, x_max, y_min, y_max of what is pointed at, shape `(4, n)`.

    A thing without a box is somewhere in the image.
    """
    left, top, size = 0.6 * rolls[0], 0.6 * rolls[1], 0.1 + 0.3 * rolls[2]
    targets = np.array([left, left + size, top, top + size])
    for i, subject in enumerate(subjects):
        if box := subject.box:
            targets[:, i] = box.x_min, box.x_max, box.y_min, box.y_max
    return targets


def _aim(
    targets: np.ndarray, styles: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, ...]:
    """Centre and half extents of each figure, off the target by the aiming error."""
    x_min, x_max, y_min, y_max = targets
    offsets = generator.standard_normal((2, len(styles))) * measured.AIM_DEVIATION
    low, high = measured.AIM_SCALE
    scales = low + (high - low) * generator.random((2, len(styles)))
    width, height = x_max - x_min, y_max - y_min
    lower = styles == _UNDERLINE
    x = (x_min + x_max) / 2 + offsets[0] * width
    y = np.where(lower, y_max - 0.08 * height, (y_min + y_max) / 2) + offsets[1] * height
    flat = np.where(lower, 0.05, 1.0)
    return x, y, scales[0] * width / 2, scales[1] * height / 2 * flat


def _turns(
    styles: np.ndarray, width: np.ndarray, height: np.ndarray, length: np.ndarray
) -> np.ndarray:
    """Periods of a figure whose path shall have this length."""
    around = 2 * np.pi * np.sqrt((width**2 + height**2) / 2)
    across = 4 * width
    turns = length / np.maximum(np.where(styles == _CIRCLE, around, across), 0.02)
    return np.clip(turns, np.where(styles == _SCRIBBLE, 1.5, 0.6), None)


def draw(drawings: Drawings, generator: np.random.Generator) -> Trace:
    """The points of all drawings, with transits, jitter and the recorder's precision."""
    moments, which = _sample(drawings, generator)
    seconds = drawings.ends - drawings.starts
    elapsed = moments - drawings.starts[which]
    progress = elapsed / seconds[which]
    x, y = _figure(drawings, which, progress)
    x, y = _connect(drawings, which, elapsed, seconds[which] - elapsed, x, y)
    noise = generator.standard_normal((2, len(x))) * measured.JITTER
    low, high = -measured.OUTER_BAND, 1 + measured.OUTER_BAND
    points = np.rint(np.clip(np.array([x, y]) + noise, low, high) * 1e4).astype(np.int64)
    opens = np.concatenate([[True], drawings.leaves[:-1]])
    changes = np.concatenate([[True], which[1:] != which[:-1]])
    return Trace(
        points[0],
        points[1],
        np.rint(moments * 1e3).astype(np.int64),
        which,
        np.flatnonzero(changes & _any_since(opens, which)),
    )


def _any_since(opens: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Whether a segment opens between the drawing of the point before and that of this one."""
    passed = np.cumsum(opens)[which]
    return np.concatenate([[True], passed[1:] != passed[:-1]])


def _sample(drawings: Drawings, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Moments (seconds) at which the pointer is recorded, and the drawing of each."""
    seconds = drawings.ends - drawings.starts
    finish = np.cumsum(seconds)
    steps = np.empty(0)
    while steps.sum() < finish[-1]:
        more = generator.random(64 + int(finish[-1] * 40))
        drawn = np.interp(more, measured.LEVELS, measured.SAMPLING_SECONDS)
        steps = np.concatenate([steps, drawn])
    clock = np.concatenate([[0.0], np.cumsum(steps)])
    clock = clock[: np.searchsorted(clock, finish[-1])]
    which = np.searchsorted(finish, clock, "right")
    return clock + (drawings.ends - finish)[which], which


def _figure(
    drawings: Drawings, which: np.ndarray, progress: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Points on the figures, `progress` from 0 to 1."""
    angle = 2 * np.pi * drawings.turns[which] * progress + drawings.phase[which]
    circle = drawings.styles[which] != _SCRIBBLE
    swing = np.where(circle, np.sin(angle), 2 * progress - 1)
    x = drawings.x[which] + drawings.width[which] * np.cos(angle)
    return x, drawings.y[which] + drawings.height[which] * swing


def _connect(
    drawings: Drawings,
    which: np.ndarray,
    elapsed: np.ndarray,
    left: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Blends the figures into each other, by way of the outside where the pointer leaves."""
    n = len(drawings.starts)
    ends = _figure(drawings, np.arange(n), np.ones(n))
    doors = drawings.doors
    for axis, values in enumerate((x, y)):
        came = np.where(drawings.leaves, doors[axis], ends[axis])
        first = (drawings.x, drawings.y)[axis][:1]
        came = np.concatenate([first, came[:-1]])
        values += (1 - _ease(elapsed)) * (came[which] - values)
        away = drawings.leaves[which] * (1 - _ease(left))
        values += away * (doors[axis][which] - values)
    return x, y


def _ease(seconds: np.ndarray) -> np.ndarray:
    """0 at the start of a transit, 1 at its end, smooth at both."""
    u = np.clip(seconds / TRANSIT_SECONDS, 0, 1)
    return u * u * (3 - 2 * u)


def _doors(x: np.ndarray, y: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A place outside the image beside each centre, shape `(2, n)`."""
    n = len(x)
    depth = measured.OUTER_BAND * generator.uniform(0.2, 1, n)
    x, y = np.clip(x, 0, 1), np.clip(y, 0, 1)
    nearest = np.argmin([x, 1 - x, y, 1 - y], axis=0)
    doors = np.array([x, y])
    axis, far = nearest // 2, nearest % 2
    doors[axis, np.arange(n)] = np.where(far, 1 + depth, -depth)
    return doors
