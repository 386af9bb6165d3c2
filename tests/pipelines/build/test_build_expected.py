"""The main job over input that is not what was published: exit code 3, and nothing is published."""

import gzip
import json
import pathlib

import pytest

from pipelines.build.job import main
from tests import build_helpers as helpers
from tests.build_helpers import build

CATALOG = """
groups:
  coco_validation:
    dataset: oops
    split: train
    narratives: 22
    files:
      - file: coco_val_localized_narratives.jsonl
  ovis_train:
    dataset: oops
    split: validation
    narratives: 6
    files:
      - file: ovis_train_localized_narratives-00000-of-00002.jsonl
      - file: ovis_train_localized_narratives-00001-of-00002.jsonl
"""
OFFICIAL = helpers.ROOT / "configs" / "catalog.yaml"


@pytest.fixture
def catalog(tmp_path):
    path = tmp_path / "catalog.yaml"
    path.write_text(CATALOG)
    return path


def shard_of(tmp_path, name, *numbers):
    return helpers.write_lines(tmp_path / "in" / name, helpers.lines_of(helpers.REAL, *numbers))


def ovis(tmp_path, position, *numbers):
    name = f"ovis_train_localized_narratives-0000{position}-of-00002.jsonl"
    return shard_of(tmp_path, name, *numbers)


def assert_nothing_published(output):
    assert not (output / "CURRENT").exists()
    assert not list(output.glob("versions/*"))


def test_22_lines_in_a_file_named_as_coco_validation(tmp_path, capsys):
    shard = shard_of(tmp_path, "coco_val_localized_narratives.jsonl")
    output = tmp_path / "out"
    assert build(output, [shard], "--catalog", OFFICIAL) == 3
    printed = capsys.readouterr()
    assert "expected 8,573, read 22, missing 8,551" in printed.err
    assert "--allow-partial" in printed.err and "holds" not in printed.out
    assert_nothing_published(output)


def test_a_split_that_is_partial_on_purpose_is_published_as_that(tmp_path, capsys):
    shard = shard_of(tmp_path, "coco_val_localized_narratives.jsonl")
    output = tmp_path / "out"
    more = ["--catalog", OFFICIAL]
    assert build(output, [shard], *more, "--allow-partial") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "coco_validation: expected 8,573, read 22, missing 8,551" in printed
    assert "PARTIAL" in printed and " holds" not in printed
    (row,) = helpers.manifest_of(output)["expected"]
    assert (row["expected"], row["read"], row["missing"], row["surplus"]) == (8573, 22, 8551, 0)
    report = (helpers.version_of(output) / "report.html").read_text()
    assert "8,551" in report and "✓ holds" not in report
    # without the option the same version stays, and is not called good
    assert build(output, [shard], *more) == 3
    error = capsys.readouterr().err
    assert "read 22" in error and f"version {helpers.version_of(output).name} stays" in error


def test_an_empty_file_is_none_of_what_was_published(tmp_path, capsys):
    shard = helpers.write_lines(tmp_path / "coco_val_localized_narratives.jsonl", [])
    assert build(tmp_path / "out", [shard], "--catalog", OFFICIAL) == 3
    assert "expected 8,573, read 0, missing 8,573" in capsys.readouterr().err
    assert_nothing_published(tmp_path / "out")


def test_one_shard_of_two_is_refused_before_the_work(tmp_path, catalog, capsys):
    shard, output = ovis(tmp_path, 0, 0, 1, 2), tmp_path / "out"
    assert build(output, [shard], "--catalog", catalog) == 3
    error = capsys.readouterr().err
    assert "ovis_train (6 narratives) lacks ovis_train_localized_narratives-00001" in error
    assert "--allow-partial" in error
    assert not output.exists()
    assert build(output, [shard], "--catalog", catalog, "--no-guard", "--allow-partial") == 0
    (row,) = helpers.manifest_of(output)["expected"]
    assert (row["read"], row["missing"], len(row["absent"])) == (3, 3, 1)


@pytest.mark.parametrize(("second", "code"), [((3, 4, 5), 0), ((3, 4), 3), ((3, 4, 5, 6), 3)])
def test_shards_count_together(tmp_path, catalog, capsys, second, code):
    shards = [ovis(tmp_path, 0, 0, 1, 2), ovis(tmp_path, 1, *second)]
    assert build(tmp_path / "out", shards, "--catalog", catalog) == code
    printed = capsys.readouterr()
    if code:
        wrong = {2: "expected 6, read 5, missing 1", 4: "expected 6, read 7, 1 too many"}
        assert wrong[len(second)] in printed.err
    else:
        assert "holds" in printed.out and "expected 6, read 6" in printed.out


