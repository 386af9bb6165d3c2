"""What a published file is: its release and split by its name, its kind by its first line."""

import csv
import re
from collections.abc import Mapping, Sequence

import msgspec

from transforms.core.base.errors import UsageError, option, shown

RELEASES = ("v1", "v2", "v3", "v4", "v5", "v6", "v7")
SPLITS = ("train", "validation", "test")

_FOLDERS = {"2016_08": "v1", "2017_07": "v2", "2017_11": "v3", "2018_04": "v4"}
_RELEASE = re.compile(r"(?:^|[^0-9])(20\d\d_\d\d)(?:[^0-9]|$)|oidv([1-7])(?:[^0-9]|$)")
_SPLIT = re.compile(r"(?:^oidv\d-|^|[_-])(train|validation|test)(?=[_.-])")

WIDE = "wide_labels"
"""Labels of the first revision of V1: a line an image, with all its labels."""

UNKNOWN = "unknown"
"""A member of an archive that is none of the kinds; its lines are rejected."""

_LISTS = (
    ("attributes-description", "attributes"),
    ("relationships-description", "relationships"),
    ("class-descriptions-boxable", "boxable_descriptions"),
    ("class-descriptions", "descriptions"),
    ("dict.csv", "descriptions"),
    ("classes-bbox-trainable", "boxable_trainable"),
    ("classes-bbox", "boxable"),
    ("classes-boxable", "boxable"),
    ("classes-segmentation", "segmentable"),
    ("classes-trainable", "trainable"),
    ("classes.txt", "all"),
)
"""Lists of classes by what their names hold; the first that fits."""

DESCRIBED = ("descriptions", "boxable_descriptions", "attributes", "relationships")
"""Lists whose lines have a name beside the id, the most complete first."""

_LIST_HEADERS = {("labelname", "displayname"), ("id", "name")}
_ALIASES = {"Label": "LabelName", "ImageId": "ImageID"}


class Form(msgspec.Struct, frozen=True):
    """What a file, or a member of an archive, holds.

    Attributes:
      kind: A key of `columns.COLUMNS`, `class_entries`, `WIDE` or `UNKNOWN`.
      release: `v1` to `v7`.
      split: Of all its rows, None where neither name nor option states it.
      member: Its name in an archive, empty for a file.
      columns: Its columns in order, under the names of the latest revision.
      header: Whether its first line names them.
      list: Which list of classes it is.
      start: Where its first line begins in the (decompressed) shard.
    """

    kind: str
    release: str
    split: str | None = None
    member: str = ""
    columns: tuple[str, ...] = ()
    header: bool = True
    list: str = ""
    start: int = 0

    @property
    def is_free_text(self) -> bool:
        """Whether values may hold line breaks, so that records must be followed from the start."""
        return self.kind in ("images", "class_entries")


class Context(msgspec.Struct, frozen=True):
    """What a reader must know of what stands before a unit.

    Attributes:
      form: What its records are.
      line: The line of their member at which they begin, 0 where it is not known.
    """

    form: Form
    line: int = 0

    def encode(self) -> str:
        """As text, for `Unit.context`."""
        return msgspec.json.encode(self).decode()


def release_of(path: str) -> str | None:
    """The release that a file's name or one of its folders names, the nearest to the file first.

    >>> release_of("a/images_2016_08_v5.tar.gz"), release_of("v3/train/images.csv")
    ('v1', 'v3')
    >>> release_of("oidv6-train-annotations-bbox.csv"), release_of("v10/images.csv")
    ('v6', None)
    """
    for part in reversed(path.split("/")):
        if part.lower() in RELEASES:
            return part.lower()
        for folder, number in _RELEASE.findall(part):
            if found := _FOLDERS.get(folder) or (number and f"v{number}"):
                return found
    return None


