"""Reads COCO's `instances_*.json`: boxes in normalised coordinates, images, categories.

Format: https://cocodataset.org/#format-data (object detection). Segmentations are skipped.
"""

import re
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import pyarrow as pa

from transforms.core.base.errors import UNREADABLE, UsageError
from transforms.core.sources import foreign
from transforms.core.sources.annotations import contents
from transforms.core.sources.annotations.classes import (
    CLASSES_PER_FILE,
    checked_class,
    classes_to_rows,
)
from transforms.core.sources.index.buckets import plain_schema
from transforms.core.sources.kinds import OpenSource, Part, SourceBlock, SourceKind, read_whole

_SPLITS = {"train": "train", "val": "validation", "test": "test"}


class _Image(msgspec.Struct, gc=False):
    id: int
    width: float
    height: float
    license: int | None = None
    coco_url: str | None = None
    flickr_url: str | None = None


class _Annotation(msgspec.Struct, gc=False):
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    iscrowd: int | None = None


class _Category(msgspec.Struct):
    id: int
    name: str


class _Licence(msgspec.Struct):
    id: int
    url: str | None = None
    name: str | None = None


class _Instances(msgspec.Struct):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]
    licenses: list[_Licence] = []


def parse_instances(file_name: str, data: bytes, first_class: int = 0) -> dict[str, pa.RecordBatch]:
    """Reads a whole file; its classes are numbered from `first_class` on.

    Ids become decimal strings; `iscrowd` becomes `is_group_of`, the other flags are unknown; a
    box from x to x + w pixels in an image of width W spans x / W to (x + w) / W.

    Returns:
      Rows of the tables `images`, `boxes` and `classes`.

    Raises:
      UsageError: It is not such a file, or a box is of an image that is not in it.
    """
    try:
        instances = msgspec.json.decode(data, type=_Instances)
    except UNREADABLE as error:
        raise UsageError(
            f"{file_name}: is not a file of COCO instances ({foreign.json_problem(error, data)}): "
            "expected an object with `images`, `annotations` and `categories`"
        ) from error
    classes = [checked_class(str(item.id), item.name, file_name) for item in instances.categories]
    return {
        "images": _image_rows(instances, _subset(file_name)),
        "boxes": _box_rows(file_name, instances),
        "classes": classes_to_rows(classes, first_class),
    }


def _subset(file_name: str) -> str | None:
    found = re.search(r"instances_(train|val|test)", file_name)
    return _SPLITS[found[1]] if found else None


def _image_rows(instances: _Instances, subset: str | None) -> pa.RecordBatch:
    licences: dict[int | None, str | None] = {
        item.id: item.url or item.name for item in instances.licenses
    }
    images = instances.images
    known: dict[str, Sequence] = {
        "key": [str(image.id) for image in images],
        "subset": [subset] * len(images),
        "url": [image.coco_url or image.flickr_url or None for image in images],
        "landing_url": [image.flickr_url or None for image in images],
        "licence": [licences.get(image.license) for image in images],
        "vocabulary": [contents.COCO] * len(images),
    }
    return _to_batch(known, len(images), plain_schema(contents.IMAGES))


def _box_rows(file_name: str, instances: _Instances) -> pa.RecordBatch:
    boxes = instances.annotations
    corners = np.array([box.bbox for box in boxes], np.float64).reshape(-1, 4)
    sizes = _sizes(file_name, instances)
    low = corners[:, :2] / sizes
    high = (corners[:, :2] + corners[:, 2:]) / sizes
    known = {
        "key": [str(box.image_id) for box in boxes],
        "class_id": [str(box.category_id) for box in boxes],
        "source": [contents.COCO] * len(boxes),
        "x_min": low[:, 0],
        "x_max": high[:, 0],
        "y_min": low[:, 1],
        "y_max": high[:, 1],
        "is_group_of": [_flag(box.iscrowd) for box in boxes],
    }
    return _to_batch(known, len(boxes), plain_schema(contents.BOXES))


def _flag(value: int | None) -> bool | None:
    return None if value is None else value == 1


def _sizes(file_name: str, instances: _Instances) -> np.ndarray:
    """Width and height in pixels of each annotation's image, shape `(n_annotations, 2)`."""
    sizes = {image.id: (image.width, image.height) for image in instances.images}
    for image in instances.images:
        if not (image.width > 0 and image.height > 0):
            raise UsageError(
                f"{file_name}: image {image.id} has width {image.width:g} and height "
                f"{image.height:g}: boxes need both to be above 0"
            )
    try:
        rows = [sizes[box.image_id] for box in instances.annotations]
    except KeyError as error:
        raise UsageError(
            f"{file_name}: `annotations` has a box of image {error.args[0]}, which is not in "
            "`images`: take the whole published file"
        ) from error
    return np.array(rows, np.float64).reshape(-1, 2)


def _to_batch(known: dict[str, Sequence], rows: int, schema: pa.Schema) -> pa.RecordBatch:
    columns = [
        pa.array(known[field.name], field.type)
        if field.name in known
        else pa.nulls(rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _parse(block: SourceBlock, open_source: OpenSource) -> Iterator[Part]:
    ((index, source),) = block.files
    data = read_whole(source, open_source)
    for table, rows in parse_instances(source.path, data, index * CLASSES_PER_FILE).items():
        yield Part(table, (index, 0), rows)


INSTANCES_KIND = SourceKind(
    foreign.COCO,
    {table: contents.TABLES[table] for table in ("images", "boxes", "classes")},
    _parse,
    given_as="boxes",
    suffix=".json",
)
