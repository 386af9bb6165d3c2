"""The annotation index joined to images, against dictionaries of csv rows."""

import json
import pathlib

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.cli.options import Options
from pipelines.index_annotations import AnnotationSources, ensure_annotation_index
from tests.reference.annotations import read_coco, read_open_images
from transforms.core.base.errors import UsageError
from transforms.core.model.narratives import schemas
from transforms.core.sources.annotations.lookup import (
    AnnotationIndex,
    is_verified_negative,
    open_index,
)

ROOT = pathlib.Path(__file__).parents[5]
HERE = ROOT / "tests/data/open_images"
SHARED = ROOT.parent / "shared/data/open_images"
FOLDERS = [folder for folder in (HERE, SHARED) if folder.exists()]
COLUMNS = ("image", "labels", "boxes_status", "boxes")
FIRST = "000002b66c9c498e"


def build(directory, **sources):
    sources = {role: [str(path) for path in paths] for role, paths in sources.items()}
    return ensure_annotation_index(AnnotationSources(**sources), str(directory), Options())


def files_of(folder):
    """Sources, in the order in which an index takes them: by path."""
    return {
        "boxes": sorted(folder.glob("v*/**/*bbox.csv")),
        "labels": sorted(
            path for name in ("human", "machine") for path in folder.glob(f"v3/*/*-{name}.csv")
        ),
        "images": sorted([*folder.glob("v3/*/images.csv"), *folder.glob("v6/*rotation.csv")]),
        "classes": [folder / "v3/class-descriptions.csv"],
    }


COCO = {
    "images": [{"id": i, "width": 10, "height": 20, "coco_url": f"u{i}"} for i in (139, 285)],
    "annotations": [
        {"image_id": 139, "category_id": 18, "bbox": [1, 2, 3, 4], "iscrowd": 0},
        {"image_id": 139, "category_id": 1, "bbox": [0, 0, 5, 5], "iscrowd": 1},
    ],
    "categories": [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}],
}


@pytest.fixture(scope="module")
def coco_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("coco") / "mine.json"
    path.write_text(json.dumps(COCO))
    return path


@pytest.fixture(scope="module", params=FOLDERS, ids=["repository", "shared"][: len(FOLDERS)])
def both(request, tmp_path_factory):
    """An index of real files and the reference's dictionaries of the same files."""
    files = files_of(request.param)
    folder = build(tmp_path_factory.mktemp("indexes"), **files)
    return AnnotationIndex.open(folder), read_open_images(**files)


def expected_columns(known, ids):
    return {
        "image": [known.images.get(i) for i in ids],
        "labels": [known.labels.get(i, []) for i in ids],
        "boxes_status": [known.status_of(i) for i in ids],
        "boxes": [None if known.status_of(i) == "unknown" else known.boxes.get(i, []) for i in ids],
    }


def about(index, ids, dataset="open_images"):
    """What an index knows of images of a dataset."""
    return index.join(pa.array(ids, pa.string()), np.full(len(ids), DATASETS.index(dataset) - 1))


DATASETS = ("neither", "open_images", "coco")


def joined(index, ids, dataset="open_images"):
    columns = about(index, ids, dataset).columns
    assert tuple(columns) == COLUMNS
    for name, column in columns.items():
        assert column.type == schemas.NARRATIVES.field(name).type
        column.validate(full=True)
    return {name: column.to_pylist() for name, column in columns.items()}


def test_every_image_equals_the_dictionaries(both):
    index, known = both
    ids = sorted({*known.images, *known.boxes, *known.labels, "ffffffffffffffff"})
    assert joined(index, ids) == expected_columns(known, ids)
    assert {known.status_of(i) for i in ids} == {"boxed", "none", "unknown"}


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_chunk_of_images_equals_the_dictionaries(both, data):
    index, known = both
    some = [*list(known.images)[:30], *list(known.boxes)[:9], "", "0", "g" * 300, "137576"]
    ids = data.draw(st.lists(st.sampled_from(some), max_size=25))
    assert joined(index, ids) == expected_columns(known, ids)


def test_classes_are_those_of_the_file_in_its_order(both):
    index, known = both
    found = [(item.class_id, item.name) for item in index.classes_of("open_images")]
    assert found == known.classes
    assert len(index.classes_of("coco")) == 80


