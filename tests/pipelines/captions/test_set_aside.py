"""Files that units set aside are in no version, compared before they are used, and pruned."""

import json
import re

import pyarrow.parquet as pq
import pytest

from pipelines.captions.job import main
from pipelines.versions.commands import main as versions
from tests import build_helpers as helpers
from tests.pipelines.versions.helpers import copy_output
from transforms.core.output.commit_records import decode_record, encode_record

ITEMS = [{"image_id": i // 3, "id": i % 250, "caption": f"a cat {i}"} for i in range(300)]


def run(output, path, *more):
    return main(["--input", str(path), "--output", str(output), "--tagger", "none",
                 "--unit-bytes", "4096", *map(str, more)])  # fmt: skip


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    path = tmp_path_factory.mktemp("in") / "captions_train.json"
    path.write_text(
        json.dumps({"annotations": ITEMS + ITEMS[:20]})
    )  # the last unit has the first's
    return path


@pytest.fixture(scope="module")
def original(tmp_path_factory, document):
    """An output of some units, whose ids repeat from one to another."""
    output = tmp_path_factory.mktemp("original") / "out"
    assert run(output, document) == 0
    return output


@pytest.fixture
def output(tmp_path, original):
    return copy_output(original, tmp_path / "out")


def aside(output):
    return sorted(output.glob("units/*/*/digests.parquet"))


def richness(output):
    (row,) = helpers.rows_of(output, "richness")
    return {name: row[name] for name in ("captions", "images", "repeated")}


EXPECTED = {"captions": 320, "images": 100, "repeated": 40}


def test_ids_that_repeat_in_other_units_are_counted(output):
    assert richness(output) == EXPECTED and len(aside(output)) > 3
    helpers.assert_complete(helpers.version_of(output))
    helpers.assert_nothing_abandoned(output)
    records = [decode_record(path.read_bytes()) for path in output.glob("units/*/record")]
    named = [file for record in records for file in record.aside]
    assert {output / file.path for file in named} == set(aside(output))
    for file in named:
        assert (output / file.path).stat().st_size == file.bytes
        assert pq.read_metadata(output / file.path).num_rows == file.rows
    assert {file.table for record in records for file in record.files} == {"captions"}


def test_a_run_that_resumes_counts_what_was_set_aside_before(output, document):
    before = (helpers.version_of(output) / "richness" / "richness.parquet").read_bytes()
    (output / "CURRENT").unlink()
    next(output.glob("versions/*/manifest.json")).unlink()
    sorted(output.glob("units/*/record"))[1].unlink()
    assert run(output, document) == 0
    assert (helpers.version_of(output) / "richness" / "richness.parquet").read_bytes() == before


@pytest.mark.parametrize("fault", ["changed", "gone"])
def test_a_damaged_one_is_done_again(output, document, capsys, fault):
    (output / "CURRENT").unlink()
    next(output.glob("versions/*/manifest.json")).unlink()
    if fault == "gone":
        aside(output)[1].unlink()
    else:
        helpers.flip_bit(aside(output)[1], 1_000)
    assert run(output, document) == 4
    assert "1 finished unit(s) were corrupt and removed" in capsys.readouterr().err
    assert run(output, document) == 0
    assert richness(output) == EXPECTED


def test_prune_takes_them_with_their_units(output, document):
    old = set(aside(output))
    assert run(output, document, "--split", "val") == 0
    assert old < set(aside(output))
    arguments = ["--output", str(output), "--keep-last", "1", "--grace", "0"]
    assert versions(["prune", *arguments]) == 0
    assert not old & set(aside(output)) and len(aside(output)) == len(old)


def test_a_version_is_made_again_of_them(output):
    table = helpers.version_of(output) / "richness" / "richness.parquet"
    before = table.read_bytes()
    helpers.flip_bit(table, 100)
    assert versions(["verify", "--output", str(output)]) == 3
    assert versions(["verify", "--repair", "--output", str(output)]) == 0
    assert table.read_bytes() == before


def test_a_version_of_an_older_program_is_not_made_again_wrongly(output, capsys):
    for path in output.glob("units/*/record"):
        record = decode_record(path.read_bytes())
        record.statistics["richness"] = record.statistics.pop("captions")
        record.aside.clear()
        path.write_bytes(encode_record(record))
    table = helpers.version_of(output) / "richness" / "richness.parquet"
    helpers.flip_bit(table, 100)
    damaged = table.read_bytes()
    assert versions(["verify", "--repair", "--output", str(output)]) == 3
    assert re.search(r"richness\.parquet", capsys.readouterr().out)
    assert table.read_bytes() == damaged
