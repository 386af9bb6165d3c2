"""The main job: the sample from end to end, and what runs again when what has changed."""

import contextlib
import gzip
import json
import shutil

import pyarrow as pa
import pytest

from pipelines.build.job import main
from tests import build_helpers as helpers
from tests.build_helpers import build
from transforms.core.output.jobs.narratives import NARRATIVES
from transforms.units import write

UNIT_BYTES = 100_000
PACKAGED_TAGGER = helpers.ROOT / "transforms" / "core" / "data" / "en_ud_pos"


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """What `make run` makes."""
    output = tmp_path_factory.mktemp("sample")
    with contextlib.chdir(helpers.ROOT):
        assert main(["--config", "configs/local.yaml", "--output", str(output)]) == 0
    return output


@pytest.fixture(scope="module")
def index(sample):
    """The annotation index of the sample."""
    return next((sample / "indexes").iterdir())


@pytest.fixture(scope="module")
def small_units(tmp_path_factory, index):
    """The sample in many units, with narratives discarded."""
    output = tmp_path_factory.mktemp("small_units")
    more = ["--annotations", index, "--min-words", 20, "--unit-bytes", UNIT_BYTES]
    assert build(output, helpers.SHARDS, *more) == 0
    return output


def test_sample_run_publishes_a_whole_version(sample):
    manifest = helpers.assert_whole(helpers.version_of(sample))
    assert {file["table"] for file in manifest["files"]} == {*NARRATIVES.all_tables}
    assert all(shard["conserved"] for shard in manifest["shards"])
    assert [shard["shard"] for shard in manifest["shards"]] == [p.name for p in helpers.SHARDS]
    counts = manifest["counts"]
    assert (counts["lines"], counts["narratives"], counts["blank"]) == (104, 95, 2)
    assert sum(counts["rejected"].values()) == 7
    helpers.assert_nothing_abandoned(sample)


def test_bad_lines_are_listed_with_their_line_in_the_file(small_units):
    manifest = helpers.manifest_of(small_units)
    lines = [bad["line"] for bad in manifest["bad_lines"]]
    assert lines == [2, 6, 11, 14, 17, 21, 22]
    assert {bad["shard"] for bad in manifest["bad_lines"]} == {"odd_and_bad.jsonl"}


def test_unchanged_input_is_not_read_again(sample, capsys):
    before = helpers.files_below(sample)
    runs = sorted((sample / "runs").iterdir())
    with contextlib.chdir(helpers.ROOT):
        assert main(["--config", "configs/local.yaml", "--output", str(sample)]) == 0
    (record,) = set((sample / "runs").iterdir()) - set(runs)
    assert json.loads(record.read_text())["status"] == "unchanged"
    record.unlink()
    assert helpers.files_below(sample) == before
    printed = capsys.readouterr().out
    assert (
        printed.startswith("Nothing to do: version ")
        and "the same input, options and code." in printed
    )
    assert len(printed.splitlines()[0]) <= 80
    assert "104" in printed  # the summary is shown all the same


@pytest.mark.parametrize(
    "more",
    [
        pytest.param(["--unit-bytes", 20_000], marks=pytest.mark.long),
        [],
        pytest.param(["--unit-bytes", UNIT_BYTES, "--workers", 2], marks=pytest.mark.long),
    ],
    ids=["smaller", "whole shards", "two workers"],
)
def test_results_do_not_depend_on_units_and_workers(small_units, index, tmp_path, more):
    more = ["--annotations", index, "--min-words", 20, *more]
    assert build(tmp_path, helpers.SHARDS, *more) == 0
    assert len(helpers.rows_of(tmp_path, "discarded")) > 3
    helpers.assert_same_results(tmp_path, small_units)
    helpers.assert_whole(helpers.version_of(tmp_path))


def test_a_retried_bundle_changes_nothing(small_units, index, tmp_path, monkeypatch):
    tries = []

    def counted(job, unit, *others):
        tries.append(unit.key)
        return write_unit(job, unit, *others)

    write_unit = write.write_unit
    monkeypatch.setattr(write, "write_unit", counted)
    more = ["--annotations", index, "--min-words", 20, "--unit-bytes", UNIT_BYTES]
    assert build(tmp_path, helpers.SHARDS, *more, "--direct_runner_bundle_repeat=1") == 0
    records = helpers.records_of(tmp_path)
    assert sorted(tries) == sorted(records)  # the second attempt of each found it finished
    helpers.assert_nothing_abandoned(tmp_path)
    assert helpers.version_of(tmp_path).name == helpers.version_of(small_units).name
    helpers.assert_same_results(tmp_path, small_units)


@pytest.fixture
def shards(tmp_path):
    """Copies of three shards that a test may change."""
    names = [*helpers.GENERATED, helpers.ODD_AND_BAD]
    (tmp_path / "in").mkdir()
    return [tmp_path / "in" / shutil.copy2(name, tmp_path / "in") for name in names]


