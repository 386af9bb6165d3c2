"""What a run would do: which units, why each, and nothing changed by asking."""

import json
import pathlib
import shutil
from dataclasses import replace

import pytest

from pipelines.build.options import BuildOptions
from pipelines.runs import dry_run
from tests import build_helpers as helpers
from tests.build_helpers import build
from transforms.core.base import versions

UNIT_BYTES = 100_000
BOXES = helpers.ROOT / "samples/open_images/train/annotations-human-bbox.csv"


@pytest.fixture
def shards(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    return [pathlib.Path(shutil.copy(path, folder)) for path in helpers.GENERATED]


@pytest.fixture
def output(tmp_path, shards, capsys):
    """A version of the shards."""
    assert run(tmp_path / "out", shards) == 0
    capsys.readouterr()
    return tmp_path / "out"


def run(output, shards, *more):
    return build(output, shards, "--unit-bytes", UNIT_BYTES, *more)


def foretold(capsys, output, shards, *more, code=0):
    """What a dry run prints as JSON, having changed nothing."""
    before = helpers.files_below(output.parent)
    capsys.readouterr()
    assert run(output, shards, "--dry-run", "--summary", "json", *more) == code
    assert helpers.files_below(output.parent) == before
    return json.loads(capsys.readouterr().out)


def reasons_of(found):
    """Reasons by shard."""
    return {(unit["shard"], *unit["reasons"]) for unit in found["units"]}


def test_an_output_that_is_not_there_is_not_made(tmp_path, shards, capsys):
    found = foretold(capsys, tmp_path / "out", shards)
    assert found["current"] is None and found["seconds"] is None and found["reused"] == 0
    assert reasons_of(found) == {(shard.name, "new shard") for shard in shards}
    assert sum(unit["end"] - unit["start"] for unit in found["units"]) == found["bytes"]
    assert found["bytes"] == sum(shard.stat().st_size for shard in shards)
    assert run(tmp_path / "out", shards) == 0
    assert helpers.version_of(tmp_path / "out").name == found["version"]
    made = [unit["key"] for unit in helpers.manifest_of(tmp_path / "out")["units"]]
    assert sorted(made) == sorted(unit["unit"] for unit in found["units"])


def test_new_and_changed_shards_are_told_from_those_that_are_reused(output, shards, capsys):
    helpers.write_lines(shards[1], helpers.lines_of(shards[1])[:-1])
    found = foretold(capsys, output, [*shards, helpers.ODD_AND_BAD])
    assert reasons_of(found) == {
        (shards[1].name, "changed input"), (helpers.ODD_AND_BAD.name, "new shard"),
    }  # fmt: skip
    names = {unit["shard"] for unit in helpers.manifest_of(output)["units"]}
    assert names == {shard.name for shard in shards} and found["reused"] == 7
    assert found["seconds"] > 0 and found["current"] == helpers.version_of(output).name


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (["--min-words", 3], "changed --min-words: null, now 3"),
        (["--tagger", "en_ud_pos"], 'changed --tagger: "none", now "en_ud_pos"'),
        (["--boxes", BOXES], "changed annotations: none before"),
        (["--dataset", "coco"], "changed dataset or split"),
    ],
)  # fmt: skip
def test_an_option_that_changed_is_named(output, shards, capsys, more, reason):
    plain = shutil.copy(shards[0], shards[0].parent / "plain.jsonl")
    assert run(output, [plain]) == 0
    found = foretold(capsys, output, [plain], *more)
    assert all(reason in unit["reasons"] for unit in found["units"]) and found["units"]
    assert found["first"] == (
        ["The index of annotations would be built first."] if "--boxes" in more else []
    )