def test_boxes_of_a_hand_counted_image(tmp_path):
    index = AnnotationIndex.open(build(tmp_path, **files_of(HERE)))
    found = joined(index, [FIRST])
    lines = (HERE / "v3/train/annotations-human-bbox.csv").read_text().splitlines()
    in_file = [line for line in lines if line.startswith(FIRST)]
    three_more = (HERE / "v6/oidv6-train-annotations-bbox.csv").read_text().count(FIRST)
    assert len(found["boxes"][0]) == len(in_file) + three_more
    first = found["boxes"][0][0]
    assert (first["class_id"], first["x_min"], first["y_max"]) == ("/m/0284d", 0.56025, 1.0)
    assert first["is_occluded"] is None


def test_negatives_are_not_the_same_as_nothing():
    rows = [("verification", 0.0), ("machine", 0.0), ("verification", 1.0), (None, 0.0)]
    labels = pa.array(
        [{"class_id": "/m/1", "source": source, "confidence": c} for source, c in rows],
        schemas.LABEL,
    )
    assert is_verified_negative(labels).tolist() == [True, False, False, False]


def test_real_negatives(both):
    index, known = both
    column = about(index, sorted(known.labels)).columns["labels"]
    expected = [
        label["confidence"] == 0 and label["source"] != "machine"
        for image_id in sorted(known.labels)
        for label in known.labels[image_id]
    ]
    assert is_verified_negative(column.values).tolist() == expected
    assert 0 < sum(expected) < len(expected)


def test_dictionaries_hold_only_what_occurs(both):
    index, known = both
    image_id = next(iter(known.labels))
    labels = about(index, [image_id]).columns["labels"].values
    used = {label["class_id"] for label in known.labels[image_id]}
    assert set(labels.field("class_id").dictionary.to_pylist()) == used


def test_without_annotations_everything_is_unknown():
    index = open_index(None)
    found = joined(index, [FIRST, "139"])
    assert found == {
        "image": [None, None],
        "labels": [None, None],
        "boxes_status": ["unknown", "unknown"],
        "boxes": [None, None],
    }
    assert [len(index.classes_of(name)) for name in ("open_images", "coco")] == [601, 80]
    assert index.fingerprint == AnnotationIndex.nothing().fingerprint
    assert joined(index, []) == {name: [] for name in COLUMNS}


def test_an_index_of_no_files_is_as_nothing(tmp_path):
    index = AnnotationIndex.open(build(tmp_path))
    assert index.classes == AnnotationIndex.nothing().classes
    assert joined(index, [FIRST])["boxes_status"] == ["unknown"]


def test_image_lists_without_boxes_leave_boxes_unknown(tmp_path):
    index = AnnotationIndex.open(build(tmp_path, images=[HERE / "v3/train/images.csv"]))
    found = joined(index, [FIRST])
    assert found["boxes_status"] == ["unknown"]
    assert found["image"][0]["subset"] == "train"
    assert (found["labels"], found["boxes"]) == ([None], [None])


def test_boxes_without_an_image_list(tmp_path):
    boxes = [HERE / "v6/oidv6-train-annotations-bbox.csv"]
    found = joined(AnnotationIndex.open(build(tmp_path, boxes=boxes)), [FIRST, "f"])
    assert found["boxes_status"] == ["boxed", "unknown"]
    assert [found["image"], found["boxes"][1]] == [[None, None], None]


def test_coco_and_open_images_in_one_index(tmp_path, coco_file):
    files = files_of(HERE)
    index = AnnotationIndex.open(build(tmp_path, **files, coco_instances=[coco_file]))
    known = read_open_images(**files)
    coco = read_coco([coco_file])
    ids = ["139", "285", "286"]
    everything = [*ids, *known.images]
    found = joined(index, everything)
    expected = expected_columns(known, list(known.images))
    assert {name: values[3:] for name, values in found.items()} == expected
    assert found["boxes_status"][:3] == ["unknown"] * 3 and found["image"][:3] == [None] * 3
    assert about(index, everything).others.tolist() == [i in ids[:2] for i in everything]
    found = joined(index, everything, "coco")
    assert found["boxes_status"] == ["boxed", "none", *["unknown"] * (len(everything) - 2)]
    assert found["boxes"][:3] == [coco.boxes["139"], [], None]
    assert found["image"][0] == coco.images["139"]
    assert found["labels"] == [None] * len(everything)
    assert about(index, everything, "coco").others.tolist() == [
        i not in ids and (i in known.images or i in known.boxes) for i in everything
    ]
    nobody = joined(index, everything, "neither")
    for name, value in (("image", None), ("labels", None), ("boxes", None)):
        assert nobody[name] == [value] * len(everything)
    assert set(nobody["boxes_status"]) == {"unknown"}


