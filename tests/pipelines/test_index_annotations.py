"""`python -m pipelines.index_annotations`: what it prints, and how it refuses."""

import json
import pathlib
import subprocess
import sys

import pytest

from pipelines.index_annotations import main
from transforms.core.base.errors import UsageError
from transforms.core.sources.annotations.lookup import KIND, AnnotationIndex
from transforms.core.sources.index.manifest import read_manifest

ROOT = pathlib.Path(__file__).parents[2]
HERE = ROOT / "tests/data/open_images"
COCO = {"images": [{"id": 1, "width": 4, "height": 4}], "annotations": [], "categories": []}


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "pipelines.index_annotations", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_was_indexed_is_printed(tmp_path, capsys):
    coco = tmp_path / "instances_val2017.json"
    coco.write_text(json.dumps(COCO))
    arguments = [
        *("--boxes", f"{HERE}/v3/*/annotations-human-bbox.csv", str(coco)),
        *("--labels", f"{HERE}/v3/train/annotations-human.csv"),
        *("--labels", f"{HERE}/v3/train/annotations-machine.csv"),
        *("--images", f"{HERE}/v3/*/images.csv"),
        *("--hierarchy", f"{HERE}/classes/bbox_labels_600_hierarchy.json"),
        *("--output", str(tmp_path / "indexes")),
    ]
    main(arguments)
    printed = capsys.readouterr().out.splitlines()
    (folder,) = (tmp_path / "indexes").glob("annotations-*")
    assert [line.split() for line in printed[:5]] == [
        ["boxes", "3", "files", "120", "rows", "9", "images"],
        ["classes", "1", "file", "0", "rows", "0", "classes"],
        ["hierarchy", "1", "file", "647", "rows", "77", "classes"],
        ["images", "3", "files", "121", "rows", "121", "images"],
        ["labels", "2", "files", "120", "rows", "8", "images"],
    ]
    assert printed[5:] == ["vocabulary 681 classes (published)", f"built {folder}"]
    assert len(AnnotationIndex.open(str(folder)).classes) == 681
    main(arguments)
    assert capsys.readouterr().out.splitlines() == [*printed[:-1], f"found {folder}"]


def test_what_no_run_will_use_is_warned_of(tmp_path, capsys):
    """The warnings stay with the index, and reach each run from there."""
    classes, boxes = tmp_path / "classes.csv", tmp_path / "boxes.csv"
    classes.write_text("/m/1,Dog\n/m/1,Hound\n/m/2,!\n")
    header = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax\n"
    boxes.write_text(header + "a,s,/m/1,1,0,1,0,1\nb,s,/m/1,1,0.5,0.2,0,1\nc,s,/m/1,1,0,1e15,0,1\n")
    main(["--classes", str(classes), "--boxes", str(boxes), "--output", str(tmp_path / "indexes")])
    started, *told = capsys.readouterr().err.splitlines()
    assert started == "Building the index of annotations from 2 files (0.1 kB), once."
    assert [line.partition(": ")[0] for line in told] == ["warning"] * 4
    assert [line.split("; it is ")[1] for line in told] == [
        "of image b", "of image c", "/m/1, `Hound`", "/m/2, `!`",
    ]  # fmt: skip
    (folder,) = (tmp_path / "indexes").glob("annotations-*")
    assert [f"warning: {line}" for line in read_manifest(str(folder), (KIND,)).warnings] == told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--boxes", "nowhere.csv"], "there is no file 'nowhere.csv'"),
        (["--boxes", "nowhere*.csv"], "no file matches 'nowhere*.csv'"),
        (
            ["--boxes", f"{HERE}/v3/train/images.csv"],
            "this is an image list, not a file of boxes: give",
        ),
        (["--labels", f"{HERE}/v1/dict.csv"], "this is a file of class names, not a file of"),
        (
            ["--images", f"{HERE}/v3/train/annotations-human.csv"],
            "labels, not an image list: give it",
        ),
        (["--classes", f"{HERE}/v3/train/images.csv"], "image list, not a file of class names"),
        (["--coco-instances", f"{HERE}/classes/bbox_labels_600_hierarchy.json"], "instances"),
        (
            ["--hierarchy", f"{HERE}/v1/dict.csv"],
            "a file of class names, not a class hierarchy: give",
        ),
        (["--boxs", "x.csv"], "--boxes"),
        (
            [],
            "there is nothing to index: give files with at least one of --boxes, --labels, "
            "--images, --classes, --coco-instances, --hierarchy",
        ),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, arguments, said):
    with pytest.raises(UsageError) as error:
        main([*arguments, "--output", str(tmp_path)])
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_exit_code_and_no_traceback(tmp_path):
    bad = tmp_path / "boxes.csv"
    bad.write_text("ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax\na,s,/m/1,1,0,1,0\n")
    result = run("--boxes", bad, "--output", tmp_path / "out")
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1] == (
        f"error: {bad}, line 2: 7 values for 8 columns; correct or remove the line"
    )


def test_output_must_be_given():
    result = run("--boxes", f"{HERE}/v3/train/annotations-human-bbox.csv")
    assert (result.returncode, "--output" in result.stderr) == (2, True)
    assert "Traceback" not in result.stderr


def test_help():
    result = run("--help")
    assert result.returncode == 0
    assert all(f"--{name}" in result.stdout for name in ("boxes", "coco-instances", "hierarchy"))