def test_only_the_units_of_a_changed_shard_are_done_again(shards, tmp_path, capsys):
    output = tmp_path / "out"
    assert build(output, shards, "--unit-bytes", UNIT_BYTES) == 0
    old, records = helpers.version_of(output), helpers.records_of(output)
    before = helpers.files_below(output)
    helpers.write_lines(shards[2], helpers.lines_of(shards[2])[:-1])
    capsys.readouterr()
    assert build(output, shards, "--unit-bytes", UNIT_BYTES) == 0
    assert "2 units pending; 17 more are finished already." in capsys.readouterr().out
    again = helpers.records_of(output)
    assert again.items() >= records.items() and len(again) == len(records) + 2
    assert all(key.startswith("odd_and_bad-") for key in again.keys() - records.keys())
    new = helpers.version_of(output)
    assert new != old and helpers.manifest_of(output)["previous"] == old.name
    helpers.assert_whole(old)
    helpers.assert_whole(new)
    after = helpers.files_below(output)
    again = {path for path in before if after[path] != before[path]}
    assert {path.split("/")[0] for path in again} == {"CURRENT", "checksums"} and len(again) == 2
    for name in ("narratives", "mentions"):
        for file in (new / name).glob("generated*"):
            assert file.samefile(old / name / file.name)
    assert len(helpers.rows_of(output, "rejected")) == 6


def test_a_change_that_keeps_a_shards_size_is_seen(shards, tmp_path):
    output, shard = tmp_path / "out", shards[0]
    assert build(output, [shard]) == 0
    old = helpers.rows_of(output, "narratives")
    caption = old[0]["caption"]
    lines = helpers.lines_of(shard)
    lines[0] = lines[0].replace(caption.encode(), caption.swapcase().encode())
    helpers.write_lines(shard, lines)
    helpers.touch_later(shard)
    assert build(output, [shard]) == 0
    new = helpers.rows_of(output, "narratives")
    assert new[0]["caption"] == caption.swapcase() and new[1:] == old[1:]


@pytest.mark.parametrize(
    "folder", [False, pytest.param(True, marks=pytest.mark.long)], ids=["package", "folder"]
)
def test_another_version_of_a_tagger_makes_units_run_again(tmp_path, monkeypatch, folder):
    """A spaCy pipeline of the user's own, as a folder and as an installed package."""
    model = tmp_path / "site" / "own_tagger"
    shutil.copytree(PACKAGED_TAGGER, model)
    (model / "__init__.py").write_text(
        "import spacy, pathlib\n"
        "def load(**options):\n"
        "    return spacy.load(pathlib.Path(__file__).parent, **options)\n"
    )
    about = "Metadata-Version: 2.1\nName: own_tagger\nVersion: 1.0\n"
    helpers.write_lines(tmp_path / "site/own_tagger-1.0.dist-info/METADATA", [about.encode()])
    monkeypatch.syspath_prepend(model.parent)
    tagger = model if folder else "own_tagger"
    shard = helpers.write_lines(tmp_path / "a.jsonl", helpers.lines_of(helpers.REAL, 0, 1))
    for units in (1, 1, 2):
        if units == 2:
            meta = json.loads((model / "meta.json").read_text())
            (model / "meta.json").write_text(json.dumps(meta | {"version": "9.9.9"}))
        assert build(tmp_path / "out", [shard], "--tagger", tagger) == 0
        assert len(helpers.records_of(tmp_path / "out")) == units


@pytest.mark.long
def test_units_are_used_again_when_their_shard_has_moved(shards, tmp_path):
    output = tmp_path / "out"
    assert build(output, shards[2:], "--unit-bytes", UNIT_BYTES) == 0
    records = helpers.records_of(output)
    moved = tmp_path / "elsewhere"
    (tmp_path / "in").rename(moved)
    moved_shards = [moved / shard.name for shard in shards[1:]]
    assert build(output, moved_shards, "--unit-bytes", UNIT_BYTES) == 0
    assert helpers.records_of(output).items() > records.items()
    manifest = helpers.assert_whole(helpers.version_of(output))
    assert [bad["line"] for bad in manifest["bad_lines"]] == [2, 6, 11, 14, 17, 21, 22]
    assert {shard["path"] for shard in manifest["inputs"]} == set(map(str, moved_shards))


@pytest.mark.parametrize(
    ("more", "again"),
    [
        (["--min-words", 3], True),
        (["--plurals"], True),
        (["--tagger", "en_ud_pos"], True),
        (["--split", "train"], True),
        (["--max-bad-share", 0.6], False),
        (["--workers", 2], False),
    ],
)
def test_only_what_changes_results_makes_units_run_again(tmp_path, capsys, more, again):
    shard = helpers.write_lines(tmp_path / "a.jsonl", helpers.lines_of(helpers.REAL, 0, 1))
    assert build(tmp_path / "out", [shard]) == 0
    capsys.readouterr()
    assert build(tmp_path / "out", [shard], *more) == 0
    assert ("Reading 1 shard" in capsys.readouterr().out) == again
    assert len(helpers.records_of(tmp_path / "out")) == 1 + again


