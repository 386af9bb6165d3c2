"""What is said of boxes and classes that a run does not use."""

import random

import pyarrow as pa

from transforms.core.sources.annotations import contents
from transforms.core.sources.annotations.classes import ClassName, classes_to_rows
from transforms.core.sources.index.buckets import plain_schema
from transforms.core.stages.match import oddities

GOOD = {"x_min": 0.1, "x_max": 0.5, "y_min": 0.2, "y_max": 0.6}


def box_rows(*boxes):
    filled = [{"key": f"image{n}", "class_id": "/m/1"} | GOOD | box for n, box in enumerate(boxes)]
    return pa.RecordBatch.from_pylist(filled, schema=plain_schema(contents.BOXES))


def class_rows(*names, first=0):
    classes = [ClassName(class_id, name, "open_images") for class_id, name in names]
    return classes_to_rows(classes, first)


def describe(*parts):
    """Sentences on (source, rows), found in any order."""
    names = ["first.csv", "second.csv"]
    findings = [
        (table, (source, number), oddities.find(table, rows))
        for number, (table, source, rows) in enumerate(parts)
    ]
    findings = [finding for finding in findings if finding[2] is not None]
    results = set()
    for seed in range(5):
        random.Random(seed).shuffle(findings)
        results.add(tuple(oddities.describe(names, findings)))
    assert len(results) == 1
    return list(results.pop())


def test_boxes_are_counted_by_file_and_fault_and_the_first_image_is_named():
    flat, far = {"x_max": 0.1}, {"y_max": 1e15}
    turned, beyond = {"x_min": 0.9}, {"x_min": -1.01}
    parts = [
        ("boxes", 0, box_rows({}, turned, flat, turned)),
        ("boxes", 1, box_rows({}, {}, far, {"x_min": -1.0, "x_max": 2.0})),
        ("boxes", 1, box_rows(beyond, beyond | {"x_max": -3.0})),
    ]
    assert describe(*parts) == [
        "first.csv: 2 boxes have a minimum above the maximum and are not used; the first is of "
        "image image1",
        "second.csv: 3 boxes lie beyond -1 to 2 in normalised image coordinates and are not used; "
        "the first is of image image2",
    ]


def test_one_box_is_named_in_the_singular():
    assert describe(("boxes", 0, box_rows({}, {"x_min": 0.9}, {"x_max": 7.0}))) == [
        "first.csv: 1 box has a minimum above the maximum and is not used; it is of image image1",
        "first.csv: 1 box lies beyond -1 to 2 in normalised image coordinates and is not used; it "
        "is of image image2",
    ]


def test_nothing_is_said_of_what_is_in_order():
    assert describe(("boxes", 0, box_rows({}, {"x_max": 0.1})), ("classes", 0, class_rows())) == []
    assert describe(("classes", 0, class_rows(("/m/1", "Dog"), ("/m/2", "Cat")))) == []
    assert describe(("classes", 0, class_rows(("/m/1", "Dog"), ("/m/1", "Dog")))) == []


def test_class_names_that_no_mention_can_have():
    parts = [
        ("classes", 0, class_rows(("/m/1", "Dog"), ("/m/2", "..."), ("/m/3", "(Animal)"))),
        (
            "classes",
            1,
            class_rows(("/m/1", "Hound"), ("/m/4", "dog (Animal)"), ("/m/5", "Cat\x1b")),
        ),
    ]
    assert describe(*parts) == [
        "second.csv: 1 class id is there again with another name, of which the first is used; "
        "it is /m/1, `Hound`",
        "first.csv: 2 class names have no letter or digit and are never found; the first is "
        "/m/2, `...`",
        "second.csv: 1 class name is spoken as that of a class before, which gets its mentions; "
        "it is /m/4, `dog (Animal)`",
    ]


def test_published_classes_are_in_order():
    from transforms.core.sources.annotations.classes import default_classes

    for vocabulary in contents.VOCABULARIES:
        rows = classes_to_rows(default_classes(vocabulary))
        assert describe(("classes", 0, rows)) == []
