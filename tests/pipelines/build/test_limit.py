"""`--limit`: the first lines of the shards, as if the files ended there."""

import gzip
import json

import pytest

from tests import build_helpers as helpers
from tests.pipelines.build.test_build_expected import CATALOG, ovis

SHARDS = [helpers.ODD_AND_BAD, helpers.REAL]
"""In the order of their paths, which is that of the limit."""

UNIT_BYTES = ("--unit-bytes", 100_000)


def cut(shard, folder, lines):
    """A copy of a shard that holds its first lines only."""
    folder.mkdir(exist_ok=True)
    path = folder / shard.name
    path.write_bytes(b"".join(shard.read_bytes().splitlines(keepends=True)[:lines]))
    return path


@pytest.mark.parametrize(
    "limit", [23, *(pytest.param(n, marks=pytest.mark.long) for n in (1, 22, 30))]
)
def test_it_is_as_if_the_shards_ended_there(tmp_path, limit):
    assert helpers.build(tmp_path / "out", SHARDS, *UNIT_BYTES, "--limit", limit) == 0
    left = [limit, limit - 22]
    shorter = [
        cut(shard, tmp_path / "in", number)
        for shard, number in zip(SHARDS, left, strict=True)
        if number > 0
    ]
    assert helpers.build(tmp_path / "other", shorter, *UNIT_BYTES) == 0
    helpers.assert_same_results(tmp_path / "out", tmp_path / "other")
    manifest = helpers.assert_whole(helpers.version_of(tmp_path / "out"))
    assert manifest["counts"]["lines"] == limit == manifest["limit"]
    assert all(row["conserved"] for row in manifest["shards"])
    stops = [shard.stat().st_size for shard in shorter]
    whole = [shard.stat().st_size for shard in SHARDS]
    expected = [None if a == b else a for a, b in zip(stops, whole, strict=False)]
    assert [row["stop"] for row in manifest["inputs"]] == expected
    report = (helpers.version_of(tmp_path / "out") / "report.html").read_text()
    assert f"the first {limit:,} lines of the input" in report


@pytest.mark.parametrize("size", [50_000, 1 << 20])
@pytest.mark.long
def test_a_compressed_shard_is_cut_at_the_same_line(tmp_path, size):
    shard = tmp_path / f"{helpers.REAL.name}.gz"
    shard.write_bytes(gzip.compress(helpers.REAL.read_bytes()))
    flags = ("--limit", 7, "--unit-bytes", size)
    for output, given in (("gz", shard), ("plain", helpers.REAL)):
        assert helpers.build(tmp_path / output, [given], *flags) == 0
    columns = ("shard", "narrative_id")
    rows = [helpers.without(helpers.rows_of(tmp_path / name, "narratives"), *columns)
            for name in ("gz", "plain")]  # fmt: skip
    assert rows[0] == rows[1] and len(rows[0]) == 7
    (row,) = helpers.manifest_of(tmp_path / "gz")["shards"]
    assert row["conserved"] and row["lines"] == 7
    assert helpers.build(tmp_path / "gz", [shard], *flags, "--if-changed") == 5
    assert helpers.build(tmp_path / "gz", [shard], "--unit-bytes", size) == 0
    assert helpers.manifest_of(tmp_path / "gz")["counts"]["lines"] == 22


@pytest.mark.long
def test_units_before_the_limit_are_those_of_the_run_without_it(tmp_path):
    output = tmp_path / "out"
    assert helpers.build(output, [helpers.REAL], *UNIT_BYTES, "--limit", 15) == 0
    before = helpers.records_of(output)
    assert helpers.build(output, [helpers.REAL], *UNIT_BYTES) == 0
    after = helpers.records_of(output)
    assert len(before) > 2
    reused = [key for key in before if after.get(key) == before[key]]
    assert set(reused) == set(before)  # nothing is done twice
    keys = {unit["key"] for unit in helpers.manifest_of(output)["units"]}
    assert len(keys & set(before)) == len(before) - 1  # all but the one that the limit has cut


@pytest.mark.long
@pytest.mark.parametrize("limit", [22, 1_000])
def test_a_limit_beyond_the_input_makes_the_version_without_it(tmp_path, capsys, limit):
    assert helpers.build(tmp_path / "out", [helpers.REAL]) == 0
    assert helpers.build(tmp_path / "out", [helpers.REAL], "--limit", limit) == 0
    assert "Nothing to do" in capsys.readouterr().out


@pytest.mark.long
def test_the_last_line_may_lack_its_end(tmp_path):
    data = helpers.REAL.read_bytes().rstrip(b"\n")
    shards = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for shard in shards:
        shard.write_bytes(data)
    assert helpers.build(tmp_path / "out", shards, "--limit", 23) == 0
    assert [row["lines"] for row in helpers.manifest_of(tmp_path / "out")["shards"]] == [22, 1]


def test_published_counts_are_said_to_be_limited_and_do_not_refuse(tmp_path, capsys):
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text(CATALOG)
    shards = [ovis(tmp_path, 0, 0, 1, 2), ovis(tmp_path, 1, 3, 4, 5)]
    assert helpers.build(tmp_path / "out", shards, "--catalog", catalog, "--limit", 2) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "expected 6, read 2, missing 4; a limit: no more lines were to be read" in printed
    assert "PARTIAL" in printed and " holds" not in printed
    (row,) = helpers.manifest_of(tmp_path / "out")["expected"]
    assert row["limited"] and len(row["shards"]) == 1


@pytest.mark.long
def test_a_limit_and_a_sample_go_together(tmp_path, capsys):
    flags = ("--limit", 30, "--sample", "0.5", "--summary", "json")
    assert helpers.build(tmp_path / "out", SHARDS, *flags) == 0
    shown = json.loads(capsys.readouterr().out)
    total = shown["conservation"]["total"]
    assert total["lines"] == 30 and total["left_out"] > 0 and total["holds"]
    assert helpers.build(tmp_path / "limited", SHARDS, "--limit", 30) == 0
    ids = [{row["narrative_id"] for row in helpers.rows_of(tmp_path / name, "narratives")}
           for name in ("out", "limited")]  # fmt: skip
    assert ids[0] < ids[1]
