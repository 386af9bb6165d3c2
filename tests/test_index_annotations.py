"""`python -m pipelines.index_annotations`: what it prints, and how it refuses."""

import json
import pathlib
import subprocess
import sys

import pytest

from pipelines.index_annotations import main
from transforms.core.annotations.index import AnnotationIndex
from transforms.core.errors import UsageError

ROOT = pathlib.Path(__file__).parents[1]
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
    (folder,) = (tmp_path / "indexes").iterdir()
    assert [line.split() for line in printed[:5]] == [
        ["boxes", "3", "files", "120", "rows", "9", "images"],
        ["classes", "1", "files", "0", "rows", "0", "classes"],
        ["hierarchy", "1", "files", "647", "rows", "77", "classes"],
        ["images", "3", "files", "121", "rows", "121", "images"],
        ["labels", "2", "files", "120", "rows", "8", "images"],
    ]
    assert printed[5:] == ["vocabulary 681 classes (published)", f"built {folder}"]
    assert len(AnnotationIndex.open(str(folder)).classes) == 681
    main(arguments)
    assert capsys.readouterr().out.splitlines() == [*printed[:-1], f"found {folder}"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--boxes", "nowhere.csv"], "there is no file 'nowhere.csv'"),
        (["--boxes", "nowhere*.csv"], "no file matches 'nowhere*.csv'"),
        (["--boxes", f"{HERE}/v3/train/images.csv"], "is not the header of a file of boxes"),
        (["--labels", f"{HERE}/v1/dict.csv"], "is not the header of a file of labels"),
        (["--images", f"{HERE}/v3/train/annotations-human.csv"], "header of an image list"),
        (["--classes", f"{HERE}/v3/train/images.csv"], "expected a class id and a name"),
        (["--coco-instances", f"{HERE}/classes/bbox_labels_600_hierarchy.json"], "instances"),
        (["--hierarchy", f"{HERE}/v1/dict.csv"], "is not a class hierarchy"),
        (["--boxs", "x.csv"], "--boxes"),
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
    assert result.stderr.strip() == (
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
