"""The main job's guard: runs that are held back, and how they are released."""

import csv
import json

import pytest

from pipelines.build.job import main
from tests import build_helpers as helpers

OPEN_IMAGES = helpers.ROOT / "samples" / "open_images"
BOXES = {split: OPEN_IMAGES / split / "annotations-human-bbox.csv"
         for split in ("train", "validation")}  # fmt: skip
LABELS = {split: OPEN_IMAGES / split / "annotations-human.csv" for split in BOXES}


def guarded(output, shards, *more):
    return helpers.arguments(output, shards, "--guard", *more)


def build(*command):
    """Runs the job with its guard in this process; returns the exit code."""
    return main(guarded(*command))


def images_in(path):
    with path.open() as file:
        return {row["ImageID"] for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    """Narratives over images of the train split alone, in two shards."""
    images = images_in(BOXES["train"]) - images_in(BOXES["validation"])
    lines = [
        line
        for shard in helpers.GENERATED
        for line in helpers.lines_of(shard)
        if json.loads(line)["image_id"] in images
    ]
    assert len(lines) >= 10
    folder = tmp_path_factory.mktemp("train")
    half = len(lines) // 2
    return [
        helpers.write_lines(folder / "a.jsonl", lines[:half]),
        helpers.write_lines(folder / "b.jsonl", lines[half:]),
    ]


def assert_held_back(output, capsys):
    """The version is complete but not current; returns its folder and what was said."""
    error = capsys.readouterr().err
    current = helpers.version_of(output) if (output / "CURRENT").exists() else None
    (version,) = [path for path in (output / "versions").iterdir() if path != current]
    helpers.assert_whole(version)
    assert f"version {version.name} is complete but held back, not current" in error
    assert "--no-guard" in error
    return version, error


def test_boxes_of_another_split_hold_the_run_back_until_it_is_released(train, tmp_path, capsys):
    command = [tmp_path, train, "--boxes", BOXES["validation"]]
    assert build(*command) == 3
    version, error = assert_held_back(tmp_path, capsys)
    total = sum(len(helpers.lines_of(path)) for path in train)
    assert f"0 of {total} narratives of generated train have their image in the box files" in error
    assert not (tmp_path / "CURRENT").exists()
    manifest = json.loads((version / "manifest.json").read_text())
    failed = [row for row in manifest["checks"] if not row["passed"]]
    assert "boxes_joined" in {row["name"] for row in failed}
    assert all(row.keys() >= {"name", "value", "limit", "passed", "option"} for row in failed)
    assert "✗ beyond" in (version / "report.html").read_text()
    before = helpers.files_below(version)
    assert build(*command) == 3  # again the same, and nothing is made again
    assert "0 units pending" in capsys.readouterr().out
    assert helpers.files_below(version) == before and not (tmp_path / "CURRENT").exists()
    assert build(*command, "--no-guard") == 0
    printed = capsys.readouterr().out
    assert "0 units pending" in printed and "BEYOND" in printed
    assert helpers.version_of(tmp_path) == version
    assert build(*command) == 3  # what is current is not called good without the option
    assert f"version {version.name} stays current" in capsys.readouterr().err
    assert build(*command, "--min-joined-share", 0, "--min-boxed-share", 0) == 0


def test_the_right_boxes_and_labels_pass(train, tmp_path, capsys):
    machine = OPEN_IMAGES / "train" / "annotations-machine.csv"
    more = ["--boxes", BOXES["train"], "--labels", LABELS["train"], machine]
    assert build(tmp_path, train, *more) == 0
    checks = helpers.manifest_of(tmp_path)["checks"]
    values = {row["name"]: row["value"] for row in checks}
    assert values["boxes_joined"] == 1 and values["labels_joined"] > 0.5
    assert values["mentions_with_box"] > 0.5
    assert "boxes joined 100.0 % of" in " ".join(capsys.readouterr().out.split())


def test_labels_of_another_split_hold_the_run_back(train, tmp_path, capsys):
    only_others = tmp_path / "labels.csv"
    with LABELS["validation"].open() as file:
        rows = list(csv.reader(file))
    images = images_in(BOXES["train"])
    with only_others.open("w") as file:
        csv.writer(file).writerows(row for row in rows if row[0] not in images)
    more = ["--boxes", BOXES["train"], "--labels", only_others]
    assert build(tmp_path / "out", train, *more) == 3
    _, error = assert_held_back(tmp_path / "out", capsys)
    assert "in the label files (--labels)" in error and "box files" not in error


def test_fewer_shards_into_the_same_output_hold_the_run_back(train, tmp_path, capsys):
    assert build(tmp_path, train) == 0
    whole = helpers.version_of(tmp_path)
    capsys.readouterr()
    assert build(tmp_path, train[:1]) == 3
    version, error = assert_held_back(tmp_path, capsys)
    assert helpers.version_of(tmp_path) == whole
    assert "the number of narratives" in error and "--max-shrink-share" in error
    assert build(tmp_path, train[:1], "--max-shrink-share", 0.6) == 0
    assert "0 units pending; 1 more is finished already." in capsys.readouterr().out
    assert helpers.version_of(tmp_path) == version
    # it has become the version to compare with, so a scheduled run goes on
    assert build(tmp_path, train[:1]) == 0


def test_another_dataset_id_holds_the_run_back(train, tmp_path, capsys):
    more = ["--dataset", "coco", "--split", "train"]
    code = main([*guarded(tmp_path, [helpers.REAL], *more), "--summary", "json"])
    made = json.loads(capsys.readouterr().out)
    assert code == made["exit_code"] == 3 and made["status"] == "held_back"
    (check,) = [row for row in made["checks"] if not row["passed"]]
    assert (check["name"], check["count"], check["total"]) == ("dataset_id_differs", 22, 22)
    assert made["version"] in made["message"]
    assert main([*guarded(tmp_path, [helpers.REAL], *more), "--max-differing-share",
                 "1"]) == 0  # fmt: skip


def test_a_first_run_without_annotations_passes(tmp_path):
    assert build(tmp_path, helpers.SHARDS) == 0
    assert all(row["passed"] for row in helpers.manifest_of(tmp_path)["checks"])
