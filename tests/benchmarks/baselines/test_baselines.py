"""The baselines as oracles: each finds every row and field of the main job's tables."""

import ast
import dataclasses
import json
import math
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.baselines import common
from benchmarks.baselines.by_hand import by_hand
from benchmarks.baselines.libraries import with_libraries
from tests import build_helpers as helpers

IMAGES = helpers.ROOT / "samples" / "open_images"
ANNOTATIONS = common.Annotations(
    boxes=sorted(IMAGES.glob("*/annotations-human-bbox.csv")),
    labels=[
        *sorted(IMAGES.glob("*/annotations-human.csv")),
        *sorted(IMAGES.glob("*/annotations-machine.csv")),
    ],
    images=sorted(IMAGES.glob("*/images.csv")),
)
CLASSES = [
    IMAGES / "class-descriptions-boxable.csv",
    helpers.ROOT / "transforms" / "core" / "data" / "coco-classes.csv",
]
SHARDS = [*helpers.GENERATED, helpers.REAL]

UNBOXED = ("/m/0jbk", "/m/01g317", "/m/07yv9", "/m/02wbm", "/m/0k4j")
"""Classes with mentions in images of the sample that have no box of them."""

ODD = [
    {"traces": None},
    {"traces": []},
    {"traces": [[], []]},
    {"caption": ""},
    {"caption": " … — !"},
    {"timed_caption": []},
    {"timed_caption": [], "traces": []},
    {"timed_caption": [{"utterance": "?", "start_time": 1, "end_time": 2}]},
    {"caption": "– A  Traffic\tlight, a CAFÉ ™ « dog's » ﬁsh … and the person .  ( car"},
    {"dataset_id": "mscoco_val2017"},
    {
        "dataset_id": "mscoco_val2017",
        "caption": "A man on a teddy  bear, a bear and traffic lights",
    },
    {"dataset_id": "ADE20k", "voice_recording": "ade20k_train/ade20k_train_00000175_4.ogg"},
    {"dataset_id": "Flickr30k_test", "voice_recording": "flickr30k_test/a_61209225_3.ogg"},
    {"dataset_id": "open_images_train_v6"},
    {"dataset_id": "Somewhere else"},
]
"""What is changed in lines of the sample, as odd as lines in the published form get."""


def altered_lines():
    """Lines whose transcription differs from the caption, and odd ones."""
    lines = helpers.lines_of(helpers.GENERATED[0])
    draw = random.Random(5)
    for line in lines[:12]:
        yield misheard(json.loads(line), draw)
    for line, change in zip(lines, ODD, strict=False):
        yield json.loads(line) | change
    inverted = json.loads(lines[0])
    said = [("a traffic", 5, 6), ("light", 2, 3)]
    keys = ("utterance", "start_time", "end_time")
    inverted["timed_caption"] = [dict(zip(keys, piece, strict=True)) for piece in said]
    yield inverted | {"caption": "a traffic light"}
    disordered = json.loads(lines[0])
    disordered["traces"][0].reverse()
    disordered["timed_caption"].reverse()
    disordered["timed_caption"][1]["start_time"] += 100
    yield from (disordered, disordered)


def misheard(record, draw):
    """A record with words dropped, repeated, misheard, moved and joined in its transcription."""
    heard = []
    for utterance in record["timed_caption"]:
        text = utterance["utterance"]
        how = draw.choice(["same", "same", "drop", "repeat", "mishear", "join", "move"])
        if how == "mishear":
            text = draw.choice([text[1:], text.upper() + "s", text[::-1], "er"])
        if how == "join" and heard:
            heard[-1]["utterance"] += " " + text
        elif how != "drop":
            heard += [utterance | {"utterance": text}] * (1 + (how == "repeat"))
        if how == "move":
            utterance["end_time"] += 3
    return record | {"timed_caption": heard}


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """The sample's shards and one of altered lines."""
    path = tmp_path_factory.mktemp("altered") / "altered.jsonl"
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in altered_lines()]
    return [*SHARDS, helpers.write_lines(path, [line.encode() for line in lines])]


@pytest.fixture(scope="module")
def annotations(tmp_path_factory):
    """The sample's annotations and a file of boxes that have no width, or stand twice."""
    header = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsGroupOf"
    boxes = [row.split(",") for row in ANNOTATIONS.boxes[0].read_text().splitlines()[1:]]
    flat = [
        f"{image},xclick,{class_id},1,0.4,0.4,0.1,0.9,0,-1"
        for image in sorted({row[0] for row in boxes})
        for class_id in UNBOXED
    ]
    twice = [",".join([*row[:8], "1", "0"]) for row in boxes]
    path = tmp_path_factory.mktemp("boxes") / "more.csv"
    path.write_text("\n".join([header, *flat, *twice]))
    # the job takes files in the order of their paths, wherever this repository and `path` are
    boxes = sorted([path, *ANNOTATIONS.boxes], key=str)
    return dataclasses.replace(ANNOTATIONS, boxes=boxes)


@pytest.fixture(scope="module")
def ours(shards, annotations, tmp_path_factory):
    """The folder of the version that the main job makes."""
    output = tmp_path_factory.mktemp("ours")
    flags = [
        flag
        for kind, paths in vars(annotations).items()
        for flag in (f"--{kind}", *map(str, paths))
    ]
    assert helpers.build(output, shards, *flags) == 0
    return helpers.version_of(output)


