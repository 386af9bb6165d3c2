"""The tables of an annotation index: columns beside the key, as they are kept.

The key is the image id (`images`, `labels`, `boxes`) or the class id (`classes`, `hierarchy`).
Names of classes are not kept with rows; they come from `classes` when rows are joined.
"""

import pyarrow as pa

from transforms.core import schemas

OPEN_IMAGES = "open_images"
COCO = "coco"
VOCABULARIES = (OPEN_IMAGES, COCO)


def _without_name(struct: pa.StructType) -> pa.Schema:
    return pa.schema([field for field in struct if field.name != "name"])


IMAGES = pa.schema([*schemas.IMAGE, ("vocabulary", schemas.TERM)])
"""A row an image of an image list; `vocabulary` says whose boxes could be about it."""

LABELS = _without_name(schemas.LABEL)
BOXES = _without_name(schemas.BOX)

CLASSES = pa.schema([("name", pa.string()), ("vocabulary", schemas.TERM), ("position", pa.int64())])
"""A row a class; `position` is its place in its file."""

HIERARCHY = pa.schema([("child", pa.string())])

TABLES = {
    "images": IMAGES,
    "labels": LABELS,
    "boxes": BOXES,
    "classes": CLASSES,
    "hierarchy": HIERARCHY,
}
