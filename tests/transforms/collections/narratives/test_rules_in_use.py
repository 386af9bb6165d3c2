"""Rules with the versions that they compare with: read back as they were when they were made."""

import msgspec
import pytest

from tests import build_helpers as helpers
from transforms.collections.narratives.rules_in_use import RulesInUse, measured_tables, read_profile
from transforms.core.base.errors import UsageError
from transforms.core.model.narratives.manifest import BuildManifest
from transforms.core.output.checks.profile import KNOWN, TABLES, make_profile
from transforms.core.output.checks.rules import DriftRule, RangeRule
from transforms.core.output.jobs.narratives import NARRATIVES
from transforms.core.output.version import decode_summary
from transforms.units.merge import MergeUnits, read_record


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    output = tmp_path_factory.mktemp("out")
    boxes = helpers.ROOT / "samples" / "open_images" / "train" / "annotations-human-bbox.csv"
    assert helpers.build(output, helpers.SHARDS, "--boxes", boxes, "--tagger", "en_ud_pos") == 0
    return output


def merged(output):
    combine = MergeUnits(NARRATIVES)
    accumulator = combine.create_accumulator()
    for path in sorted(map(str, output.glob("units/*/record"))):
        accumulator = combine.add_input(accumulator, read_record(path))
    return decode_summary(combine.extract_output(accumulator), NARRATIVES)


@pytest.mark.long
def test_a_profile_that_is_read_is_that_of_the_run_that_made_the_version(output):
    folder = helpers.version_of(output)
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=BuildManifest)
    tables = measured_tables(merged(output).statistics)
    assert tables.keys() == set(TABLES)
    found = read_profile(str(folder))
    assert found == make_profile(manifest, tables)
    unknown = {"images_joined", "labels_joined"}  # there are no such files
    assert set(KNOWN) - found.whole.keys() == unknown
    assert found.terms.keys() == {"columns", "splits", "flags", "rejects", "reasons", "classes"}


def test_a_version_drifts_by_nothing_from_itself(output):
    folder = str(helpers.version_of(output))
    profile = read_profile(folder)
    drift = DriftRule(measure="words", at_most=0, severity="hold", min_narratives=0, across="all")
    tagged = DriftRule(measure="words", at_most=0, severity="hold", min_narratives=0, against="t")
    rules = RulesInUse({"words": drift, "tagged": tagged}, {"t": folder}, {"bad": "max_bad_share"})
    checks, not_compared = rules.judge(profile, folder)
    assert {row.name for row in checks} == {"words", "tagged"}
    assert all(row.passed and row.value == 0 for row in checks)
    (given,) = not_compared
    assert (given.name, given.reason) == ("bad", "option `max_bad_share` is given in its place")
    first, none = rules.judge(profile, None)
    assert {row.name for row in first} == {"tagged"}
    assert [row.name for row in none] == ["words", "bad"]


def test_ranges_alone_are_judged_again(output):
    profile = read_profile(str(helpers.version_of(output)))
    rules = RulesInUse(
        {
            "drift": DriftRule(measure="words", at_most=0, severity="hold"),
            "range": RangeRule(measure="words", at_most=1, severity="hold", across="all",
                               min_narratives=0),
        }
    )  # fmt: skip
    (row,) = rules.judge_ranges(profile)
    assert row.name == "range" and not row.passed


def test_a_version_that_is_not_there_has_no_profile(tmp_path):
    with pytest.raises(UsageError):
        read_profile(str(tmp_path / "versions" / "0123456789abcdef"))
