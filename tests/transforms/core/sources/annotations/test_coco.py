"""COCO instances against the reference reader and values worked out by hand."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reference.annotations import read_coco
from transforms.core.base.errors import UsageError
from transforms.core.model.narratives import schemas
from transforms.core.sources.annotations.coco import parse_instances

# The first annotation of COCO's val2017 is of this image; the numbers are in its published form.
INSTANCES = {
    "info": {"year": 2017},
    "licenses": [
        {"url": "http://creativecommons.org/licenses/by/2.0/", "id": 4, "name": "Attribution"}
    ],
    "images": [
        {
            "license": 4,
            "file_name": "000000137576.jpg",
            "coco_url": "http://images.cocodataset.org/val2017/000000137576.jpg",
            "height": 480,
            "width": 640,
            "flickr_url": "http://farm1.staticflickr.com/1/2_z.jpg",
            "id": 137576,
        },
        {"id": 139, "width": 100, "height": 200, "file_name": "000000000139.jpg"},
    ],
    "annotations": [
        {
            "segmentation": [[1.5, 2.5, 3.5]],
            "area": 7.1,
            "iscrowd": 0,
            "image_id": 137576,
            "bbox": [64, 120.0, 320.0, 60],
            "category_id": 18,
            "id": 1,
        },
        {
            "segmentation": {"counts": [1, 2], "size": [480, 640]},
            "area": 9.0,
            "iscrowd": 1,
            "image_id": 137576,
            "bbox": [0, 0, 640, 480],
            "category_id": 1,
            "id": 2,
        },
    ],
    "categories": [
        {"supercategory": "person", "id": 1, "name": "person"},
        {"supercategory": "animal", "id": 18, "name": "dog"},
    ],
}


def parse(instances, name="instances_val2017.json"):
    return parse_instances(name, json.dumps(instances).encode())


def test_values_by_hand():
    rows = parse(INSTANCES)
    dog, crowd = rows["boxes"].to_pylist()
    assert dog == {
        "key": "137576",
        "class_id": "18",
        "source": "coco",
        "x_min": 0.1,
        "x_max": 0.6,
        "y_min": 0.25,
        "y_max": 0.375,
        "is_occluded": None,
        "is_truncated": None,
        "is_group_of": False,
        "is_depiction": None,
        "is_inside": None,
    }
    assert crowd["is_group_of"] is True
    listed, bare = rows["images"].to_pylist()
    assert listed["key"] == "137576"
    assert listed["subset"] == "validation"
    assert listed["url"] == "http://images.cocodataset.org/val2017/000000137576.jpg"
    assert listed["licence"] == "http://creativecommons.org/licenses/by/2.0/"
    assert bare["key"] == "139"
    assert {bare[name] for name in ("url", "licence", "landing_url", "rotation")} == {None}
    classes = [(row["key"], row["name"], row["vocabulary"]) for row in rows["classes"].to_pylist()]
    assert classes == [("1", "person", "coco"), ("18", "dog", "coco")]


@given(
    st.lists(
        st.tuples(
            st.floats(0, 600),
            st.floats(0, 400),
            st.floats(0, 100),
            st.floats(0, 100),
            st.sampled_from([0, 1]),
        ),
        max_size=10,
    )
)
def test_boxes_equal_the_reference(tmp_path_factory, boxes):
    annotations = [
        {"image_id": 137576, "category_id": 18, "bbox": list(box), "iscrowd": crowd}
        for *box, crowd in boxes
    ]
    path = tmp_path_factory.getbasetemp() / "instances_train2014.json"
    path.write_text(json.dumps(INSTANCES | {"annotations": annotations}))
    expected = read_coco([path]).boxes.get("137576", [])
    names = [field.name for field in schemas.BOX if field.name != "name"]
    found = parse_instances(str(path), path.read_bytes())["boxes"].to_pylist()
    assert [{name: row[name] for name in names} for row in found] == [
        {name: row[name] for name in names} for row in expected
    ]


@pytest.mark.parametrize(
    ("name", "subset"),
    [
        ("/data/instances_train2017.json", "train"),
        ("instances_val2014.json.gz", "validation"),
        ("instances_test.json", "test"),
        ("mine.json", None),
    ],
)
def test_the_subset_is_in_the_files_name(name, subset):
    assert parse(INSTANCES, name)["images"]["subset"].to_pylist() == [subset] * 2


def test_a_file_without_boxes_still_lists_images():
    rows = parse(INSTANCES | {"annotations": []})
    assert len(rows["boxes"]) == 0
    assert len(rows["images"]) == 2


def changed(part, **values):
    return INSTANCES | {part: [INSTANCES[part][0] | values, *INSTANCES[part][1:]]}


@pytest.mark.parametrize(
    ("instances", "said"),
    [
        ([], "is not a file of COCO instances"),
        ({"annotations": []}, "is not a file of COCO instances"),
        (changed("annotations", bbox=[1, 2, 3]), "`$.annotations[0].bbox`"),
        (changed("annotations", image_id=7), "a box of image 7, which is not in `images`"),
        (changed("images", width=0), "image 137576 has width 0 and height 480"),
    ],
)
def test_what_is_not_readable(instances, said):
    with pytest.raises(UsageError, match="^instances_val2017.json: ") as error:
        parse(instances)
    assert said in str(error.value)


def test_what_is_not_json():
    with pytest.raises(UsageError, match="^x.json: is not a file of COCO instances"):
        parse_instances("x.json", b"\xff\xfe")
