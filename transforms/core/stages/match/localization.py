"""Localization: the closest box of a mention, and where trace points lie relative to it (Fig. 4).

Distances are Euclidean in normalised image coordinates; a point inside a box is at distance 0.
"""

import dataclasses
import math

import numpy as np

from transforms.core.base.compiled import compiled

BINS = 150
EDGES = np.linspace(-1, 2, BINS + 1)
"""Bin edges of the histogram along each axis, in box widths and heights from the box's corner."""


@dataclasses.dataclass(frozen=True)
class Boxes:
    """Boxes of n images, in the order of the box files.

    Attributes:
      offsets: Shape `(n + 1,)`.
      classes: Shape `(n_boxes,)`: index into the vocabulary's classes, -1 for another class.
      usable: Shape `(n_boxes,)` bool: without fault (`box_faults`), and not excluded by its flags.
      corners: Shape `(n_boxes, 4)` float64: x_min, y_min, x_max, y_max.
    """

    offsets: np.ndarray
    classes: np.ndarray
    usable: np.ndarray
    corners: np.ndarray


LOWEST, HIGHEST = -1.0, 2.0
"""Normalised coordinates between which a box is believed: up to an image's size beyond it."""


def box_faults(corners: np.ndarray) -> dict[str, np.ndarray]:
    """Why boxes are not used; each box has one reason at most.

    Args:
      corners: Shape `(n, 4)` float64: x_min, y_min, x_max, y_max.

    Returns:
      By reason, shape `(n,)` bool: `outside` (`LOWEST` to `HIGHEST`, or not a number), `inverted`
      (a minimum above the maximum), `zero_size` (no width or no height).

    >>> faults = box_faults(np.array([[0.1, 0.1, 0.9, 0.9], [0.9, 0.1, 0.1, 0.9]]))
    >>> {reason: where.tolist() for reason, where in faults.items()}
    {'outside': [False, False], 'inverted': [False, True], 'zero_size': [False, False]}
    """
    near = ((corners >= LOWEST) & (corners <= HIGHEST)).all(axis=1)
    low, high = corners[:, :2], corners[:, 2:]
    inverted = near & (low > high).any(axis=1)
    return {
        "outside": ~near,
        "inverted": inverted,
        "zero_size": near & ~inverted & (low == high).any(axis=1),
    }


@dataclasses.dataclass(frozen=True)
class ClosestBoxes:
    """What was found for m mentions.

    Attributes:
      indices: Shape `(m,)` int32: the closest box, counted within the image; -1 for none.
      has_box: Shape `(m,)` bool: whether the image has a usable box of the class.
      mean_distances: Shape `(m,)` float64: mean distance of the points, NaN where there is none.
      inside: Shape `(m,)` int32: points in the closed box.
    """

    indices: np.ndarray
    has_box: np.ndarray
    mean_distances: np.ndarray
    inside: np.ndarray


def closest_boxes(  # noqa: PLR0913  # flat arrays of mentions, points and boxes
    rows: np.ndarray,
    allowed: tuple[np.ndarray, np.ndarray],
    classes: np.ndarray,
    first: np.ndarray,
    end: np.ndarray,
    point_offsets: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    boxes: Boxes,
) -> ClosestBoxes:
    """The box of its class that is closest to each mention's trace segment.

    The smallest mean distance of the segment's points to the box wins; ties go to the smaller
    distance between the centres of segment box and box, in box widths and heights, then to the
    box that stands first in the box files.

    Args:
      rows: Shape `(m,)`: the narrative of each mention.
      allowed: Offsets and values: the box classes that a mention of each class may use.
      classes: Shape `(m,)`: the mention's class.
      first: Shape `(m,)`: first point within the narrative.
      end: Shape `(m,)`: one past the last point; equal to `first` or -1 where there is none.
      point_offsets: Shape `(n + 1,)`.
      x: Shape `(n_points,)`.
      y: Shape `(n_points,)`.
      boxes: Boxes of the same n narratives.
    """
    return ClosestBoxes(
        *_closest_boxes(
            rows,
            *allowed,
            classes,
            first,
            end,
            point_offsets,
            x,
            y,
            boxes.offsets,
            boxes.classes,
            boxes.usable,
            boxes.corners,
        )
    )


