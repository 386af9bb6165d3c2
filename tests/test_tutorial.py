"""The notebook docs/tutorial.md: every cell runs, and what they find is what the tables hold."""

import base64
import collections
import io
import json
import os
import pathlib
import sys

import jupytext
import nbclient
import nbformat
import PIL.Image
import pyarrow.parquet as pq
import pytest

from tests import build_helpers as helpers

pytestmark = pytest.mark.long

PAGE = helpers.ROOT / "docs" / "tutorial.md"
ASKED = """import json
print(json.dumps({
    "out": str(out),
    "rows": len(narratives),
    "words": words.text.tolist(),
    "people": person_boxes.drop(columns="text").values.tolist(),
    "histogram": density.tolist(),
    "inside": float(inside_share),
    "trace": sample["trace"].tolist(),
    "said": sample["words"],
    "duration": float(sample["duration"]),
}))"""
"""A last cell, which hands over what the others have found."""


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The notebook after its run, with `ASKED` as its last cell."""
    notebook = jupytext.read(PAGE)
    notebook.cells.append(nbformat.v4.new_code_cell(ASKED))
    folder = tmp_path_factory.mktemp("tutorial")
    bin_folder = pathlib.Path(sys.executable).parent
    environment = {
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(helpers.ROOT),
        "TMPDIR": str(folder),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    client = nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3")
    client.execute(cwd=str(folder), env={**os.environ, **environment})
    return notebook


@pytest.fixture(scope="module")
def found(executed):
    return json.loads(executed.cells[-1].outputs[0]["text"])


@pytest.fixture(scope="module")
def tables(found):
    """Rows of the tables by name, read without pandas."""
    folder = helpers.version_of(pathlib.Path(found["out"]))
    names = ("narratives", "mentions", "localization", "localization_histogram")
    return {name: pq.read_table(folder / name).to_pylist() for name in names}


def narrative_of(tables, image_id):
    (row,) = (row for row in tables["narratives"] if row["image_id"] == image_id)
    return row


def pictures_of(notebook):
    """The figures that the cells show."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = [output.data for output in outputs if output.output_type == "display_data"]
    return [PIL.Image.open(io.BytesIO(base64.b64decode(data["image/png"]))) for data in shown]


def test_it_draws_a_narrative_a_mention_and_fig_4(executed):
    pictures = pictures_of(executed)
    assert len(pictures) == 3
    assert all(min(picture.size) > 200 for picture in pictures)
    assert all(len(picture.convert("RGB").getcolors(1 << 24)) > 50 for picture in pictures)


def test_it_reads_all_narratives_and_the_words_of_one(found, tables):
    assert found["rows"] == len(tables["narratives"])
    assert found["words"] == [word["text"] for word in narrative_of(tables, "5d24e4ea_0")["words"]]


def test_mentions_of_a_person_have_their_closest_box(found, tables):
    boxes = {row["narrative_id"]: row["boxes"] for row in tables["narratives"]}
    expected = []
    for row in tables["mentions"]:
        if row["name"] == "Person" and row["box_index"] is not None:
            box = boxes[row["narrative_id"]][row["box_index"]]
            assert box["class_id"] == row["class_id"]
            sides = [box[side] for side in ("x_min", "y_min", "x_max", "y_max")]
            expected.append([row["narrative_id"], row["points"], row["points_inside"], *sides])
    assert found["people"] == expected and len(expected) > 9


def test_fig_4_has_every_point_once(found, tables):
    bins = collections.Counter()
    for row in tables["localization_histogram"]:
        bins[row["bin_y"], row["bin_x"]] += row["points"]
    drawn = {
        (y, x): points
        for y, line in enumerate(found["histogram"])
        for x, points in enumerate(line)
        if points
    }
    assert drawn == bins
    classes = tables["localization"]
    points, inside = (sum(row[name] for row in classes) for name in ("points", "points_inside"))
    assert sum(bins.values()) == points - sum(row["overflow"] for row in classes)
    assert found["inside"] == inside / points


def test_the_controlled_captioning_sample_is_the_trace_in_boxes_of_04_seconds(found, tables):
    narrative = narrative_of(tables, "5d24e4ea_0")
    trace = narrative["trace"]
    first = trace["t"][0]
    pieces = collections.defaultdict(list)
    for x, y, t in zip(trace["x"], trace["y"], trace["t"], strict=True):
        pieces[int((t - first) / 0.4)].append((min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)))
    expected = []
    for _, points in sorted(pieces.items()):
        (left, right), (top, bottom) = (
            (min(side), max(side)) for side in zip(*points, strict=True)
        )
        expected.append([left, top, right, bottom, (right - left) * (bottom - top)])
    assert len(found["trace"]) == len(expected) > 9
    for box, other in zip(found["trace"], expected, strict=True):
        assert box == pytest.approx(other)
    assert found["duration"] == pytest.approx(trace["t"][-1] - first)
    said = [word for words in found["said"] for word in words]
    assert said == [word["text"] for word in narrative["words"]]