def test_a_pointer_that_was_lost_is_set_again_without_reading(shards, tmp_path, capsys):
    output = tmp_path / "out"
    assert build(output, shards) == 0
    version, before = helpers.version_of(output), helpers.files_below(output)
    (output / "CURRENT").unlink()
    capsys.readouterr()
    assert build(output, shards) == 0
    assert "0 units pending; 3 more are finished already." in capsys.readouterr().out
    assert helpers.version_of(output) == version
    after = helpers.files_below(output)
    assert all(after[path] == before[path] for path in before if path != "CURRENT")


def zstd(data):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A plain shard in pieces: the folder that holds it and its output."""
    folder = tmp_path_factory.mktemp("plain")
    lines = [*helpers.lines_of(helpers.ODD_AND_BAD), b"\n", *helpers.lines_of(helpers.REAL)]
    shard = helpers.write_lines(folder / "mixed.jsonl", lines)
    assert build(folder / "out", [shard], "--unit-bytes", UNIT_BYTES) == 0
    return folder


@pytest.mark.parametrize(
    ("suffix", "compress"), [(".gz", gzip.compress), (".zst", zstd)], ids=["gz", "zst"]
)
def test_compressed_shards_give_the_same(plain, tmp_path, suffix, compress):
    data = (plain / "mixed.jsonl").read_bytes()
    shard = tmp_path / f"mixed.jsonl{suffix}"
    shard.write_bytes(compress(data[:200_000]) + compress(data[200_000:]))  # two members, as `cat`
    output = tmp_path / "out"
    assert build(output, [shard], "--unit-bytes", UNIT_BYTES) == 0
    manifest = helpers.assert_whole(helpers.version_of(output))
    assert len(manifest["units"]) > 3
    assert helpers.statistics_of(output) == helpers.statistics_of(plain / "out")
    for table in ("narratives", "mentions", "words", "rejected"):
        rows = helpers.rows_of(output, table)
        assert {row["shard"] for row in rows} == {shard.name}
        expected = helpers.rows_of(plain / "out", table)
        assert helpers.without(rows, "shard") == helpers.without(expected, "shard")
    assert manifest["bad_lines"] == [
        bad | {"shard": shard.name} for bad in helpers.manifest_of(plain / "out")["bad_lines"]
    ]


@pytest.mark.long
def test_a_compressed_shard_is_resumed_and_then_left_alone(plain, tmp_path, capsys):
    shard, output = tmp_path / "mixed.jsonl.gz", tmp_path / "out"
    shard.write_bytes(gzip.compress((plain / "mixed.jsonl").read_bytes()))
    assert build(output, [shard], "--unit-bytes", UNIT_BYTES) == 0
    records, version = helpers.records_of(output), helpers.version_of(output)
    statistics = helpers.statistics_of(output)
    lost = sorted(records)[3]
    for path in (output / "units" / lost, output / "versions"):
        shutil.rmtree(path)
    (output / "CURRENT").unlink()
    assert build(output, [shard], "--unit-bytes", UNIT_BYTES) == 0
    again = helpers.records_of(output)
    assert again.keys() == records.keys()
    assert {key for key in again if again[key] != records[key]} == {lost}
    assert helpers.version_of(output) == version
    assert helpers.statistics_of(output) == statistics
    capsys.readouterr()
    assert build(output, [shard], "--unit-bytes", UNIT_BYTES) == 0
    assert capsys.readouterr().out.startswith("Nothing to do")
    # pieces of another size are cut elsewhere: none of these is one of those
    assert build(output, [shard], "--unit-bytes", UNIT_BYTES // 2) == 0
    assert helpers.statistics_of(output) == statistics
    assert len(helpers.assert_whole(helpers.version_of(output))["units"]) > len(records)


def test_manifest_says_what_the_version_was_made_from(sample):
    manifest = json.loads((helpers.version_of(sample) / "manifest.json").read_text())
    for shard, path in zip(manifest["inputs"], helpers.SHARDS, strict=True):
        status = path.stat()
        assert (shard["shard"], shard["size"]) == (path.name, status.st_size)
        assert shard["fingerprint"] == f"{status.st_size}-{status.st_mtime_ns}"
    assert manifest["configuration"]["max_bad_share"] == 0.1
    assert manifest["packages"].keys() >= {"numpy", "pyarrow"} and manifest["code"]
    assert manifest["annotations"]["rows"]["boxes"] > 100
    assert sum(unit["bytes"] for unit in manifest["units"]) == sum(
        path.stat().st_size for path in helpers.SHARDS
    )