def test_rows_of_two_vocabularies_under_one_image_id(tmp_path, coco_file):
    boxes = tmp_path / "boxes.csv"
    header = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax"
    boxes.write_text(f"{header}\n139,xclick,/m/01g317,1,0.1,0.2,0.3,0.4\n")
    folder = build(tmp_path, boxes=[boxes], coco_instances=[coco_file])
    index = AnnotationIndex.open(folder)
    for dataset, classes in (("coco", ["18", "1"]), ("open_images", ["/m/01g317"])):
        found = joined(index, ["285", "139"], dataset)
        assert [box["class_id"] for box in found["boxes"][1]] == classes
    assert [item.name for item in index.classes_of("coco")] == ["person", "dog"]


def test_boxes_of_coco_say_nothing_about_open_images(tmp_path, coco_file):
    images = [HERE / "v3/train/images.csv"]
    index = AnnotationIndex.open(build(tmp_path, images=images, boxes=[coco_file]))
    assert joined(index, [FIRST])["boxes_status"] == ["unknown"]
    assert joined(index, ["285"], "coco")["boxes_status"] == ["none"]


def test_names_that_no_file_gives_are_null(tmp_path):
    boxes = [HERE / "v3/train/annotations-human-bbox.csv"]
    classes = tmp_path / "classes.csv"
    classes.write_text("/m/0fszt,Cake tin\n/m/0fszt,Second name\n")
    index = AnnotationIndex.open(build(tmp_path, boxes=boxes, classes=[classes]))
    names = {box["class_id"]: box["name"] for box in joined(index, [FIRST])["boxes"][0]}
    assert names.pop("/m/0fszt") == "Cake tin"
    assert names and set(names.values()) == {None}


def test_an_image_that_is_listed_twice_counts_once(tmp_path):
    header = "ImageID,Subset,OriginalURL,License\n"
    for name, subset in (("b", "validation"), ("a", "train")):
        (tmp_path / f"{name}.csv").write_text(f"{header}0001,{subset},u,l\n")
    folder = build(tmp_path, images=[tmp_path / "b.csv", tmp_path / "a.csv"])
    image = joined(AnnotationIndex.open(folder), ["0001"])["image"]
    assert [row["subset"] for row in image] == ["train"], "files are read in order of their paths"


def test_the_hierarchy_comes_with_the_index(tmp_path):
    path = HERE / "classes/bbox_labels_600_hierarchy.json"
    index = AnnotationIndex.open(build(tmp_path, hierarchy=[path]))
    assert "/m/03bt1vf" in index.hierarchy["/m/01g317"]
    assert AnnotationIndex.nothing().hierarchy == {}


def test_the_fingerprint_is_of_the_content(tmp_path):
    source = HERE / "v6/oidv6-train-annotations-bbox.csv"
    copies = [tmp_path / "one.csv", tmp_path / "two.csv", tmp_path / "three.csv"]
    for copy in copies[:2]:
        copy.write_bytes(source.read_bytes())
    copies[2].write_bytes(source.read_bytes().replace(b"0.195312", b"0.195313"))
    folders = [build(tmp_path, boxes=[copy]) for copy in copies]
    one, two, three = (AnnotationIndex.open(folder).fingerprint for folder in folders)
    assert len(set(folders)) == 3
    assert one == two != three


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "holds no complete index"),
        (b"{}", "is not an index's manifest"),
        (b"PK", "is not an index's manifest"),
        (b'{"format": 1, "kind": "words"}', "is an index of words, format 1"),
        (b'{"format": 0, "kind": "annotations"}', "is an index of annotations, format 0"),
        (b'{"format": 99, "kind": "annotations"}', "format 99, written by a newer version"),
    ],
)
def test_what_is_no_index(tmp_path, content, said):
    if content is not None:
        (tmp_path / "index.json").write_bytes(content)
    with pytest.raises(UsageError, match=said) as error:
        AnnotationIndex.open(str(tmp_path))
    assert "build it" in str(error.value)
