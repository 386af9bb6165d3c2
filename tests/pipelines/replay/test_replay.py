"""Repaired lines stand where the rejected ones stood, and every later run keeps them."""

import gzip
import json
import shutil

import fastavro
import pytest

from tests import build_helpers as helpers
from tests.pipelines.replay.helpers import (
    SHARD,
    SMALL,
    assert_same_but_for_places,
    rejected,
    repair_in_place,
    repaired_lines,
    replay,
    units_of,
    write_rows,
)
from transforms.core.base.errors import UsageError
from transforms.core.model import bad_lines


@pytest.fixture
def output(built, tmp_path):
    shutil.copytree(built / "out", tmp_path / "out", symlinks=True)
    return tmp_path / "out"


def in_place(folder, repairs, name=SHARD, compress=lambda data: data):
    """A version of the shard in which these lines are repaired, made without any replay."""
    shard = folder / "in_place" / name
    shard.parent.mkdir()
    shard.write_bytes(compress(repair_in_place(helpers.ODD_AND_BAD.read_bytes(), repairs)))
    assert helpers.build(folder / "expected", [shard], *SMALL) == 0
    return folder / "expected"


def test_the_version_is_that_of_the_shard_repaired_in_place(output, tmp_path, capsys):
    repairs = repaired_lines(output)
    places = {row["byte_offset"]: row["line_in_unit"] for row in rejected(output)}
    before, old = units_of(output), helpers.version_of(output).name
    narratives = {row["narrative_id"]: row for row in helpers.rows_of(output, "narratives")}
    rows = write_rows(tmp_path / "repaired.jsonl", repairs)
    assert replay(output, "--repaired", rows) == 0
    printed = capsys.readouterr().out
    assert "3 lines repaired, of 1 shard." in printed
    assert len(units_of(output) - before) == len(repairs)  # each of them in a unit of its own
    assert_same_but_for_places(output, in_place(tmp_path, repairs))
    manifest = helpers.manifest_of(output)
    (shard,) = manifest["shards"]
    assert (shard["lines"], shard["narratives"], shard["rejected"], shard["blank"]) == (
        22,
        16,
        4,
        2,
    )
    assert shard["conserved"] and shard["repaired"] == manifest["counts"]["repaired"] == 3
    assert manifest["previous"] == old
    made = {row["narrative_id"]: row for row in helpers.rows_of(output, "narratives")}
    assert {made[key]["byte_offset"] for key in made.keys() - narratives.keys()} == set(repairs)
    assert {key: made[key] for key in narratives} == narratives  # the other lines' places too
    assert {row["byte_offset"] for row in rejected(output)} == places.keys() - set(repairs)
    assert f"repaired   3 lines\n    {SHARD} 3" in printed
    report = (helpers.version_of(output) / "report.html").read_text()
    assert f"Of these lines 3 stand in a repaired form: {SHARD} 3." in report


def test_later_runs_keep_the_repairs_unless_told_not_to(built, output, tmp_path, capsys):
    rows = write_rows(tmp_path / "repaired.jsonl", repaired_lines(output))
    old = helpers.version_of(output).name
    assert replay(output, "--repaired", rows) == 0
    new, units = helpers.version_of(output).name, units_of(output)
    capsys.readouterr()
    assert helpers.build(output, [built / SHARD], *SMALL) == 0
    assert "Nothing to do" in capsys.readouterr().out
    assert replay(output, "--repaired", rows) == 0
    printed = capsys.readouterr().out
    assert "0 lines repaired; 3 lines repaired in the same way before." in printed
    assert "Nothing to do" in printed
    assert len(list((output / "repairs").iterdir())) == 1
    assert helpers.build(output, [built / SHARD], *SMALL, "--no-repairs") == 0
    assert (helpers.version_of(output).name, units_of(output)) == (old, units)
    assert helpers.build(output, [built / SHARD], *SMALL) == 0
    assert helpers.version_of(output).name == new


