"""The tables of an annotation index: columns beside the key, as they are kept.

The key is the image id (`images`, `labels`, `boxes`) or the class id (`classes`, `hierarchy`).
Names of classes are not kept with rows; they come from `classes` when rows are joined.
"""

from collections.abc import Mapping

import pyarrow as pa

from transforms.core.model.columns import TERM
from transforms.core.model.narratives import schemas

OPEN_IMAGES = "open_images"
COCO = "coco"
VOCABULARIES = (OPEN_IMAGES, COCO)

_IMAGES_OF = {"coco": COCO, "flickr30k": None, "ade20k": None}
"""Datasets whose images are not those of Open Images; image ids of all three are numbers."""


def vocabulary_of_dataset(dataset: str | None, others: Mapping[str, str]) -> str | None:
    """Whose annotations are about a dataset's images: `open_images`, `coco`, or None for nobody's.

    An image id alone does not tell: Flickr30k and COCO both number their images. All datasets but
    COCO, Flickr30k and ADE20k (generated ones, extensions) are over Open Images, unless `others`
    says otherwise.

    Args:
      dataset: Name of the narratives' dataset, None where it is not known.
      others: Vocabulary by dataset, before what is known here.
    """
    if dataset is None:
        return OPEN_IMAGES
    return {**_IMAGES_OF, **others}.get(dataset, OPEN_IMAGES)


def _without_name(struct: pa.StructType) -> pa.Schema:
    return pa.schema([field for field in struct if field.name != "name"])


IMAGES = pa.schema([*schemas.IMAGE, ("vocabulary", TERM)])
"""A row an image of an image list; `vocabulary` says whose boxes could be about it."""

LABELS = _without_name(schemas.LABEL)
BOXES = _without_name(schemas.BOX)

CLASSES = pa.schema([("name", pa.string()), ("vocabulary", TERM), ("position", pa.int64())])
"""A row a class; `position` is its place in its file."""

HIERARCHY = pa.schema([("child", pa.string())])

TABLES = {
    "images": IMAGES,
    "labels": LABELS,
    "boxes": BOXES,
    "classes": CLASSES,
    "hierarchy": HIERARCHY,
}

COVERS = {
    "images": (OPEN_IMAGES, "images"),
    "labels": (OPEN_IMAGES, "labels"),
    "boxes": (OPEN_IMAGES, "boxes"),
    "coco_instances": (COCO, "boxes"),
}
"""By role of a source: of whose images it has all rows of which table, so that no row is a none.

A fact of the index that is read, not of how it was made: a run that joins does without the readers
(`annotations.kinds`), and their changes leave its results as they are.
"""
