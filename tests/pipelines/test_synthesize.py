"""The command `python -m pipelines.synthesize`."""

import pathlib
import subprocess
import sys

import pytest

from pipelines import synthesize
from transforms.core.base.errors import UsageError

ROOT = pathlib.Path(__file__).parents[2]
TRAIN = ROOT / "samples" / "open_images" / "train"


def run(*arguments):
    command = [sys.executable, "-m", "pipelines.synthesize", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.long
def test_workers_do_not_change_a_byte(tmp_path, capsys):
    arguments = ["--shards", "3", "--narratives", "12", "--seed", "5"]
    assert synthesize.main(["--output", str(tmp_path / "one"), *arguments]) == 0
    assert "12 generated narratives of 97 images in 3 shards: " in capsys.readouterr().out
    two = run("--output", tmp_path / "two", *arguments, "--workers", 2)
    assert two.returncode == 0, two.stderr
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert len(contents(tmp_path / "one")) == 12


def test_own_images_go_without_the_boxes_of_the_sample(tmp_path):
    images = str(TRAIN / "images.csv")
    options = synthesize.SynthesizeOptions(output=str(tmp_path), images=[images])
    scenes = synthesize.scene_files(options).read()
    assert len(scenes) == 33 and not any(scene.boxes for scene in scenes)
    options.boxes = [str(TRAIN / "annotations-human-bbox.csv")]
    scenes = synthesize.scene_files(options).read()
    assert sum(bool(scene.boxes) for scene in scenes) == 30


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--images", "nowhere/images.csv"], "nowhere/images.csv"),
        (["--boxes", TRAIN / "images.csv"], "images.csv.*XMin"),
        (["--labels", TRAIN / "*.nothing"], "no file matches"),
        (["--shards", "0"], "`--shards`"),
        (["--narratives", "-1"], "`--narratives`"),
        (["--seed", "many"], "`--seed`"),
        (["--seeds", "1"], "did you mean `--seed`"),
    ],
)
def test_wrong_use_is_one_clear_sentence(tmp_path, arguments, message):
    with pytest.raises(UsageError, match=message) as error:
        synthesize.main(["--output", str(tmp_path / "out"), *map(str, arguments)])
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_wrong_use_exits_with_2_and_no_traceback(tmp_path):
    result = run("--output", tmp_path, "--boxes", "missing.csv")
    assert result.returncode == 2
    assert result.stderr.startswith("error: ") and "missing.csv" in result.stderr
    assert "Traceback" not in result.stderr


def test_output_must_be_named():
    with pytest.raises(UsageError, match="--output"):
        synthesize.main([])
