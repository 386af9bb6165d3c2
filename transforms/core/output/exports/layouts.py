"""What tables of a version are called in a relational database, and how they refer to each other.

Tables of Open Images have the names and keys of the seed's page on PostgreSQL (`Images`, `Dict`,
`Labels`; `ImageID`, `LabelName`), which the database folds to lower case, with `release` before
each key, since an image can be in several releases. `XMin` stays `x_min`: PostgreSQL has columns
`xmin` and `xmax` of its own in every table.
"""

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class Reference:
    """A foreign key.

    Attributes:
      columns: Of this table, as the database calls them.
      table: The table that is referred to, as the version calls it.
    """

    columns: tuple[str, ...]
    table: str


@dataclasses.dataclass(frozen=True)
class TableLayout:
    """A table in a database.

    Attributes:
      name: What it is called there.
      renamed: Columns that are called otherwise there, by their names in the version.
      types: SQL types that do not follow from Arrow's, by the database's names of columns.
      key: The primary key, as the database calls its columns; empty for none.
      references: Foreign keys.
      indexes: Columns of further indexes.
      known: Columns that a row gets which is added since others refer to it, beside its key, and
        what they are called in the tables of those.
    """

    name: str
    renamed: Mapping[str, str] = dataclasses.field(default_factory=dict)
    types: Mapping[str, str] = dataclasses.field(default_factory=dict)
    key: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()
    known: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def column(self, name: str) -> str:
        """What a column is called there."""
        return self.renamed.get(name, name)


_IMAGE_KEY = ("release", "imageid")
_RENAMED = {
    "image_id": "imageid",
    "class_id": "labelname",
    "class_id_1": "labelname1",
    "class_id_2": "labelname2",
}
_IDS = {"imageid": "char(16)"}


def _of_image(table: str, *classes: str, key: tuple[str, ...] = ()) -> TableLayout:
    """A table whose rows are about an image and classes."""
    of_classes = [("release", column) for column in classes]
    return TableLayout(
        name=table,
        renamed=_RENAMED,
        types=_IDS,
        key=key,
        references=(
            Reference(_IMAGE_KEY, "images"),
            *(Reference(columns, "classes") for columns in of_classes),
        ),
        indexes=(*(() if key else (_IMAGE_KEY,)), *of_classes),
    )


OPEN_IMAGES = {
    "images": TableLayout(
        name="images",
        renamed={
            "split": "subset",
            "image_id": "imageid",
            "original_url": "originalurl",
            "original_landing_url": "originallandingurl",
            "author_profile_url": "authorprofileurl",
            "original_size": "originalsize",
            "original_md5": "originalmd5",
            "thumbnail_300k_url": "thumbnail300kurl",
        },
        types=_IDS,
        key=_IMAGE_KEY,
        known={"subset": "split"},
    ),
    "classes": TableLayout(
        name="dict",
        renamed={"class_id": "labelname", "name": "displaylabelname"},
        key=("release", "labelname"),
    ),
    "labels": _of_image("labels", "labelname", key=(*_IMAGE_KEY, "source", "labelname")),
    "boxes": _of_image("boxes", "labelname"),
    "masks": _of_image("masks", "labelname"),
    "relationships": _of_image("relationships", "labelname1", "labelname2"),
    "attributes": _of_image("attributes", "labelname", "attribute_id"),
    "point_labels": _of_image("point_labels", "labelname"),
}

NARRATIVES = {
    "narratives": TableLayout("narratives", indexes=(("narrative_id",), ("image_id",))),
    "mentions": TableLayout("mentions", indexes=(("narrative_id",), ("image_id",), ("class_id",))),
    "words": TableLayout("words", indexes=(("narrative_id",), ("normalized",))),
    "discarded": TableLayout("discarded", indexes=(("narrative_id",),)),
}
"""`narrative_id` is no key: it repeats where the published key does."""

LAYOUTS: Mapping[str, Mapping[str, TableLayout]] = {
    "build": NARRATIVES,
    "open-images": OPEN_IMAGES,
}
"""Of the jobs that have more to say than their tables' names."""


def layout_of(job: str, table: str) -> TableLayout:
    """A table's layout; as the version has it where its job says nothing.

    >>> layout_of("open-images", "classes").name, layout_of("tokens", "captions").name
    ('dict', 'captions')
    """
    return LAYOUTS.get(job, {}).get(table) or TableLayout(table)
