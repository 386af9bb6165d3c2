"""Tables of the releases of Open Images, V1 to V7: what each kind of published file becomes.

Every table begins with `release` (`v1` to `v7`); rows of one image are joined by `image_id`. What a
revision or a release lacks is null.
"""

import pyarrow as pa

from transforms.core.model import bad_lines
from transforms.core.model.columns import TERM

MACHINE = "machine"
"""The `source` of a label that a machine made; all others are people's."""

CORNERS = ("x_min", "x_max", "y_min", "y_max")
BOX_FLAGS = ("is_occluded", "is_truncated", "is_group_of", "is_depiction", "is_inside")

_FILE = [("release", TERM), ("split", TERM)]
_OF_IMAGE = [*_FILE, ("image_id", pa.string())]


def _corners(suffix: str = "") -> list[tuple[str, pa.DataType]]:
    return [(f"{name}{suffix}", pa.float64()) for name in CORNERS]


IMAGES = pa.schema(
    [
        *_OF_IMAGE,
        ("original_url", pa.string()),
        ("original_landing_url", pa.string()),
        ("license", TERM),
        ("author_profile_url", pa.string()),
        ("author", pa.string()),
        ("title", pa.string()),
        ("original_size", pa.int64()),
        ("original_md5", pa.string()),
        ("thumbnail_300k_url", pa.string()),
        ("rotation", pa.float64()),
    ]
)
"""`split` is the row's `Subset`; in the revision that has none, that of its file."""

LABELS = pa.schema(
    [
        *_OF_IMAGE,
        ("source", TERM),
        ("class_id", TERM),
        ("confidence", pa.float64()),
        ("verdict", TERM),
    ]
)
"""People's labels of confidence 0 are verified negatives. `verdict` is what people of the same
release said of a machine's label: `correct`, `wrong`, `disputed` (both), null where nobody was
asked; null for people's own."""

BOXES = pa.schema(
    [
        *_OF_IMAGE,
        ("source", TERM),
        ("class_id", TERM),
        ("confidence", pa.float64()),
        *_corners(),
        *((name, pa.int8()) for name in BOX_FLAGS),
    ]
)
"""Flags are 0, 1 and -1 (unknown), null where the file has no such column."""

MASKS = pa.schema(
    [
        *_OF_IMAGE,
        ("mask_path", pa.string()),
        ("class_id", TERM),
        ("box_id", pa.string()),
        *((f"box_{name}", pa.float64()) for name in CORNERS),
        ("predicted_iou", pa.float64()),
        ("clicks", pa.string()),
    ]
)

RELATIONSHIPS = pa.schema(
    [
        *_OF_IMAGE,
        ("class_id_1", TERM),
        ("class_id_2", TERM),
        *_corners("_1"),
        *_corners("_2"),
        ("relationship", TERM),
    ]
)

ATTRIBUTES = pa.schema(
    [*_OF_IMAGE, ("class_id", TERM), ("attribute_id", TERM), *_corners()],
)
"""Relationships `is`: an object and what is said of it."""

POINT_LABELS = pa.schema(
    [
        *_OF_IMAGE,
        ("x", pa.float64()),
        ("y", pa.float64()),
        ("class_id", TERM),
        ("estimated_yes_no", TERM),
        ("source", TERM),
        ("yes_votes", pa.int32()),
        ("no_votes", pa.int32()),
        ("unsure_votes", pa.int32()),
        ("text_label", pa.string()),
    ]
)

CLASS_ENTRIES = pa.schema(
    [("release", TERM), ("list", TERM), ("class_id", pa.string()), ("name", pa.string())]
)
"""A line of a list of classes: `descriptions`, `boxable_descriptions`, `attributes`,
`relationships` have names; `all`, `trainable`, `boxable`, `boxable_trainable` are of ids alone."""

TRIPLETS = pa.schema(
    [("release", TERM), ("class_id_1", TERM), ("class_id_2", TERM), ("relationship", TERM)]
)

FILES = pa.schema(
    [
        *_FILE,
        ("kind", TERM),
        ("shard", TERM),
        ("member", pa.string()),
        ("header", pa.string()),
    ]
)
"""A header line: of a file, or of a `member` of an archive."""

LEFT_OUT = pa.schema([*_FILE, ("kind", TERM)])
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
        ("release", TERM),
        ("class_id", pa.string()),
        ("name", pa.string()),
        ("trainable", pa.bool_()),
        ("boxable", pa.bool_()),
        ("attribute", pa.bool_()),
        ("rows", pa.int64()),
    ]
)
"""Made of all units: every class that a list or a row of the release names, once.

`name` is null for a class that no list of the release describes. `trainable`, `boxable` and
`attribute` are null where no such list of the release was read. `rows` are those of all tables that
name the class."""

FREQUENCIES = pa.schema(
    [
        ("release", TERM),
        ("split_group", TERM),
        ("class_id", TERM),
        ("source", TERM),
        ("images", pa.int64()),
        ("negatives", pa.int64()),
    ]
)
"""Images per label: `split_group` is a split or `all`, `source` is `machine` or `human`.
`negatives` are images of which people said that they do not have it."""

_SHARE = [
    ("judged", pa.int64()),
    ("correct", pa.int64()),
    ("wrong", pa.int64()),
    ("disputed", pa.int64()),
    ("share", pa.float64()),
    ("low", pa.float64()),
    ("high", pa.float64()),
]

ACCURACY = pa.schema([("release", TERM), ("class_id", TERM), ("images", pa.int64()), *_SHARE])
"""Of a class: images with the machine's label, and how many of those that people judged (`judged`
= `correct` + `wrong`) are correct; `low` and `high` bound the 95 % interval (Wilson)."""

ACCURACY_BINS = pa.schema(
    [
        ("release", TERM),
        ("from_images", pa.int64()),
        ("to_images", pa.int64()),
        ("classes", pa.int64()),
        *_SHARE,
    ]
)
"""The same of all classes whose number of images is in `[from_images, to_images)`, half a decade;
classes without a judged label are left out of `classes`."""
