"""Discarded narratives judged again: the version that a build by other rules makes, of tables."""

import gzip
import json
import pathlib
import shutil

import pytest

from tests import build_helpers as helpers
from tests.engines.jobs import annotations
from tests.pipelines.replay.helpers import SHARD, replay
from transforms.core.base.errors import UsageError
from transforms.units.reading import blocks

SHARDS = [helpers.ODD_AND_BAD, helpers.REAL, helpers.GENERATED[0]]
RULES = {
    "none": [],
    "others": ["--max-distance-per-char", "1/20", "--require-trace", "--min-words", 20],
}
BEFORE = ["--max-distance", 4, "--min-words", 10]


WITHOUT_ANNOTATIONS = [
    "--unit-bytes",
    "64KiB",
    "--no-guard",
    "--max-bad-share",
    1,
    "--tagger",
    "en_ud_pos",
]
MORE = [*WITHOUT_ANNOTATIONS, *annotations(helpers.ROOT / "samples")]
"""With annotations, so that joined columns and flags are there that must not come twice."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Shards, and an output by a rule that discards some of their narratives."""
    folder = tmp_path_factory.mktemp("requeue")
    (folder / "shards").mkdir()
    for path in SHARDS:
        data = path.read_bytes()
        name = f"{path.name}.gz" if path == helpers.REAL else path.name
        (folder / "shards" / name).write_bytes(gzip.compress(data) if name != path.name else data)
    assert build(folder, folder / "out", *BEFORE) == 0
    assert helpers.rows_of(folder / "out", "discarded")
    return folder


def build(folder, output, *more):
    shards = sorted((folder / "shards").iterdir())
    return helpers.build(output, shards, *MORE, *more)


@pytest.fixture
def output(folder, tmp_path):
    shutil.copytree(folder / "out", tmp_path / "out", symlinks=True)
    return tmp_path / "out"


def assert_same(output, expected):
    assert helpers.version_of(output).name == helpers.version_of(expected).name
    helpers.assert_same_results(output, expected)
    found, wanted = map(helpers.manifest_of, (output, expected))
    for entry in ("counts", "shards", "units", "splits"):
        assert found[entry] == wanted[entry], entry


@pytest.mark.parametrize("rules", [pytest.param("none", marks=pytest.mark.long), "others"])
def test_the_version_is_that_of_a_build_by_these_rules(folder, output, tmp_path, rules, capsys):
    before = helpers.version_of(output).name
    assert replay(output, "--requeue", "discarded", *RULES[rules]) == 0
    assert "units pending, of tables in place of shards" in capsys.readouterr().out
    assert build(folder, tmp_path / "expected", *RULES[rules]) == 0
    assert helpers.version_of(output).name != before
    assert_same(output, tmp_path / "expected")
    capsys.readouterr()
    assert build(folder, output, *RULES[rules]) == 0  # the same options: all units are there
    assert "Nothing to do" in capsys.readouterr().out


def test_no_line_of_shards_is_read_but_of_those_with_rounded_traces(output, monkeypatch):
    read, read_block = [], blocks.read_block

    def noting(file, *more):
        read.append(pathlib.Path(file.name).name)
        return read_block(file, *more)

    monkeypatch.setattr(blocks, "read_block", noting)
    assert replay(output, "--requeue", "discarded") == 0
    assert {*read} == {helpers.ODD_AND_BAD.name}
    rounded = helpers.manifest_of(output)["counts"]["rounded_traces"]
    assert 0 < rounded < len(helpers.rows_of(output, "narratives"))


def test_a_shard_is_read_whose_traces_were_rounded(tmp_path, capsys):
    line = json.loads(helpers.GENERATED[0].read_bytes().split(b"\n")[0])
    line["traces"][0][0]["x"] = 0.123456789
    shard = tmp_path / SHARD
    helpers.write_lines(shard, [json.dumps(line).encode()])
    for output in (tmp_path / "out", tmp_path / "expected"):
        rules = ["--min-words", 500] if output.name == "out" else []
        assert helpers.build(output, [shard], "--no-guard", *rules) == 0
    assert helpers.manifest_of(tmp_path / "out")["counts"]["rounded_traces"] == 1
    assert replay(tmp_path / "out", "--requeue", "discarded") == 0
    assert helpers.rows_of(tmp_path / "out", "narratives") == helpers.rows_of(
        tmp_path / "expected", "narratives"
    )


@pytest.mark.long
def test_tables_that_are_not_what_they_were_are_not_taken(folder, output, tmp_path):
    for table in sorted(output.glob("units/*/*/narratives.parquet"))[::3]:
        data = bytearray(table.read_bytes())
        data[len(data) // 2] ^= 1
        table.unlink()
        table.write_bytes(data)  # the version's file, which is the same one, stays what it was
    for record in sorted(output.glob("units/*/record"))[1::3]:
        record.write_bytes(record.read_bytes()[:-1])
    assert replay(output, "--requeue", "discarded") == 0
    assert build(folder, tmp_path / "expected") == 0
    assert_same(output, tmp_path / "expected")


def test_a_dry_run_says_what_would_be_done(output, capsys):
    before = helpers.version_of(output).name
    assert replay(output, "--requeue", "discarded", "--max-distance", 12, "--dry-run") == 0
    printed = capsys.readouterr().out
    assert "units to do, of tables in place of shards" in printed
    assert "changed --max-distance: 4, now 12" in printed
    assert helpers.version_of(output).name == before


def test_rules_go_with_requeue_alone(output, tmp_path):
    with pytest.raises(UsageError, match="--max-distance goes with --requeue discarded"):
        replay(output, "--repaired", tmp_path / "rows.jsonl", "--max-distance", 5)
    with pytest.raises(UsageError, match="one of the three"):
        replay(output, "--repaired", tmp_path / "rows.jsonl", "--requeue", "discarded")


@pytest.mark.long
def test_a_calibrated_threshold_is_known_again(folder, tmp_path, capsys):
    assert build(folder, tmp_path / "out", "--discard-share", 0.5, "--discard-per-char") == 0
    capsys.readouterr()
    assert replay(tmp_path / "out", "--requeue", "discarded") == 0
    assert "units pending, of tables in place of shards" in capsys.readouterr().out
    assert not helpers.manifest_of(tmp_path / "out")["counts"]["discarded"]


def with_fewer_boxes(folder):
    """Annotations of which every second box is missing."""
    shutil.copytree(helpers.ROOT / "samples" / "open_images", folder / "open_images")
    for path in folder.glob("open_images/*/annotations-human-bbox.csv"):
        head, *rows = path.read_text().splitlines(keepends=True)
        path.write_text("".join([head, *rows[::2]]))
    return annotations(folder)


@pytest.mark.parametrize("change", [pytest.param("boxes", marks=pytest.mark.long), "plurals"])
def test_a_build_that_judges_in_another_way_takes_the_tables(
    folder, output, tmp_path, change, capsys
):
    given = {
        "boxes": [*WITHOUT_ANNOTATIONS, *with_fewer_boxes(tmp_path)],
        "plurals": [*MORE, "--plurals"],
    }[change]
    shards = sorted((folder / "shards").iterdir())
    assert helpers.build(tmp_path / "expected", shards, *given, *BEFORE) == 0
    assert "in place of shards" not in capsys.readouterr().out
    assert helpers.build(output, shards, *given, *BEFORE) == 0
    assert "units pending, of tables in place of shards" in capsys.readouterr().out
    assert_same(output, tmp_path / "expected")