@pytest.fixture(
    scope="module",
    params=[pytest.param(by_hand, marks=pytest.mark.long), with_libraries],
    ids=lambda baseline: baseline.__name__,
)
def theirs(request, shards, annotations, tmp_path_factory):
    """The folder of a baseline's tables."""
    output = tmp_path_factory.mktemp("theirs")
    request.param.build(shards, annotations, CLASSES, output)
    return output


def test_a_baseline_finds_what_the_main_job_finds(ours, theirs):
    assert common.differences(ours, theirs) == []


@pytest.mark.long
def test_a_baseline_without_annotations(shards, tmp_path_factory):
    ours, by_loops, by_columns = (tmp_path_factory.mktemp(name) for name in "abc")
    assert helpers.build(ours, shards[:1]) == 0
    for baseline, output in ((by_hand, by_loops), (with_libraries, by_columns)):
        baseline.build(shards[:1], common.Annotations(), CLASSES, output)
        assert common.differences(helpers.version_of(ours), output) == []


def test_there_is_something_to_compare(ours):
    tables = {name: common.read_table(ours, name) for name in common.TABLES}
    assert sum(bool(row["distance"]) for row in tables["narratives"]) > 10
    assert {flag for row in tables["narratives"] for flag in row["flags"]} > {
        "no_transcript", "no_caption", "no_trace", "times_out_of_order", "outside_image",
        "inverted_word", "inverted_mention", "annotations_of_other_dataset",
    }  # fmt: skip
    assert {row["dataset"] for row in tables["narratives"]} > {"coco", "flickr30k", "ade20k"}
    assert {row["boxes_status"] for row in tables["narratives"]} >= {"boxed", "unknown"}
    assert any(word["crosses_gap"] for row in tables["narratives"] for word in row["words"])
    assert sum(row["box_index"] is not None for row in tables["mentions"]) > 150
    assert sum(row["without_trace"] for row in tables["localization"]) > 0
    assert sum(row["overflow"] for row in tables["localization"]) > 0
    assert len(tables["localization_histogram"]) > 1000


def nudge(row, column):
    """Moves a float by the least that there is."""
    row[column] = math.nextafter(row[column], math.inf)


PLANTED = {
    "narratives": (lambda row: nudge(row["words"][1], "end_time"), ".words[1].end_time"),
    "mentions": (lambda row: row.update(box_index=None), ".box_index"),
    "localization": (lambda row: row.update(overflow=row["overflow"] + 1), ".overflow"),
    "localization_histogram": (lambda row: row.update(points=row["points"] + 1), ".points"),
    "richness": (lambda row: nudge(row, "trace_points_sum"), ".trace_points_sum"),
}
"""For each table a change of one row, and the place at which it shows."""


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """The folder of a baseline's tables of a few narratives."""
    folder = tmp_path_factory.mktemp("few")
    shard = helpers.write_lines(folder / "few.jsonl", helpers.lines_of(SHARDS[0])[:6])
    with_libraries.build([shard], ANNOTATIONS, CLASSES, folder)
    return folder


@pytest.fixture(scope="module")
def tables(few):
    return {name: common.read_table(few, name) for name in common.TABLES}


def write(tables, folder):
    for name, rows in tables.items():
        table = pa.Table.from_pylist(rows, schema=common.TABLES[name])
        pq.write_table(table, folder / f"{name}.parquet")


def first_boxed(rows):
    return next((row for row in rows if row.get("box_index") is not None), rows[0])


@pytest.mark.parametrize("name", PLANTED)
def test_the_comparison_notices_a_planted_difference(name, few, tables, tmp_path):
    change, place = PLANTED[name]
    rows = [json.loads(json.dumps(row)) for row in tables[name]]
    changed = first_boxed(rows)
    change(changed)
    write(tables | {name: rows}, tmp_path)
    (found,) = common.differences(few, tmp_path)
    assert found.startswith(f"{name}[{rows.index(changed)}]{place}: expected ")


@pytest.mark.parametrize("name", common.TABLES)
def test_the_comparison_notices_a_missing_row(name, few, tables, tmp_path):
    write(tables | {name: tables[name][:-1]}, tmp_path)
    count = len(tables[name])
    assert common.differences(few, tmp_path) == [
        f"{name}: expected {count} items, found {count - 1}"
    ]


def test_only_sums_of_floats_may_differ_by_rounding(few, tables, tmp_path):
    rows = [dict(row) for row in tables["mentions"]]
    outside = max(rows, key=lambda row: row["mean_distance"] or 0)
    outside["mean_distance"] *= 1 + 1e-13
    write(tables | {"mentions": rows}, tmp_path)
    assert common.differences(few, tmp_path) == []
    outside["mean_distance"] *= 1 + 1e-11
    write({"mentions": rows}, tmp_path)
    assert len(common.differences(few, tmp_path)) == 1


def imported(path):
    """Modules that a file imports, wherever the import stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


OURS = ("transforms", "pipelines", "tests")
BASELINES = sorted((helpers.ROOT / "benchmarks" / "baselines").rglob("*.py"))


@pytest.mark.parametrize("path", BASELINES, ids=lambda path: path.stem)
def test_a_baseline_owes_nothing_to_what_it_is_compared_with(path):
    assert [name for name in imported(path) if name.split(".")[0] in OURS] == []
