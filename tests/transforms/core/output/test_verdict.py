"""The verdict: the gravest reason first, and which limits an option lifts."""

import pytest

from transforms.core.output.guard import Limits, judge_check
from transforms.core.output.verdict import describe_failure, judge, judge_current

DIFFERING = {"name": "dataset_id_differs", "dataset": "coco", "split": "train", "count": 5,
             "total": 10, "option": "max_differing_share"}  # fmt: skip
FEWER = DIFFERING | {"name": "narratives_fewer", "option": "max_shrink_share"}
GROUP = {"group": "coco_train", "shards": ["a"], "expected": 3, "read": 2, "rejected": 0,
         "missing": 1, "surplus": 0}  # fmt: skip


def manifest(conserved=True, bad=0, expected=(), checks=()):
    return {
        "version": "v",
        "shards": [{"shard": "a", "conserved": conserved}],
        "splits": [],
        "counts": {"lines": 100, "blank": 0, "rejected": {"wrong_type": bad}},
        "bad_lines": [{"shard": "a", "line": 7, "code": "wrong_type", "message": "m"}],
        "expected": list(expected),
        "checks": [judge_check(row, Limits()) for row in checks],
        "files": [],
    }


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
    made = manifest()
    made["files"] = [
        {"table": "rejected", "rows": 2, "path": "rejected/a.avro", "source": "units/a/b/r.avro"},
        {"table": "rejected", "rows": 1, "path": "rejected/c.avro"},
        {"table": "rejected", "rows": 0, "path": "rejected/d.avro"},
        {"table": "narratives", "rows": 9, "path": "narratives/a.parquet"},
    ]
    described = describe_failure(made, "out", "out/versions/v")
    assert described["rejected_files"] == [
        "out/units/a/b/r.avro", "out/versions/v/rejected/c.avro",
    ]  # fmt: skip
    assert described["version"] == "v" and "files" not in described