def test_rows_of_the_table_itself_may_be_edited(output, tmp_path, capsys):
    repairs = repaired_lines(output)
    rows = [
        row | {"raw": repairs[row["byte_offset"]].encode()}
        if row["byte_offset"] in repairs
        else row
        for row in rejected(output)
    ]
    with (tmp_path / "edited.avro").open("wb") as file:
        fastavro.writer(file, fastavro.parse_schema(bad_lines.AVRO_SCHEMA), rows)
    assert replay(output, "--repaired", tmp_path / "edited.avro") == 0
    assert "3 lines repaired, of 1 shard; 4 lines left as rejected." in capsys.readouterr().out
    assert helpers.manifest_of(output)["counts"]["repaired"] == 3


def test_a_repair_that_is_bad_itself_stays_rejected_and_may_be_repaired_again(output, tmp_path):
    repairs = repaired_lines(output)
    (place, good), *_ = repairs.items()
    rows = write_rows(tmp_path / "bad.jsonl", repairs | {place: '{"dataset_id": 3}'})
    assert replay(output, "--repaired", rows) == 0
    (row,) = [row for row in rejected(output) if row["byte_offset"] == place]
    assert (row["code"], row["raw"]) == ("wrong_type", b'{"dataset_id": 3}')
    assert helpers.manifest_of(output)["counts"]["repaired"] == 2
    rows = write_rows(tmp_path / "good.jsonl", {place: good})
    assert replay(output, "--repaired", rows) == 0
    assert_same_but_for_places(output, in_place(tmp_path, repairs))
    changed = good.replace("repaired_0", "repaired_anew")
    assert replay(output, "--repaired", write_rows(rows, {place: changed})) == 0
    images = [row["image_id"] for row in helpers.rows_of(output, "narratives")]
    assert "repaired_anew" in images and "repaired_0" not in images


@pytest.mark.long
def test_two_workers_make_the_same_version(built, output, tmp_path):
    rows = write_rows(tmp_path / "repaired.jsonl", repaired_lines(output))
    shutil.copytree(output, tmp_path / "other", symlinks=True)
    assert replay(output, "--repaired", rows) == 0
    assert replay(tmp_path / "other", "--repaired", rows, "--workers", 2) == 0
    assert helpers.version_of(output).name == helpers.version_of(tmp_path / "other").name
    helpers.assert_same_results(output, tmp_path / "other")


def test_a_program_repairs_lines(output, tmp_path, capsys):
    """It mends what is missing and fails on, or says nothing to, the others."""
    program = tmp_path / "mend.py"
    program.write_text(
        "import json, sys\n"
        "line = json.loads(sys.stdin.buffer.read())\n"
        "if line['caption'] is None:\n    sys.exit()\n"
        "line.setdefault('voice_recording', 'a.ogg')\n"
        "line['traces'] = []\n"
        "print(json.dumps(line))\n"
    )
    assert replay(output, "--command", f"python3 '{program}'") == 0
    printed = capsys.readouterr()
    assert "3 lines repaired, of 1 shard." in printed.out
    assert f"{SHARD}, byte 60084: the program ended with code 1: KeyError: 'caption'" in printed.err
    assert helpers.manifest_of(output)["counts"]["rejected"] == {
        "malformed_json": 2, "missing_key": 1, "wrong_type": 1, "invalid_utf8": 1,
    }  # fmt: skip


@pytest.mark.long
def test_a_compressed_shard_keeps_its_pieces_but_those_with_repairs(tmp_path):
    name, folder = f"{SHARD}.gz", tmp_path / "gz"
    folder.mkdir()
    (folder / name).write_bytes(gzip.compress(helpers.ODD_AND_BAD.read_bytes()))
    output = tmp_path / "out"
    assert helpers.build(output, [folder / name], *SMALL) == 0
    repairs, before = repaired_lines(output), units_of(output)
    rows = write_rows(tmp_path / "repaired.jsonl", repairs, name)
    assert replay(output, "--repaired", rows) == 0
    assert len(units_of(output) - before) == len(repairs)
    assert_same_but_for_places(output, in_place(tmp_path, repairs, name, gzip.compress))
    assert helpers.manifest_of(output)["counts"]["repaired"] == 3
    assert replay(output, "--repaired", rows) == 0