@compiled
def _closest_boxes(  # noqa: PLR0913
    rows, allowed_offsets, allowed, classes, first, end, point_offsets, x, y,
    box_offsets, box_classes, usable, corners,
):  # fmt: skip
    m = len(rows)
    indices = np.full(m, -1, np.int32)
    has_box = np.zeros(m, np.bool_)
    mean_distances = np.full(m, np.nan)
    inside = np.zeros(m, np.int32)
    for i in range(m):
        origin = point_offsets[rows[i]]
        xs, ys = x[origin + first[i] : origin + end[i]], y[origin + first[i] : origin + end[i]]
        wanted = allowed[allowed_offsets[classes[i]] : allowed_offsets[classes[i] + 1]]
        best_centre = np.inf
        for box in range(box_offsets[rows[i]], box_offsets[rows[i] + 1]):
            if not usable[box] or not _contains(wanted, box_classes[box]):
                continue
            has_box[i] = True
            if end[i] <= first[i]:
                continue
            mean = _mean_distance(xs, ys, corners[box])
            if indices[i] >= 0 and mean > mean_distances[i]:
                continue
            centre = _centre_distance(xs, ys, corners[box])
            if indices[i] < 0 or mean < mean_distances[i] or centre < best_centre:
                indices[i] = box - box_offsets[rows[i]]
                mean_distances[i], best_centre = mean, centre
                inside[i] = _count_inside(xs, ys, corners[box])
    return indices, has_box, mean_distances, inside


@compiled
def _contains(values, value):
    for k in range(len(values)):
        if values[k] == value:
            return True
    return False


@compiled
def _mean_distance(xs, ys, corners):
    total = 0.0
    for k in range(len(xs)):
        dx = max(corners[0] - xs[k], 0.0, xs[k] - corners[2])
        dy = max(corners[1] - ys[k], 0.0, ys[k] - corners[3])
        total += math.sqrt(dx * dx + dy * dy)
    return total / len(xs)


@compiled
def _centre_distance(xs, ys, corners):
    dx = (xs.min() + xs.max()) / 2 - (corners[0] + corners[2]) / 2
    dy = (ys.min() + ys.max()) / 2 - (corners[1] + corners[3]) / 2
    return np.hypot(dx / (corners[2] - corners[0]), dy / (corners[3] - corners[1]))


@compiled
def _count_inside(xs, ys, corners):
    count = 0
    for k in range(len(xs)):
        if corners[0] <= xs[k] <= corners[2] and corners[1] <= ys[k] <= corners[3]:
            count += 1
    return count


@dataclasses.dataclass(frozen=True)
class Histogram:
    """Points per group and bin; bins without points are left out.

    Attributes:
      groups: Shape `(k,)`.
      bins_x: Shape `(k,)`, 0 to 149.
      bins_y: Shape `(k,)`.
      points: Shape `(k,)` int64.
      overflow: Shape `(n_groups,)` int64: points outside [-1, 2]².
    """

    groups: np.ndarray
    bins_x: np.ndarray
    bins_y: np.ndarray
    points: np.ndarray
    overflow: np.ndarray


def point_histogram(
    groups: np.ndarray,
    n_groups: int,
    starts: np.ndarray,
    ends: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    corners: np.ndarray,
) -> Histogram:
    """Histogram of trace points relative to the closest box (Fig. 4, Fig. 12).

    Args:
      groups: Shape `(m,)`: the group (dataset, split, class) of each mention with a box.
      n_groups: Number of groups.
      starts: Shape `(m,)`: first point, counted over the chunk.
      ends: Shape `(m,)`.
      x: Shape `(n_points,)`, normalised image coordinates.
      y: Shape `(n_points,)`.
      corners: Shape `(m, 4)`: each mention's closest box.
    """
    cells, overflow = _cells(groups, n_groups, starts, ends, x, y, corners)
    cells, points = np.unique(cells, return_counts=True)
    return Histogram(cells // (BINS * BINS), cells // BINS % BINS, cells % BINS, points, overflow)


@compiled
def _cells(groups, n_groups, starts, ends, x, y, corners):
    """Number of the cell (group, bin_x, bin_y) of each point that has one, and the overflow."""
    cells = np.empty(np.sum(ends - starts), np.int64)
    overflow = np.zeros(n_groups, np.int64)
    n = 0
    for i in range(len(groups)):
        left, top, right, bottom = corners[i]
        for k in range(starts[i], ends[i]):
            bin_x = find_bin((x[k] - left) / (right - left))
            bin_y = find_bin((y[k] - top) / (bottom - top))
            if bin_x < 0 or bin_y < 0:
                overflow[groups[i]] += 1
                continue
            cells[n] = (groups[i] * BINS + bin_x) * BINS + bin_y
            n += 1
    return cells[:n], overflow


@compiled
def find_bin(value):
    """`searchsorted(EDGES, value, "right") - 1`, -1 outside; the last edge is closed."""
    if not EDGES[0] <= value <= EDGES[BINS]:
        return -1
    at = min(int((value + 1) * (BINS / 3)), BINS - 1)  # the bin, or by rounding its neighbour
    if value < EDGES[at]:
        at -= 1
    elif at < BINS - 1 and value >= EDGES[at + 1]:
        at += 1
    return at