def split_of(path: str) -> str | None:
    """The split that a file's name begins or ends with, or its folder is called.

    >>> split_of("2017_11/train/images.csv"), split_of("oidv6-train-annotations-bbox.csv")
    ('train', 'train')
    >>> split_of("classes-trainable.txt"), split_of("my_test_files/images.csv")
    (None, None)
    """
    *folders, name = path.split("/")
    if found := _SPLIT.search(name):
        return found[1]
    return folders[-1] if folders and folders[-1] in SPLITS else None


def is_archive(path: str) -> bool:
    """Whether a file is an archive as the first releases are published.

    >>> is_archive("images_2016_08_v5.tar.gz"), is_archive("train-images.csv.gz")
    (True, False)
    """
    return path.endswith((".tar.gz", ".tar.zst", ".tar"))


def form_of(
    path: str, head: bytes, release: str, split: str | None = None, member: str = ""
) -> Form:
    """What begins with some first bytes.

    Args:
      path: Its name, with the folders or the archive that may state it.
      head: Its first line, or more of it.
      release: Of the file.
      split: Of files whose names do not state it.
      member: Its name in an archive.

    Returns:
      Its form, of the kind `UNKNOWN` where nothing fits.
    """
    first = _first_line(head)
    kind, columns = _kind_of(first)
    name = path.rsplit("/", 1)[-1]
    if kind in (UNKNOWN, "class_entries") and (which := _list_of(name)):
        wanted = ("LabelName", "DisplayName") if which in DESCRIBED else ("LabelName",)
        header = tuple(field.lower() for field in first) in _LIST_HEADERS
        return Form("class_entries", release, None, member, wanted, header, which)
    return Form(kind, release, split_of(path) or split, member, columns, header=bool(columns))


def _first_line(head: bytes) -> Sequence[str]:
    line = head.split(b"\n", 1)[0].decode("utf-8-sig", errors="replace").strip()
    try:
        return [field.strip() for field in next(csv.reader([line]), [])]
    except csv.Error:
        return []


def _list_of(name: str) -> str | None:
    return next((which for part, which in _LISTS if part in name), None)


_SIGNS: Mapping[str, tuple[str, ...]] = {
    "masks": ("MaskPath", "ImageID"),
    "relationships": ("ImageID", "LabelName1", "XMin1", "RelationshipLabel"),
    "triplets": ("LabelName1", "LabelName2", "RelationshipLabel"),
    "point_labels": ("ImageID", "X", "Y", "Label", "YesVotes"),
    "images": ("ImageID", "OriginalURL"),
    "boxes": ("ImageID", "LabelName", "XMin", "XMax", "YMin", "YMax"),
    "labels": ("ImageID", "LabelName", "Confidence"),
}
"""Columns by which a kind is known; the first that fits."""


def _kind_of(first: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    if tuple(first[:1]) == ("ImageID",) and len(first) == 2 and first[1].startswith("Confidence:"):
        return WIDE, tuple(first)
    points = "YesVotes" in first  # whose `Label` is one
    columns = tuple(
        name if points and name == "Label" else _ALIASES.get(name, name) for name in first
    )
    for kind, signs in _SIGNS.items():
        if all(sign in columns for sign in signs):
            return kind, columns
    return UNKNOWN, ()


def wanted_release(path: str, given: str | None) -> str:
    """The release of a file.

    Raises:
      UsageError: Neither its name nor an option states it.
    """
    if found := release_of(path) or given:
        return found
    raise UsageError(
        f"{shown(path)}: neither its name nor a folder states the release: put it into a folder "
        f"called v1 to v7, or say {option('release')} v3"
    )


def refuse_unknown(path: str, form: Form) -> None:
    """Refuses a file that is none of the kinds.

    Raises:
      UsageError: It is none.
    """
    if form.kind == UNKNOWN:
        raise UsageError(
            f"{shown(path)}: its first line is not the header of images, labels, boxes, masks, "
            "relationships, point labels or triplets, and its name not that of a list of classes "
            "(such as class-descriptions.csv): leave it out, or give the published file"
        )