@pytest.mark.long
def test_repairs_follow_the_lines_of_a_shard_that_changes(built, output, tmp_path, capsys):
    """Lines that are appended leave the repairs; a line that is another one loses its own."""
    repairs = repaired_lines(output)
    assert replay(output, "--repaired", write_rows(tmp_path / "r.jsonl", repairs)) == 0
    whole = helpers.ODD_AND_BAD.read_bytes()
    lines = whole.split(b"\n")
    shard = tmp_path / "changed" / SHARD
    shard.parent.mkdir()
    shard.write_bytes(whole.removesuffix(b"\n") + b"\n" + lines[2] + b"\n")
    assert helpers.build(output, [shard], *SMALL) == 0
    assert helpers.manifest_of(output)["counts"]["repaired"] == 3
    capsys.readouterr()
    first = min(repairs)
    same_length = whole[:first] + whole[first:].replace(b"mscoco", b"MSCOCO", 1)
    shard.write_bytes(same_length)
    assert helpers.build(output, [shard], *SMALL) == 0
    assert helpers.manifest_of(output)["counts"]["repaired"] == 2
    printed = capsys.readouterr().err
    assert f"warning: {SHARD}: 1 repaired line is left out, since the shard" in printed
    assert f"(the first at byte {first})" in printed
    assert helpers.manifest_of(output)["warnings"][0].startswith(f"{SHARD}: 1 repaired line")


def test_json_and_a_dry_run(output, tmp_path, capsys):
    rows = write_rows(tmp_path / "repaired.jsonl", repaired_lines(output))
    old = helpers.version_of(output).name
    assert replay(output, "--repaired", rows, "--dry-run") == 0
    assert "3 lines repaired, of 1 shard." in capsys.readouterr().out
    assert not (output / "repairs").exists() and helpers.version_of(output).name == old
    assert replay(output, "--repaired", rows, "--summary", "json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["conservation"]["total"]["repaired"] == summary["counts"]["repaired"] == 3
    assert len(summary["rejected_files"]) == 4


def test_what_was_interrupted_goes_on_by_any_run(built, output, tmp_path, capsys):
    """As after a kill between the repairs and the end of their units."""
    rows = write_rows(tmp_path / "repaired.jsonl", repaired_lines(output))
    pointer, before = (output / "CURRENT").read_bytes(), units_of(output)
    assert replay(output, "--repaired", rows) == 0
    new = helpers.version_of(output).name
    added = units_of(output) - before
    for run in (
        lambda: replay(output, "--repaired", rows),
        lambda: helpers.build(output, [built / SHARD], *SMALL),
    ):
        (output / "CURRENT").write_bytes(pointer)
        shutil.rmtree(output / "versions" / new)
        shutil.rmtree(output / "units" / min(added))
        capsys.readouterr()
        assert helpers.build(output, [built / SHARD], *SMALL, "--dry-run") == 0
        assert "repaired lines" in capsys.readouterr().out
        assert run() == 0
        assert "1 unit pending; 18 more are finished already" in capsys.readouterr().out
        assert helpers.version_of(output).name == new
    helpers.assert_whole(helpers.version_of(output))
    assert len(list((output / "repairs").iterdir())) == 1


def test_a_shard_of_bad_lines_alone_is_read_once_it_is_repaired(tmp_path):
    """Its first lines are no narratives: a run without repairs is refused before it begins."""
    good = helpers.ODD_AND_BAD.read_bytes().splitlines()[2]
    shard, output = tmp_path / SHARD, tmp_path / "out"
    shard.write_text("".join(f"no narrative {number}\n" for number in range(120)))
    assert helpers.build(output, [shard], "--max-bad-share", 1) == 0
    repairs = {row["byte_offset"]: good.decode() for row in rejected(output)}
    assert replay(output, "--repaired", write_rows(tmp_path / "r.jsonl", repairs)) == 0
    more = ("--max-bad-share", 0, "--min-words", 1)
    assert helpers.build(output, [shard], *more) == 0
    assert helpers.manifest_of(output)["counts"]["repaired"] == 120
    with pytest.raises(UsageError, match="--input: .*; give files of narratives, or"):
        helpers.build(tmp_path / "other", [shard], *more)
