"""Repairs that are refused: a sentence with file, row and remedy, and nothing is changed."""

import json
import shutil

import pytest

from tests import build_helpers as helpers
from tests.pipelines.replay.helpers import (
    SHARD,
    SMALL,
    rejected,
    repaired_lines,
    replay,
    write_rows,
)
from transforms.core.base.errors import UsageError


def row(**values):
    return json.dumps({"shard": SHARD, "byte_offset": 767, "raw": "{}", **values}) + "\n"


GIVEN = {
    "no such line": (row(byte_offset=0), ":1: the line of shard 'odd_and_bad.jsonl' at byte_offset "
                     "0 is none that the current version has rejected: take `shard` and"),
    "no such shard": (row() + row(shard="x"), ":2: the line of shard 'x' at byte_offset 767 "
                      "is none"),
    "two lines": ("\n" + row(raw="{}\n{}"), ":2: `raw` holds several lines, and stands in"),
    "blank": (row(raw=" "), ":1: `raw` is blank, so that the line would be lost: leave the"),
    "two repairs": (row() + row(raw="[]"), "has another repair in .*:1: give one"),
    "no number": (row(byte_offset="767"), ":1: is no repaired line .Expected `int`, got `str`"),
    "no raw": ('{"shard": "a"}', ":1: is no repaired line .Object missing required field"),
    "no JSON": ("shard,byte_offset", ":1: is no repaired line .*: give rows of the table"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), GIVEN.values(), ids=GIVEN)
def test_a_repair_of_no_rejected_line_is_refused(built, tmp_path, text, message):
    path = tmp_path / "given.jsonl"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        replay(built / "out", "--repaired", path)
    assert not (built / "out" / "repairs").exists()


def test_a_file_that_is_no_avro_is_refused(built, tmp_path):
    (tmp_path / "given.avro").write_bytes(b"Obj\x01 and no more")
    with pytest.raises(UsageError, match="given.avro: is no complete Avro file"):
        replay(built / "out", "--repaired", tmp_path / "given.avro")


@pytest.mark.parametrize(("command", "message"), [
    ("/no/such/program", "--command: '/no/such/program' cannot be started .No such file"),
    ("'", "--command: No closing quotation: write it as in a shell"),
])  # fmt: skip
def test_a_program_that_cannot_be_started_is_refused(built, command, message):
    with pytest.raises(UsageError, match=message):
        replay(built / "out", "--command", command)


def test_one_source_of_repairs_is_needed(built):
    for more in ((), ("--repaired", "a", "--command", "b")):
        with pytest.raises(UsageError, match="say where the repaired lines are, --repaired FILE"):
            replay(built / "out", *more)


def test_an_output_without_a_version_has_nothing_to_repair(tmp_path):
    with pytest.raises(UsageError, match="has no current version that says which lines were"):
        replay(tmp_path / "none", "--command", "cat")


def test_a_line_that_is_another_one_now_is_not_replaced(tmp_path):
    """The shard was edited since the version was made, in the place of a rejected line."""
    shard = tmp_path / SHARD
    shutil.copy(helpers.ODD_AND_BAD, shard)
    output = tmp_path / "out"
    assert helpers.build(output, [shard], *SMALL) == 0
    rows = write_rows(tmp_path / "r.jsonl", repaired_lines(output))
    first, data = rejected(output)[0]["byte_offset"], shard.read_bytes()
    shard.write_bytes(data[:first] + data[first:].replace(b"mscoco", b"MSCOCO", 1))
    with pytest.raises(
        UsageError, match="r.jsonl:1: .* is no longer the one that was rejected: run"
    ):
        replay(output, "--repaired", rows)
    assert not (output / "repairs").exists()


def test_a_damaged_file_of_repairs_is_named(built, tmp_path):
    output = tmp_path / "out"
    shutil.copytree(built / "out", output, symlinks=True)
    rows = write_rows(tmp_path / "r.jsonl", repaired_lines(output))
    assert replay(output, "--repaired", rows) == 0
    (path,) = (output / "repairs").iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(
        UsageError, match="is no complete file of repairs, .*: restore it, or remove it"
    ):
        helpers.build(output, [built / SHARD], *SMALL)


def test_rejected_lines_that_are_corrupt_are_named(built, tmp_path):
    """Their bytes would be compared with the repairs, or end the command with a traceback."""
    output = tmp_path / "out"
    shutil.copytree(built / "out", output, symlinks=True)
    rows = write_rows(tmp_path / "r.jsonl", repaired_lines(output))
    path = min((helpers.version_of(output) / "rejected").iterdir())
    for number in (300, 3_000):
        helpers.flip_bit(path, number)
        with pytest.raises(UsageError, match=f"{path}' is not what its manifest says"):
            replay(output, "--repaired", rows)
        helpers.flip_bit(path, number)
    broken = tmp_path / "broken.avro"
    broken.write_bytes(path.read_bytes().replace(b'"type"', b'"tYpe"', 2))
    with pytest.raises(UsageError, match="is no complete Avro file"):
        replay(output, "--repaired", broken)
