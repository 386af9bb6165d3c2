"""A kind of annotations from outside: a reader and a line of the registry."""

import csv
import json

import numpy as np
import pyarrow as pa
import pytest

from pipelines.cli.options import Options
from pipelines.index_annotations import AnnotationSources, ensure_annotation_index
from tests.conftest import ROOT
from transforms.core.base.errors import UsageError
from transforms.core.output.checks.guard import covered_kinds
from transforms.core.sources.annotations import contents
from transforms.core.sources.annotations.kinds import KINDS
from transforms.core.sources.annotations.lookup import AnnotationIndex
from transforms.core.sources.foreign import Kind
from transforms.core.sources.index.buckets import TableIndex, plain_schema
from transforms.core.sources.index.manifest import read_manifest
from transforms.core.sources.kinds import Part, SourceKind, read_lines

BOXES = ROOT / "tests/data/open_images/v3/train/annotations-human-bbox.csv"
IMAGES = ROOT / "tests/data/open_images/v3/train/images.csv"
CLICKS = pa.schema([("x", pa.float64()), ("y", pa.float64())])


def parse(block, open_source):
    """Boxes as an array a line, `[image, class, source, [x, y, width, height]]`, and centres."""
    ((index, source),) = block.files
    for start, lines in read_lines(block, open_source):
        boxes, clicks = [], []
        for line in lines.splitlines():
            try:
                image, label, by, (x, y, width, height) = json.loads(line)
            except ValueError as error:
                raise UsageError(f"{source.path}: is not a box: {line!r}") from error
            corners = {"x_min": x, "x_max": x + width, "y_min": y, "y_max": y + height}
            boxes.append({"key": image, "class_id": label, "source": by, **corners})
            clicks.append({"key": image, "x": x + width / 2, "y": y + height / 2})
        for table, rows, schema in (
            ("boxes", boxes, contents.BOXES),
            ("clicks", clicks, CLICKS),
        ):
            batch = pa.RecordBatch.from_pylist(rows, schema=plain_schema(schema))
            yield Part(table, (index, start), batch)


ROWS_KIND = SourceKind(
    Kind("a file of rows of boxes", "give it as boxes, as a .rows file"),
    {"boxes": contents.BOXES, "clicks": CLICKS},
    parse,
    by_lines=True,
    given_as="boxes",
    suffix=".rows",
)


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setitem(KINDS, "box_rows", ROWS_KIND)
    monkeypatch.setitem(contents.COVERS, "box_rows", (contents.OPEN_IMAGES, "boxes"))


@pytest.fixture
def published():
    """The published boxes, without the flags that the other form does not have."""
    with BOXES.open() as file:
        return list(csv.DictReader(file))


def to_line(row):
    x, y = float(row["XMin"]), float(row["YMin"])
    sizes = [float(row["XMax"]) - x, float(row["YMax"]) - y]
    return json.dumps([row["ImageID"], row["LabelName"], row["Source"], [x, y, *sizes]]) + "\n"


def build(directory, boxes):
    sources = AnnotationSources(boxes=[str(boxes)], images=[str(IMAGES)])
    return ensure_annotation_index(sources, str(directory), Options())


def test_a_kind_from_outside_is_one_module_and_a_line(tmp_path, registered, published):
    path = tmp_path / "boxes.rows"
    path.write_text("".join(map(to_line, published)))
    folder = build(tmp_path / "own", path)
    ids = pa.array([*dict.fromkeys(row["ImageID"] for row in published), "0000000000000000"])
    about = np.zeros(len(ids), np.int64)
    own, usual = (
        AnnotationIndex.open(each).join(ids, about).columns
        for each in (folder, build(tmp_path / "usual", BOXES))
    )
    assert own["boxes_status"].equals(usual["boxes_status"])
    assert own["image"].equals(usual["image"])
    found, expected = own["boxes"].to_pylist(), usual["boxes"].to_pylist()
    assert sum(map(len, filter(None, found))) == len(published) > 10
    for one, other in zip(found, expected, strict=True):
        assert [(box["class_id"], box["name"], box["source"]) for box in one or ()] == [
            (box["class_id"], box["name"], box["source"]) for box in other or ()
        ]
        for name in ("x_min", "x_max", "y_min", "y_max"):
            assert [box[name] for box in one or ()] == pytest.approx(
                [box[name] for box in other or ()]
            )


def test_a_kind_may_bring_a_table_of_its_own(tmp_path, registered, published):
    path = tmp_path / "boxes.rows"
    path.write_text("".join(map(to_line, published)))
    folder = build(tmp_path, path)
    manifest = read_manifest(folder, ("annotations",))
    assert {source.role for source in manifest.sources} == {"images", "box_rows"}
    clicks = TableIndex(folder, manifest.tables["clicks"], CLICKS)
    offsets, rows = clicks.lookup(pa.array([published[0]["ImageID"]]))
    of_image = [row for row in published if row["ImageID"] == published[0]["ImageID"]]
    assert np.diff(offsets) == [len(of_image)]
    assert rows["x"].to_pylist() == pytest.approx(
        [(float(row["XMin"]) + float(row["XMax"])) / 2 for row in of_image]
    )


def test_what_it_cannot_read_is_said(tmp_path, registered):
    path = tmp_path / "boxes.rows"
    path.write_text('["a", "/m/1"]\n')
    with pytest.raises(UsageError, match=r"boxes.rows: is not a box"):
        build(tmp_path, path)


def test_the_guard_compares_its_images(tmp_path, registered, published):
    path = tmp_path / "boxes.rows"
    path.write_text("".join(map(to_line, published)))
    manifest = read_manifest(build(tmp_path, path), ("annotations",))
    assert covered_kinds(manifest)["open_images"] == ("images", "boxes")
