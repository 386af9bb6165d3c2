"""Scenes read from Open Images files."""

import csv
import io

import pytest

from tests.transforms.core.synthesis.conftest import SAMPLE, sources
from transforms.core.base.errors import UsageError
from transforms.core.sources.annotations.classes import ClassName
from transforms.core.synthesis.scenes import Box, Scene, read_scenes

IMAGES = "ImageID,Subset,OriginalURL,License\na1,train,u,l\nb2,train,u,l\n"
BOXES = (
    "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax\n"
    "a1,x,/m/9,1,0,1,0,1\n"
    "a1,x,/m/1,1,0.1,0.5,0.2,0.4\n"
    "a1,x,/m/1,1,0.1,0.1,0.2,0.4\n"
    "zz,x,/m/1,1,0.1,0.5,0.2,0.4\n"
)
LABELS = (
    "ImageID,Source,LabelName,Confidence\n"
    "a1,verification,/m/1,1\na1,verification,/m/2,1\na1,verification,/m/3,0\n"
    "b2,machine,/m/3,0.7\nb2,machine,/m/2,0.4\nb2,machine,/m/4,1\n"
)
CLASSES = [
    ClassName("/m/1", "Bat (Animal)", "open_images"),
    ClassName("/m/2", "Palm tree", "open_images"),
    ClassName("/m/3", "Sun hat", "open_images"),
    ClassName("/m/4", "Kitchen & dining room table", "open_images"),
]


def source(text):
    return [("it.csv", lambda: io.BytesIO(text.encode()))]


def test_rows_become_scenes():
    scenes = read_scenes(source(IMAGES), source(LABELS), source(BOXES), CLASSES)
    assert scenes == [
        # Rows count all boxes of the image; the unnamed one and the flat one are left out.
        Scene("a1", (Box(1, "/m/1", "bat", 0.1, 0.5, 0.2, 0.4),), (("/m/2", "palm tree"),)),
        Scene("b2", (), (("/m/3", "sun hat"),)),
    ]


def test_no_images_is_an_error():
    with pytest.raises(UsageError, match="no image"):
        read_scenes(source(IMAGES.splitlines()[0] + "\n"), [], [], CLASSES)


def test_a_file_given_to_the_wrong_option_is_named():
    with pytest.raises(UsageError, match=r"it\.csv.*XMin"):
        read_scenes(source(IMAGES), [], source(LABELS), CLASSES)


def test_boxes_of_the_sample_are_those_of_its_files(scenes):
    rows = {}
    for _, open_file in sources("annotations-human-bbox.csv"):
        for row in csv.DictReader(io.TextIOWrapper(open_file())):
            rows.setdefault(row["ImageID"], []).append(row)
    assert len(scenes) == 97
    assert sum(not scene.boxes for scene in scenes) == 7
    for box, image in ((box, scene.image_id) for scene in scenes for box in scene.boxes):
        row = rows[image][box.row]
        assert (box.class_id, box.x_min, box.x_max, box.y_min, box.y_max) == (
            row["LabelName"],
            *(float(row[side]) for side in ("XMin", "XMax", "YMin", "YMax")),
        )


def test_every_sample_row_is_of_a_listed_image():
    for folder in ("train", "validation"):
        listed = {row["ImageID"] for row in read_rows(folder, "images.csv")}
        for name in ("human-bbox", "human", "machine"):
            found = {row["ImageID"] for row in read_rows(folder, f"annotations-{name}.csv")}
            assert found and found <= listed


def read_rows(folder, name):
    with open(SAMPLE / folder / name, newline="") as file:
        return list(csv.DictReader(file))
