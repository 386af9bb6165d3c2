"""The verdict: the gravest reason first, and which limits an option lifts."""

import msgspec
import pytest

from tests.transforms.core.manifests import manifest_with, shard_with
from transforms.core.model.manifest_entries import MeasuredShare
from transforms.core.output.checks.guard import Limits, judge_check
from transforms.core.output.checks.verdict import (
    FoundNarratives,
    describe_failure,
    judge,
    judge_current,
)

DIFFERING = MeasuredShare("dataset_id_differs", "coco", "train", 5, 10, "max_differing_share")
FEWER = MeasuredShare("narratives_fewer", "coco", "train", 5, 10, "max_shrink_share")
GROUP = {"group": "coco_train", "kind": "narratives", "dataset": "coco", "split": "train",
         "shards": ["a"], "absent": [], "expected": 3, "read": 2, "rejected": 0, "missing": 1,
         "surplus": 0}  # fmt: skip


def manifest(conserved=True, bad=0, expected=(), checks=(), files=()):
    judged = [judge_check(share, Limits()) for share in checks]
    return manifest_with(
        shards=[shard_with("a", conserved=conserved)],
        counts={"lines": 100, "blank": 0, "rejected": {"wrong_type": bad}},
        bad_lines=[{"shard": "a", "line": 7, "code": "wrong_type", "message": "m"}],
        expected=list(expected),
        checks=[msgspec.to_builtins(row) for row in judged],
        files=list(files),
    )


@pytest.mark.parametrize(
    ("made", "status"),
    [
        (manifest(False, 9, [GROUP], [DIFFERING]), "not_conserved"),
        (manifest(True, 9, [GROUP], [DIFFERING]), "too_many_bad_lines"),
        (manifest(True, 1, [GROUP], [DIFFERING]), "not_as_published"),
        (manifest(True, 1, [], [DIFFERING]), "held_back"),
        (manifest(True, 1, [], [FEWER]), "held_back"),
    ],
)
def test_the_gravest_reason_comes_first(made, status):
    verdict = judge(made, Limits())
    assert verdict.status == status
    assert ("nothing was published" in verdict.message) == (status != "held_back")


def test_options_lift_their_own_limit_only():
    made = manifest(expected=[GROUP], checks=[DIFFERING])
    assert judge(made, Limits(allow_partial=True)).status == "held_back"
    assert judge(made, Limits(guard=False)).status == "not_as_published"
    assert judge(made, Limits(guard=False, allow_partial=True)) is None
    assert judge(manifest(), Limits()) is None


def test_a_current_version_is_not_judged_by_the_one_before_it():
    assert judge_current(manifest(checks=[FEWER]), Limits()) is None
    assert judge_current(manifest(checks=[DIFFERING]), Limits()).status == "held_back"
    loose = Limits(max_differing_share=0.5)
    assert judge_current(manifest(checks=[DIFFERING]), loose) is None
    assert judge_current(manifest(expected=[GROUP]), Limits()).status == "not_as_published"


def test_rejected_lines_are_found_in_units_and_in_a_version():
    paths = {"rejected/a.avro": 2, "rejected/c.avro": 1, "rejected/d.avro": 0, "mentions/a": 9}
    files = [
        {"table": path.partition("/")[0], "path": path, "rows": rows, "bytes": 1, "crc32c": 1}
        for path, rows in paths.items()
    ]
    made = manifest(files=files)
    elsewhere = {"rejected/a.avro": "out/units/a/b/r.avro", "rejected/d.avro": "out/units/d"}
    described = describe_failure(made, "out/versions/v", elsewhere, FoundNarratives)
    assert described.rejected_files == ["out/units/a/b/r.avro", "out/versions/v/rejected/c.avro"]
    of_version = describe_failure(made, "out/versions/v")
    assert of_version.rejected_files[0] == "out/versions/v/rejected/a.avro"
    assert msgspec.to_builtins(described).keys() == {
        "version", "shards", "expected", "splits", "checks", "not_compared", "counts", "bad_lines",
        "rejected_files",
    }  # fmt: skip
