"""Class names and the class hierarchy: what the vocabulary of mentions is made of."""

import csv
import dataclasses
import importlib.resources
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
import pyarrow as pa

from transforms.core.base.errors import UNREADABLE, UsageError, shown
from transforms.core.sources import foreign
from transforms.core.sources.annotations import contents
from transforms.core.sources.index.buckets import MAX_KEY_BYTES, plain_schema
from transforms.core.sources.kinds import OpenSource, Part, SourceBlock, SourceKind, read_whole

MAX_NAME_CHARACTERS = 200
"""Characters of a class's name; the longest published one has some 40."""

CLASSES_PER_FILE = 1 << 32
"""More positions than a file has classes: those of the n-th source begin at n times as many."""

_HEADERS = {("labelname", "displayname"), ("id", "name")}
_DEFAULT_FILES = {
    contents.OPEN_IMAGES: "class-descriptions-boxable.csv",
    contents.COCO: "coco-classes.csv",
}


@dataclasses.dataclass(frozen=True)
class ClassName:
    """A class.

    Its id is a MID, or COCO's category id as decimals; its vocabulary is `open_images` or `coco`.
    """

    class_id: str
    name: str
    vocabulary: str


def parse_classes(file_name: str, data: bytes) -> list[ClassName]:
    """Reads a file of class descriptions: rows of id and name, with or without a header.

    Known headers are `LabelName,DisplayName` and `id,name`, spaces round them ignored; names are
    kept as published, even with spaces round them. Ids of decimal digits are COCO categories, all
    others Open Images classes.

    Raises:
      UsageError: A row that is not an id and a name.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"{file_name}: is not UTF-8 at byte {error.start}: convert it"
        raise UsageError(message) from error
    reader = csv.reader(io.StringIO(text, newline=""))
    classes: list[ClassName] = []
    try:
        for row in reader:
            if row and (classes or not _is_header(row)):
                classes.append(_to_class(row, f"{file_name}, line {reader.line_num}"))
    except csv.Error as error:  # for one, a field of over 131,072 characters
        raise UsageError(
            f"{file_name}, line {reader.line_num}: is not a row of a class id and a name "
            f"({shown(error)}): correct or remove it"
        ) from error
    if not classes:
        raise UsageError(f"{file_name}: has no class: give rows of a class id and a name")
    return classes


def _to_class(row: Sequence[str], place: str) -> ClassName:
    if len(row) != 2 or not all(field.strip() for field in row):
        raise UsageError(
            f"{place}: expected a class id and a name, as in `/m/011k07,Tortoise`, found "
            f"'{shown(','.join(row))}'"
        )
    return checked_class(row[0].strip(), row[1], place)


def checked_class(class_id: str, name: str, place: str) -> ClassName:
    """A class whose id and name are of a size that an index and a search can hold.

    Raises:
      UsageError: The id or the name is too long; says where.
    """
    if len(class_id.encode()) > MAX_KEY_BYTES:
        raise UsageError(f"{place}: the class id {shown(class_id)} has over {MAX_KEY_BYTES} bytes")
    if len(name) > MAX_NAME_CHARACTERS:
        raise UsageError(
            f"{place}: the name of class {shown(class_id)} has {len(name):,} characters, and names "
            f"may have {MAX_NAME_CHARACTERS}: shorten or remove it"
        )
    return ClassName(class_id, name, vocabulary_of(class_id))


def _is_header(row: Sequence[str]) -> bool:
    return tuple(field.strip().lower() for field in row) in _HEADERS


def vocabulary_of(class_id: str) -> str:
    """Whose class an id names."""
    return contents.COCO if class_id.isdecimal() else contents.OPEN_IMAGES


def default_classes(vocabulary: str = contents.OPEN_IMAGES) -> list[ClassName]:
    """The 601 boxable classes of Open Images, or the 80 of COCO, in their published order."""
    name = _DEFAULT_FILES[vocabulary]
    data = importlib.resources.files("transforms.core").joinpath("data", name).read_bytes()
    return parse_classes(name, data)


def classes_to_rows(classes: Iterable[ClassName], first: int = 0) -> pa.RecordBatch:
    """Classes as rows of the index's table, numbered in their order from `first` on."""
    rows = [
        {"key": item.class_id, "position": position, **dataclasses.asdict(item)}
        for position, item in enumerate(classes, first)
    ]
    return pa.RecordBatch.from_pylist(rows, schema=plain_schema(contents.CLASSES))


class _Node(msgspec.Struct, rename={"class_id": "LabelName", "children": "Subcategory"}):
    class_id: str
    children: "list[_Node]" = []


def parse_hierarchy(file_name: str, data: bytes) -> list[tuple[str, str]]:
    """Reads `bbox_labels_600_hierarchy.json`: pairs of a class and a class that is one of it.

    Parts (`Part`: a wheel is part of a car) are not subclasses and are left out.

    Raises:
      UsageError: It is not a hierarchy.
    """
    try:
        root = msgspec.json.decode(data, type=_Node)
    except UNREADABLE as error:
        raise UsageError(
            f"{file_name}: is not a class hierarchy ({foreign.json_problem(error, data)}): "
            "expected nested objects with `LabelName` and `Subcategory`"
        ) from error
    pairs: dict[tuple[str, str], None] = {}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        pairs.update(((node.class_id, child.class_id), None) for child in node.children)
        waiting.extend(node.children)
    return list(pairs)


def hierarchy_to_rows(pairs: Iterable[tuple[str, str]]) -> pa.RecordBatch:
    """Pairs of class and subclass as rows of the index's table."""
    rows = [{"key": parent, "child": child} for parent, child in pairs]
    return pa.RecordBatch.from_pylist(rows, schema=plain_schema(contents.HIERARCHY))


def descendants(pairs: Iterable[tuple[str, str]]) -> Mapping[str, frozenset[str]]:
    """Of each class with subclasses, all classes below it."""
    children: dict[str, set[str]] = {}
    for parent, child in pairs:
        children.setdefault(parent, set()).add(child)
    return {parent: frozenset(_reachable(parent, children)) for parent in children}


def _reachable(start: str, children: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = children.get(waiting.pop(), set()) - found
        found |= new
        waiting.extend(new)
    return found


def _parse_classes(block: SourceBlock, open_source: OpenSource) -> Iterator[Part]:
    ((index, source),) = block.files
    found = parse_classes(source.path, read_whole(source, open_source))
    yield Part("classes", (index, 0), classes_to_rows(found, index * CLASSES_PER_FILE))


def _parse_hierarchy(block: SourceBlock, open_source: OpenSource) -> Iterator[Part]:
    ((index, source),) = block.files
    pairs = parse_hierarchy(source.path, read_whole(source, open_source))
    yield Part("hierarchy", (index, 0), hierarchy_to_rows(pairs))


CLASSES_KIND = SourceKind(foreign.CLASSES, {"classes": contents.CLASSES}, _parse_classes)
HIERARCHY_KIND = SourceKind(foreign.HIERARCHY, {"hierarchy": contents.HIERARCHY}, _parse_hierarchy)
