"""Class descriptions and the hierarchy."""

import hashlib
import json
import pathlib

import pytest

from tests.reference.annotations import read_classes
from transforms.core.base.errors import UsageError
from transforms.core.sources.annotations import contents
from transforms.core.sources.annotations.classes import (
    ClassName,
    default_classes,
    descendants,
    parse_classes,
    parse_hierarchy,
)

ROOT = pathlib.Path(__file__).parents[5]
HERE = ROOT / "tests/data/open_images"
SHARED = ROOT.parent / "shared/data/open_images"
NAMES = (
    "v1/dict.csv",
    "v3/class-descriptions.csv",
    "v6/oidv6-class-descriptions-boxable.csv",
    "classes/oidv6-class-descriptions.csv",
    "classes/class-descriptions-boxable.csv",
)
FILES = [folder / name for folder in (HERE, SHARED) for name in NAMES]


@pytest.mark.parametrize("path", [path for path in FILES if path.exists()], ids=str)
def test_files_of_every_release_equal_the_csv_module(path):
    found = parse_classes(str(path), path.read_bytes())
    assert [(item.class_id, item.name) for item in found] == read_classes(path)
    assert {item.vocabulary for item in found} == {contents.OPEN_IMAGES}
    assert len(found) >= 3


def test_forms_of_rows():
    data = (
        b"\xef\xbb\xbfLabelName,DisplayName \r\n"
        b'/m/01,"Ducks, geese"\n\n/g/2, Small terrier \r\n3,car'
    )
    assert parse_classes("c.csv", data) == [
        ClassName("/m/01", "Ducks, geese", "open_images"),
        ClassName("/g/2", " Small terrier ", "open_images"),
        ClassName("3", "car", "coco"),
    ]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"/m/01,Tree\n/m/02\n", "c.csv, line 2: expected a class id and a name"),
        (b"/m/01,Tree,Plant\n", "c.csv, line 1: expected a class id and a name"),
        (b"/m/01,\n", "c.csv, line 1: expected a class id and a name"),
        (b"/m/01,Caf\xe9\n", "c.csv: is not UTF-8 at byte 9"),
    ],
)
def test_what_is_no_class_file(data, said):
    with pytest.raises(UsageError) as error:
        parse_classes("c.csv", data)
    assert str(error.value).startswith(said)


def test_default_classes():
    boxable = default_classes()
    assert len({item.class_id for item in boxable}) == len(boxable) == 601
    assert boxable[0] == ClassName("/m/011k07", "Tortoise", "open_images")
    coco = default_classes("coco")
    assert len({item.name for item in coco}) == len(coco) == 80
    assert (coco[0].class_id, coco[-1].class_id) == ("1", "90")
    assert {item.vocabulary for item in coco} == {"coco"}


def test_the_boxable_classes_are_the_official_file():
    path = ROOT / "transforms/core/data/class-descriptions-boxable.csv"
    assert hashlib.md5(path.read_bytes()).hexdigest() == "9846fd22fd2e68b45e3f3810a4c2a32a"


def walk(node, above=()):
    """(class, all classes above it) of every node of the published JSON."""
    yield node["LabelName"], above
    for child in node.get("Subcategory", ()):
        yield from walk(child, (*above, node["LabelName"]))


def test_descendants_equal_a_walk_of_the_published_hierarchy():
    data = (HERE / "classes/bbox_labels_600_hierarchy.json").read_bytes()
    expected = {}
    for class_id, above in walk(json.loads(data)):
        for ancestor in above:
            expected.setdefault(ancestor, set()).add(class_id)
    found = descendants(parse_hierarchy("h.json", data))
    assert found == {key: frozenset(values) for key, values in expected.items()}
    person, woman, human_eye = "/m/01g317", "/m/03bt1vf", "/m/014sv8"
    assert woman in found[person]
    assert human_eye not in found[person], "an eye is a part of a person, not a person"


def test_a_class_below_two_classes_brings_what_is_below_it_to_both():
    pairs = [("a", "c"), ("b", "c"), ("c", "d")]
    assert descendants(pairs) == {"a": {"c", "d"}, "b": {"c", "d"}, "c": {"d"}}


@pytest.mark.parametrize("data", [b"[]", b'{"LabelName": 3}', b"x", b'{"Subcategory": []}'])
def test_what_is_no_hierarchy(data):
    with pytest.raises(UsageError, match="^h.json: is not a class hierarchy"):
        parse_hierarchy("h.json", data)
