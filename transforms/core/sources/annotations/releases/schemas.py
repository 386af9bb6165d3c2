"""Tables of the releases of Open Images, V1 to V7: what each kind of published file becomes.

Every table begins with `release` (`v1` to `v7`); rows of one image are joined by `image_id`. What a
revision or a release lacks is null.
"""

import pyarrow as pa

from transforms.core.model import bad_lines
from transforms.core.model.columns import (
    COMPUTED,
    HEIGHTS,
    OPEN_IMAGES,
    RUN,
    TERM,
    WIDTHS,
    column,
    corner_columns,
    term,
)
from transforms.core.model.narratives import schemas as narratives

MACHINE = "machine"
"""The `source` of a label that a machine made; all others are people's."""

BOX_FLAGS = tuple(narratives.BOX_FLAGS)

_RELEASE = term("release", "the release, `v1` to `v7`; null: unknown", source=RUN)
_FILE = [_RELEASE, term("split", "the split of the file; null: unknown", source=RUN)]
_IMAGE_ID = column("image_id", pa.string(), "the image", source=OPEN_IMAGES, required=True)
_OF_IMAGE = [*_FILE, _IMAGE_ID]
_CLASS = term("class_id", "the class: a MID", source=OPEN_IMAGES, required=True)
_CLASSES = [
    term("class_id_1", "the class of the first object", source=OPEN_IMAGES, required=True),
    term("class_id_2", "the class of the second object", source=OPEN_IMAGES, required=True),
]
_RELATIONSHIP = term("relationship", "how the first stands to the second", source=OPEN_IMAGES)


def _published(name: str, type_: pa.DataType, description: str, unit: str = "") -> pa.Field:
    return column(name, type_, description, unit, OPEN_IMAGES)


IMAGES = pa.schema(
    [
        _RELEASE,
        term("split", "the row's `Subset`, else the split of its file", source=OPEN_IMAGES),
        _IMAGE_ID,
        _published("original_url", pa.string(), "address of the original"),
        _published("original_landing_url", pa.string(), "address of its page"),
        _published("license", TERM, "address of the image's licence"),
        _published("author_profile_url", pa.string(), "address of the author's page"),
        _published("author", pa.string(), "who made the image, as published"),
        _published("title", pa.string(), "its title, as published, HTML entities too"),
        _published("original_size", pa.int64(), "size of the original", "bytes"),
        _published("original_md5", pa.string(), "MD5 of the original, in base64"),
        _published("thumbnail_300k_url", pa.string(), "address of a small picture"),
        _published("rotation", pa.float64(), "by which it is to be rotated counter-clockwise",
                   "degrees"),
    ]
)  # fmt: skip

LABELS = pa.schema(
    [
        *_OF_IMAGE,
        _published("source", TERM, "who gave the label: `machine`, else people"),
        _CLASS,
        _published("confidence", pa.float64(), "from 0 to 1; 0 of people: a verified negative"),
        term("verdict", "what people of the same release said of a machine's label: `correct`, "
             "`wrong`, `disputed` (both); null where nobody was asked, and of people's own",
             source=COMPUTED),
    ]
)  # fmt: skip

BOXES = pa.schema(
    [
        *_OF_IMAGE,
        _published("source", TERM, "how the box was made"),
        _CLASS,
        _published("confidence", pa.float64(), "from 0 to 1"),
        *corner_columns("{}", "the box", OPEN_IMAGES),
        *(
            _published(name, pa.int8(), f"{told.partition(';')[0]}: 0, 1, −1 (unknown); null: no "
                       "such column")
            for name, told in narratives.BOX_FLAGS.items()
        ),
    ]
)  # fmt: skip

MASKS = pa.schema(
    [
        *_OF_IMAGE,
        _published("mask_path", pa.string(), "the name of the mask's picture"),
        _CLASS,
        _published("box_id", pa.string(), "the box that the mask was drawn in"),
        *corner_columns("box_{}", "that box", OPEN_IMAGES),
        _published("predicted_iou", pa.float64(), "predicted overlap with the truth, from 0 to 1"),
        _published("clicks", pa.string(), "the annotators' clicks, as published"),
    ]
)

RELATIONSHIPS = pa.schema(
    [
        *_OF_IMAGE,
        *_CLASSES,
        *corner_columns("{}_1", "the first object's box", OPEN_IMAGES),
        *corner_columns("{}_2", "the second object's box", OPEN_IMAGES),
        _RELATIONSHIP,
    ]
)

ATTRIBUTES = pa.schema(
    [
        *_OF_IMAGE,
        _CLASS,
        term("attribute_id", "what is said of it: a MID", source=OPEN_IMAGES, required=True),
        *corner_columns("{}", "the object's box", OPEN_IMAGES),
    ]
)
"""Relationships `is`: an object and what is said of it."""

POINT_LABELS = pa.schema(
    [
        *_OF_IMAGE,
        _published("x", pa.float64(), "x of the point", WIDTHS),
        _published("y", pa.float64(), "y of the point", HEIGHTS),
        _CLASS,
        _published("estimated_yes_no", TERM, "whether the point is of the class, by the votes"),
        _published("source", TERM, "who asked for the label"),
        _published("yes_votes", pa.int32(), "people who said yes", "votes"),
        _published("no_votes", pa.int32(), "people who said no", "votes"),
        _published("unsure_votes", pa.int32(), "people who were unsure", "votes"),
        _published("text_label", pa.string(), "the label in words, where it is no class"),
    ]
)