def test_discarded_narratives_were_read_and_rejected_lines_were_not(tmp_path, catalog, capsys):
    lines = [*helpers.lines_of(helpers.REAL, *range(21)), b"{\n"]
    shard = helpers.write_lines(tmp_path / "coco_val_localized_narratives.jsonl", lines)
    more = ["--catalog", catalog, "--no-guard", "--min-words", 20]
    assert build(tmp_path / "out", [shard], *more) == 3
    assert (
        "expected 22, read 21, missing 1 (1 line was rejected)" in capsys.readouterr().err
    )  # nothing of what was discarded is missing


@pytest.mark.parametrize("numbers", [pytest.param(range(22), marks=pytest.mark.long), range(21)])
def test_compressed_copies_and_captions_count_too(tmp_path, catalog, capsys, numbers):
    lines = helpers.lines_of(helpers.REAL, *numbers)
    packed = tmp_path / "coco_val_localized_narratives.jsonl.gz"
    packed.write_bytes(gzip.compress(b"".join(lines)))
    records = map(json.loads, lines)
    names = ("dataset_id", "image_id", "annotator_id", "caption")
    captions = [json.dumps({key: record[key] for key in names}) + "\n" for record in records]
    plain = helpers.write_lines(
        tmp_path / "coco_val_captions.jsonl", [line.encode() for line in captions]
    )
    expected = 0 if len(numbers) == 22 else 3
    for shard in (packed, plain):
        output = tmp_path / shard.name.replace(".", "_")
        assert build(output, [shard], "--catalog", catalog) == expected
        printed = capsys.readouterr()
        assert f"expected 22, read {len(numbers)}" in printed.out + printed.err


def run_as_json(capsys, *command):
    code = main([*map(str, command), "--summary", "json"])
    printed = capsys.readouterr()
    return code, json.loads(printed.out), printed.err


def test_a_failure_says_what_was_rejected_and_where_it_is(tmp_path, capsys):
    output = tmp_path / "out"
    command = ["--output", output, "--tagger", "none", "--input", *helpers.SHARDS]
    code, made, error = run_as_json(capsys, *command)
    assert code == made["exit_code"] == 3 and made["status"] == "too_many_bad_lines"
    assert made["message"] in error
    codes = made["counts"]["rejected"]
    assert sum(codes.values()) == 7 and f"malformed_json {codes['malformed_json']}" in error
    assert [row["line"] for row in made["bad_lines"]] == [2, 6, 11, 14, 17, 21, 22]
    (file,) = made["rejected_files"]
    assert file in error
    lines = helpers.lines_of(helpers.ODD_AND_BAD)
    rows = helpers.read_file(pathlib.Path(file))
    assert [row["raw"].rstrip(b"\n") for row in rows] == [
        lines[row["line"] - 1].rstrip(b"\n") for row in made["bad_lines"]
    ]
    assert [row["passed"] for row in made["checks"] if row["name"] == "bad_lines"] == [False]
    (outcome,) = (output / "runs").iterdir()
    assert json.loads(outcome.read_text())["found"]["rejected_files"] == [file]


def test_every_failure_is_an_object_for_programs(tmp_path, capsys):
    shard = shard_of(tmp_path, "coco_val_localized_narratives.jsonl")
    command = ["--output", tmp_path / "out", "--tagger", "none", "--input", shard, "--no-guard"]
    code, made, _ = run_as_json(capsys, *command)
    assert (code, made["status"], made["expected"][0]["missing"]) == (3, "not_as_published", 8551)
    with pytest.raises(ValueError, match="absent"):
        main([*map(str, command), "--summary", "json", "--boxes", "absent.csv"])
    made = json.loads(capsys.readouterr().out)
    assert (made["status"], made["exit_code"]) == ("wrong_use", 2) and "absent" in made["message"]
    for more, ended in [
        ((), (0, "published", 0)),
        ((), (0, "unchanged", 0)),
        (("--if-changed",), (5, "unchanged", 5)),
    ]:
        code, made, _ = run_as_json(capsys, *command, "--allow-partial", *more)
        assert (code, made["status"], made["exit_code"]) == ended
