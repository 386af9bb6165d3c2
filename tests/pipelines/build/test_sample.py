"""`--sample`: the narratives whose keys have such hashes, in any run, and every line counted."""

import gzip
import hashlib
import json
import re
from fractions import Fraction

import pytest

from tests import build_helpers as helpers
from tests.pipelines.build.test_build_expected import CATALOG, ovis
from tests.reference import reading

SHARDS = helpers.SHARDS


def keys_of(shards):
    """Keys of all good lines as the files hold them, by an independent reader."""
    found = []
    for shard in shards:
        records, _, _ = reading.read_shard(shard, shard.name)
        found += [(record["image_id"], record["annotator_id"]) for record in records]
    return found


def is_chosen(key, share):
    """Whether a key is in the sample of a share, as a fraction of text: by hexadecimal digits."""
    digits = hashlib.sha256("/".join(map(str, key)).encode()).hexdigest()[:16]
    return Fraction(int(digits, 16), 16**16) < Fraction(share)


def sampled(output):
    rows = helpers.rows_of(output, "narratives") + helpers.rows_of(output, "discarded")
    return sorted((row["image_id"], row["annotator_id"]) for row in rows)


@pytest.fixture(scope="module")
def tenth(tmp_path_factory):
    """A sample of 30 % of the sample shards."""
    output = tmp_path_factory.mktemp("tenth") / "out"
    assert helpers.build(output, SHARDS, "--sample", "30%") == 0
    return output


def test_the_narratives_are_those_whose_hash_is_below_the_share(tenth):
    keys = keys_of(SHARDS)
    wanted = sorted(key for key in keys if is_chosen(key, "0.3"))
    assert sampled(tenth) == wanted and 0 < len(wanted) < len(keys)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param(("--unit-bytes", 20_000), marks=pytest.mark.long),
        ("--unit-bytes", 150_001),
        pytest.param(("--workers", 2, "--unit-bytes", 300_000), marks=pytest.mark.long),
    ],
)
def test_units_and_workers_have_no_say(tenth, tmp_path, more):
    assert helpers.build(tmp_path / "out", SHARDS, "--sample", 0.3, *more) == 0
    helpers.assert_same_results(tenth, tmp_path / "out")


@pytest.mark.long
def test_a_compressed_shard_has_the_same_sample(tmp_path):
    shard = tmp_path / f"{helpers.REAL.name}.gz"
    shard.write_bytes(gzip.compress(helpers.REAL.read_bytes()))
    for output, given in (("plain", helpers.REAL), ("gz", shard)):
        assert helpers.build(tmp_path / output, [given], "--sample", "0.5") == 0
    assert sampled(tmp_path / "plain") == sampled(tmp_path / "gz") != []


def test_a_smaller_sample_is_a_part_of_a_larger_one_and_shares_no_unit(tenth, tmp_path):
    assert helpers.build(tmp_path / "out", SHARDS, "--sample", "0.1") == 0
    smaller, larger = sampled(tmp_path / "out"), sampled(tenth)
    assert set(smaller) < set(larger)
    assert not helpers.records_of(tenth).keys() & helpers.records_of(tmp_path / "out").keys()


def test_every_line_has_an_outcome_and_all_say_that_it_is_a_sample(tenth):
    manifest = helpers.assert_whole(helpers.version_of(tenth))
    counts, good = manifest["counts"], keys_of(SHARDS)
    assert counts["left_out"] == len(good) - len(sampled(tenth))
    assert sum(counts["rejected"].values()) == 7  # they have no key, and are all there
    for row in manifest["shards"]:
        parts = ("narratives", "discarded", "rejected", "blank", "left_out")
        assert row["conserved"] and row["lines"] == sum(row[part] for part in parts)
    assert manifest["sample"]["share"] == 0.3 and "SHA-256" in manifest["sample"]["hash"]
    words = "a sample of 30 % of the narratives, by the hash of their keys"
    folder = helpers.version_of(tenth)
    report = (folder / "report.html").read_text()
    assert words in report and "left out by the sample" in report and "✓ holds" in report
    assert words in (folder / "README.md").read_text()


