"""Scenes: what the annotation files say is in each image, ready to be described."""

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from transforms.core.base.errors import UsageError, option
from transforms.core.sources.annotations import open_images
from transforms.core.sources.annotations.classes import ClassName
from transforms.core.stages.match.mentions import spoken_name

Source = tuple[str, Callable[[], BinaryIO]]
"""A file's name, for messages, and what opens it, decompressed."""

_LIKELY = 0.5
"""Confidence from which on a label counts as present (human ones are 0 or 1)."""

_SIDES = ("x_min", "x_max", "y_min", "y_max")


@dataclasses.dataclass(frozen=True, slots=True)
class Box:
    """A box of an image.

    Attributes:
      row: Its place among the boxes of its image, in the order of files and rows.
      class_id: MID.
      name: The class's spoken name, in lower case; empty where captions do not name it.
      x_min, x_max, y_min, y_max: Normalised image coordinates.
    """

    row: int
    class_id: str
    name: str
    x_min: float
    x_max: float
    y_min: float
    y_max: float

    @property
    def area(self) -> float:
        """Share of the image."""
        return (self.x_max - self.x_min) * (self.y_max - self.y_min)


@dataclasses.dataclass(frozen=True, slots=True)
class Scene:
    """An image and what can be named in it.

    Attributes:
      image_id: Open Images id.
      boxes: Boxes of named classes that are wider and higher than nothing.
      unboxed: `(class_id, name)` of classes that are labelled as present but have no box.
    """

    image_id: str
    boxes: tuple[Box, ...]
    unboxed: tuple[tuple[str, str], ...]


def read_scenes(
    images: Iterable[Source],
    labels: Iterable[Source],
    boxes: Iterable[Source],
    classes: Iterable[ClassName],
) -> list[Scene]:
    """Reads Open Images files (any release's columns) into one scene for each image.

    Args:
      images: Image lists: which images there are.
      labels: Human or machine labels.
      boxes: Box files.
      classes: Only these classes are named.

    Returns:
      Scenes in the order of image ids.

    Raises:
      UsageError: A file is not what it should be, or no image is listed.
    """
    names = _names_to_say(classes)
    wanted = {row[0] for row in _read(images, open_images.IMAGES, ())}
    if not wanted:
        raise UsageError(
            f"the image lists hold no image: name one with rows, for {option('images')}"
        )
    boxes_of = _read_boxes(boxes, names, wanted)
    labels_of = _read_labels(labels, names, wanted)
    return [_scene(image, boxes_of, labels_of, names) for image in sorted(wanted)]


def _names_to_say(classes: Iterable[ClassName]) -> dict[str, str]:
    """Names by class; none where a word has no letter or digit ("kitchen & dining room …")."""
    names = {item.class_id: spoken_name(item.name).lower() for item in classes}
    return {
        class_id: name
        for class_id, name in names.items()
        if all(any(map(str.isalnum, word)) for word in name.split())
    }


def _read(
    sources: Iterable[Source], kind: open_images.FileKind, columns: tuple[str, ...]
) -> Iterator[tuple]:
    """The image id and these columns of every row."""
    for name, open_file in sources:
        for rows in open_images.read_stream(open_images.read_header(name, kind, open_file)):
            yield from zip(*(rows[c].to_pylist() for c in ("key", *columns)), strict=True)


def _read_boxes(sources: Iterable[Source], names: dict, wanted: set) -> dict[str, list[Box]]:
    boxes_of: dict[str, list[Box]] = defaultdict(list)
    for image, label, *sides in _read(sources, open_images.BOXES, ("class_id", *_SIDES)):
        if image in wanted:
            boxes = boxes_of[image]
            boxes.append(Box(len(boxes), label, names.get(label, ""), *sides))
    return boxes_of


def _read_labels(sources: Iterable[Source], names: dict, wanted: set) -> dict[str, dict[str, None]]:
    labels_of: dict[str, dict[str, None]] = defaultdict(dict)
    columns = ("class_id", "confidence")
    for image, label, confidence in _read(sources, open_images.LABELS, columns):
        if image in wanted and label in names and confidence >= _LIKELY:
            labels_of[image][label] = None
    return labels_of


def _scene(image: str, boxes_of: dict, labels_of: dict, names: dict) -> Scene:
    boxes = boxes_of.get(image, [])
    boxed = {box.class_id for box in boxes}
    unboxed = [label for label in labels_of.get(image, ()) if label not in boxed]
    solid = tuple(box for box in boxes if box.name and box.area > 0)
    return Scene(image, solid, tuple((label, names[label]) for label in unboxed))