CLASS_ENTRIES = pa.schema(
    [
        _RELEASE,
        term("list", "the list: `descriptions`, `boxable_descriptions`, `attributes` and "
             "`relationships` have names; `all`, `trainable`, `boxable`, `boxable_trainable` and "
             "`segmentable` are of ids alone", source=RUN),
        column("class_id", pa.string(), "the class: a MID", source=OPEN_IMAGES, required=True),
        _published("name", pa.string(), "its name"),
    ]
)  # fmt: skip
"""A line of a list of classes."""

TRIPLETS = pa.schema([_RELEASE, *_CLASSES, _RELATIONSHIP])

_KIND = term("kind", "the table that such rows are of", source=RUN)

FILES = pa.schema(
    [
        *_FILE,
        _KIND,
        term("shard", "the file", source=RUN),
        column("member", pa.string(), "the member of an archive", source=RUN),
        _published("header", pa.string(), "the header line"),
    ]
)
"""A header line: of a file, or of a `member` of an archive."""

LEFT_OUT = pa.schema([*_FILE, _KIND])
"""A row, of the table `kind`, whose image has no narrative."""

TABLES = {
    "images": IMAGES,
    "labels": LABELS,
    "boxes": BOXES,
    "masks": MASKS,
    "relationships": RELATIONSHIPS,
    "attributes": ATTRIBUTES,
    "point_labels": POINT_LABELS,
    "class_entries": CLASS_ENTRIES,
    "triplets": TRIPLETS,
    "files": FILES,
    "left_out": LEFT_OUT,
    bad_lines.TABLE: bad_lines.SCHEMA,
}
"""Tables that each unit writes a file of: Parquet, and Avro for `rejected`."""

MEANINGS = {
    "images": "an image: addresses, licence, author, title, size, MD5, rotation",
    "labels": "a label of an image, by a machine or by people",
    "boxes": "a box",
    "masks": "a mask of an object, by the path of its picture",
    "relationships": "a relationship of two boxes of an image",
    "attributes": "an attribute of a box: what it is",
    "point_labels": "a labelled point of an image, with the votes",
    "class_entries": "a line of a list of classes, as it was published",
    "triplets": "a relationship that two classes can have",
    "files": "a header line of a file or of a member of an archive",
    "left_out": "a row that was left out since its image has no narrative",
    bad_lines.TABLE: "a line that could not be read, with its bytes (Avro)",
}

IMAGE_TABLES = ("masks", "relationships", "attributes", "point_labels")
"""Tables that can be restricted to images with a narrative."""

CLASSES = pa.schema(
    [
        _RELEASE,
        column("class_id", pa.string(), "the class: a MID", source=OPEN_IMAGES, required=True),
        _published("name", pa.string(), "its name; null where no list of the release has one"),
        *(
            column(name, pa.bool_(), f"whether {told}; null where no such list was read",
                   source=COMPUTED)
            for name, told in (
                ("trainable", "it is in a list of trainable classes"),
                ("boxable", "it is in a list of boxable classes"),
                ("attribute", "it is in a list of attributes"),
            )
        ),
        column("rows", pa.int64(), "rows of all tables that name it", "rows", COMPUTED),
    ]
)  # fmt: skip
"""Made of all units: every class that a list or a row of the release names, once."""

FREQUENCIES = pa.schema(
    [
        _RELEASE,
        term("split_group", "a split, or `all`", source=COMPUTED),
        _CLASS,
        term("source", "`machine` or `human`", source=COMPUTED),
        column("images", pa.int64(), "images that have the label; each counts once", "images",
               COMPUTED),
        column("negatives", pa.int64(), "images of which people denied it", "images", COMPUTED),
    ]
)  # fmt: skip
"""Images per label."""

_SHARE = [
    column("judged", pa.int64(), "labels that people judged: `correct` + `wrong`", "images",
           COMPUTED),
    column("correct", pa.int64(), "of these, those that people affirmed", "images", COMPUTED),
    column("wrong", pa.int64(), "of these, those that people denied", "images", COMPUTED),
    column("disputed", pa.int64(), "labels that people both affirmed and denied", "images",
           COMPUTED),
    column("share", pa.float64(), "`correct` over `judged`; null where nothing was judged", "",
           COMPUTED),
    column("low", pa.float64(), "lower bound of its 95 % interval (Wilson)", "", COMPUTED),
    column("high", pa.float64(), "upper bound of its 95 % interval (Wilson)", "", COMPUTED),
]  # fmt: skip

ACCURACY = pa.schema(
    [
        _RELEASE,
        _CLASS,
        column("images", pa.int64(), "images with the machine's label", "images", COMPUTED),
        *_SHARE,
    ]
)
"""Of a class: images with the machine's label, and how many of those judged are correct."""

ACCURACY_BINS = pa.schema(
    [
        _RELEASE,
        column("from_images", pa.int64(), "the smallest number of images of its classes",
               "images", COMPUTED),
        column("to_images", pa.int64(), "the number below which they are; half a decade",
               "images", COMPUTED),
        column("classes", pa.int64(), "such classes with a label that was judged", "classes",
               COMPUTED),
        *_SHARE,
    ]
)  # fmt: skip
"""The same of all classes whose number of images is in `[from_images, to_images)`."""