@pytest.mark.long
def test_the_summary_has_the_law_with_what_is_left_out(tmp_path, capsys):
    assert helpers.build(tmp_path / "out", [helpers.ODD_AND_BAD], "--sample", "10%") == 0
    printed = capsys.readouterr().out
    assert "Lines = narratives + discarded + rejected + blank + left out\n" in printed
    left = helpers.manifest_of(tmp_path / "out")["counts"]["left_out"]
    assert re.search(rf"\n +22 +\d+ +0 +7 +2 +{left} +148,508  holds\n", printed)
    assert "Not everything: a sample of 10 % of the narratives" in " ".join(printed.split())
    assert helpers.build(tmp_path / "out", [helpers.ODD_AND_BAD], "--sample", "10%",
                         "--summary", "json") == 0  # fmt: skip
    shown = json.loads(capsys.readouterr().out)
    assert shown["sample"]["share"] == 0.1 and shown["conservation"]["total"]["left_out"] == left


@pytest.mark.long
def test_a_sample_that_is_empty_is_published(tmp_path):
    assert helpers.build(tmp_path / "out", [helpers.REAL], "--sample", "0.0001") == 0
    counts = helpers.manifest_of(tmp_path / "out")["counts"]
    assert (counts["narratives"], counts["left_out"]) == (0, 22)


@pytest.mark.long
def test_a_sample_of_all_is_no_sample(tmp_path, capsys):
    assert helpers.build(tmp_path / "out", [helpers.REAL]) == 0
    assert helpers.build(tmp_path / "out", [helpers.REAL], "--sample", "100%") == 0
    assert "Nothing to do" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("second", "code"), [((3, 4, 5), 0), pytest.param((3, 4), 3, marks=pytest.mark.long)]
)
def test_published_counts_are_compared_with_all_that_was_read(tmp_path, capsys, second, code):
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text(CATALOG)
    shards = [ovis(tmp_path, 0, 0, 1, 2), ovis(tmp_path, 1, *second)]
    flags = ("--catalog", catalog, "--sample", "0.5")
    assert helpers.build(tmp_path / "out", shards, *flags) == code
    printed = capsys.readouterr()
    if code:
        assert "expected 6, read 5, missing 1" in printed.err
        return
    left = helpers.manifest_of(tmp_path / "out")["counts"]["left_out"]
    said = f"expected 6, read 6; a sample: {left} of those read are left out"
    assert 0 < left < 6 and said in " ".join(printed.out.split()) and "PARTIAL" not in printed.out


@pytest.mark.long
def test_a_threshold_is_calibrated_over_the_sample(tmp_path):
    flags = ("--sample", "0.4", "--discard-share", "0.2")
    assert helpers.build(tmp_path / "out", [helpers.ODD_AND_BAD, helpers.REAL], *flags) == 0
    manifest = helpers.manifest_of(tmp_path / "out")
    counted = manifest["counts"]["narratives"] + manifest["counts"]["discarded_narratives"]
    (path,) = (tmp_path / "out" / "calibrations").iterdir()
    assert sum(row[-1] for row in rows_in(json.loads(path.read_text()))) == counted


def rows_in(value):
    """Rows of numbers, wherever in a JSON value they are."""
    if isinstance(value, list) and value and not isinstance(value[0], list | dict):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [row for own in inner for row in rows_in(own)]


@pytest.mark.long
def test_what_is_judged_again_is_the_same_sample(tenth, tmp_path):
    """Units of tables in place of shards know how many lines the sample has left out."""
    for output, first in (("again", ("--min-words", 1)), ("once", ())):
        if first:
            assert helpers.build(tmp_path / output, SHARDS, "--sample", 0.3, *first) == 0
        assert helpers.build(tmp_path / output, SHARDS, "--sample", 0.3, "--min-words", 8) == 0
    helpers.assert_same_results(tmp_path / "again", tmp_path / "once")
    counts = [helpers.manifest_of(tmp_path / name)["counts"] for name in ("again", "once")]
    assert counts[0] == counts[1] and counts[0]["left_out"]