def test_a_changed_annotation_file_is_named(output, shards, capsys, tmp_path):
    boxes = tmp_path / "boxes.csv"
    shutil.copy(BOXES, boxes)
    assert run(output, shards, "--boxes", boxes) == 0
    boxes.write_text("".join(boxes.read_text().splitlines(keepends=True)[:-1]))
    found = foretold(capsys, output, shards, "--boxes", boxes)
    assert {reason for _, reason in reasons_of(found)} == {"changed annotations: boxes.csv"}
    assert found["version"] is None and found["pending"] == 17


def test_changed_code_and_packages_are_named(output, shards, capsys, monkeypatch):
    real = versions.package_versions()
    monkeypatch.setattr("pipelines.build.planning.code_version", lambda makers: "other")
    monkeypatch.setattr(
        "pipelines.build.planning.package_versions", lambda: real | {"numpy": "0.1"}
    )
    (_, *reasons), *_ = reasons_of(foretold(capsys, output, shards))
    assert reasons == ["changed code", f"changed package numpy: {real['numpy']}, now 0.1"]


def test_units_that_are_gone_are_not_finished_and_corrupt_ones_stay(output, shards, capsys):
    lost, *_ = sorted((output / "units").iterdir())
    shutil.rmtree(lost)
    helpers.flip_bit(next(helpers.version_of(output).glob("narratives/*")), 999)
    found = foretold(capsys, output, shards, "--verify-output")
    assert [(unit["unit"], unit["reasons"]) for unit in found["units"]] == [
        (lost.name, ["not finished yet"])
    ]


def test_units_with_repaired_lines_say_so(output, shards, capsys, monkeypatch):
    place = (0, "key of a repair")
    real = dry_run._why
    monkeypatch.setattr(
        dry_run, "_why", lambda unit, *more: real(replace(unit, repairs=(place,)), *more)
    )
    shutil.rmtree(min((output / "units").iterdir()))
    (unit,) = foretold(capsys, output, shards)["units"]
    assert unit["reasons"] == ["repaired lines"]


def test_a_threshold_that_is_not_calibrated_is_said(output, shards, capsys):
    more = ["--discard-share", "0.5"]
    found = foretold(capsys, output, shards, *more)
    assert found["first"] == ["The threshold of D would be calibrated first, by a pass over all."]
    assert found["reused"] == 0
    assert run(output, shards, *more) == 0
    assert foretold(capsys, output, shards, *more)["status"] == "nothing_to_do"


def test_people_are_told_the_same_in_sentences(output, shards, capsys):
    assert run(output, [*shards, helpers.ODD_AND_BAD], "--dry-run") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "2 units to do, 0.1 MB; 17 finished and reused."
    assert lines[1:4] == [
        "  new shard: 2 units",
        "    odd_and_bad.jsonl, bytes 0 to 100,000",
        "    odd_and_bad.jsonl, bytes 100,000 to 148,508",
    ]
    assert lines[4].startswith("About ") and lines[4].endswith(" s, at the rate of the last run.")
    assert lines[5].endswith(f"take the place of {helpers.version_of(output).name}. "
                             "Nothing was done (--dry-run).")  # fmt: skip


def test_nothing_to_do_has_an_exit_code_of_its_own_where_it_is_asked_for(output, shards, capsys):
    assert run(output, shards) == 0
    assert run(output, shards, "--if-changed") == 5
    assert foretold(capsys, output, shards)["status"] == "nothing_to_do"
    foretold(capsys, output, shards, "--if-changed", code=5)
    helpers.touch_later(shards[0])
    foretold(capsys, output, shards, "--if-changed", code=5)
    helpers.write_lines(shards[1], helpers.lines_of(shards[1])[:-1])
    foretold(capsys, output, shards, "--if-changed")
    assert run(output, shards, "--if-changed") == 0


def test_options_of_quality_mentions_and_work_are_compared():
    names = list(BuildOptions.model_fields)
    changing = names[names.index("max_distance") : names.index("allow_partial")]
    others = {"sample", "transcripts", "annotations_for", "unit_bytes"}
    assert {*changing, *others} == {*BuildOptions.results}
