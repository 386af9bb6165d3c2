"""Boxes in another frame than the published one: rotated as the picture is, or in its pixels.

Published boxes are in normalised coordinates of the picture as it is stored, y downwards. The list
of Open Images has a column `Rotation`: the degrees, 0, 90, 180 or 270 counter-clockwise, by which
"the image and boxes should be rotated" to stand as their author meant them; empty where the picture
was no longer to be had
(storage.googleapis.com/openimages/web/2018-05-17-rotation-information.html).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

EDGES = ("x_min", "x_max", "y_min", "y_max")


class Frame(NamedTuple):
    """In which frame boxes are wanted; as published where neither is set.

    Attributes:
      rotated: In that of the picture after its rotation.
      pixels: In pixels of the file that was fetched, in place of shares of its sides.
    """

    rotated: bool = False
    pixels: bool = False

    @property
    def name(self) -> str:
        """What the column `boxes_are` says.

        >>> Frame(True, True).name, Frame().name
        ('rotated pixels', 'published')
        """
        parts = [part for part, on in (("rotated", self.rotated), ("pixels", self.pixels)) if on]
        return " ".join(parts) or "published"


def quarter_turns(rotation: float | None) -> int:
    """Quarter turns counter-clockwise; 0 where the rotation is unknown or no multiple of 90.

    >>> quarter_turns(270.0), quarter_turns(None), quarter_turns(float("nan")), quarter_turns(45.0)
    (3, 0, 0, 0)
    """
    if rotation is None or rotation != rotation or rotation % 90:
        return 0
    return int(rotation // 90) % 4


def rotate_box(box: Mapping[str, Any], turns: int) -> dict[str, Any]:
    """A box in normalised coordinates after quarter turns of its picture, counter-clockwise.

    A turn takes a point (x, y), y downwards, to (y, 1 − x): what was at the right is on top.

    >>> corner = {"x_min": 0.75, "x_max": 1.0, "y_min": 0.0, "y_max": 0.5}  # top right
    >>> rotate_box(corner, 1)  # top left
    {'x_min': 0.0, 'x_max': 0.5, 'y_min': 0.0, 'y_max': 0.25}
    """
    turned = dict(box)
    for _ in range(turns):
        x_min, x_max, y_min, y_max = (turned[edge] for edge in EDGES)
        turned |= {"x_min": y_min, "x_max": y_max, "y_min": 1 - x_max, "y_max": 1 - x_min}
    return turned


def reframe(
    boxes: list[dict[str, Any]], frame: Frame, rotation: float | None, size: tuple[int, int]
) -> list[dict[str, Any]]:
    """Boxes in the wanted frame.

    Args:
      boxes: In the published frame.
      frame: The one that is wanted.
      rotation: Degrees counter-clockwise, None where unknown.
      size: Width and height of the file that was fetched, in pixels.
    """
    turns = quarter_turns(rotation) if frame.rotated else 0
    moved = [rotate_box(box, turns) for box in boxes] if turns else boxes
    if not frame.pixels:
        return moved
    width, height = reversed(size) if turns % 2 else size
    scales = dict(zip(EDGES, (width, width, height, height), strict=True))
    return [box | {edge: box[edge] * scale for edge, scale in scales.items()} for box in moved]
