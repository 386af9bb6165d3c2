"""Rules of a file of checks: what is judged, by which bounds, and what is not."""

import dataclasses
import math

import pytest

from tests.transforms.core.output.checks.profiles import COCO, OPEN_IMAGES, measuring, profile
from transforms.core.output.checks.comparison import check_rules, drift
from transforms.core.output.checks.rules import (
    ChangesRule,
    DivergenceRule,
    DriftRule,
    RangeRule,
    under_options,
)
from transforms.core.output.checks.wording import describe_rule

BEFORE = profile("before")


def judge(rule, now, before=BEFORE):
    return check_rules({"rule": rule}, now, {"previous": before, "paper": "there is no such tag"})


def rows(rule, now, before=BEFORE):
    """The rows of a rule that judges something."""
    checks, not_compared = judge(rule, now, before)
    assert checks and not not_compared
    return checks


def failures(rule, now, before=BEFORE):
    return [(row.dataset, row.split) for row in rows(rule, now, before) if not row.passed]


def why_not(rule, now, before=BEFORE):
    checks, (found,) = judge(rule, now, before)
    assert not checks and found.name == "rule"
    return found.reason


def warn(kind, **values):
    return kind(severity="warn", **values)


def test_a_range_has_two_bounds_of_which_each_may_be_left_out():
    now = profile()
    for least, most, passed in [
        (36.5, 36.5, True),
        (None, 36.5, True),
        (36.5, None, True),
        (36.6, None, False),
        (None, 36.4, False),
        (20, 36, False),
    ]:
        rule = warn(RangeRule, measure="words", at_least=least, at_most=most)
        assert [row.passed for row in rows(rule, now)] == [passed, passed]
    (row, _) = rows(warn(RangeRule, measure="words", at_least=30, at_most=36), now)
    assert (row.value, row.now, row.limit, row.count, row.total) == (36.5, 36.5, 36, 3_650_000,
                                                                     100_000)  # fmt: skip
    assert (row.kind, row.severity, row.option) == ("range", "warn", "checks")
    assert describe_rule(row).startswith("words of open_images train is 36.500, expected 30 to 36 ")


def test_a_range_is_of_the_datasets_and_the_published_splits_that_it_names():
    lacking = profile(published=frozenset([COCO]))
    rule = warn(RangeRule, measure="words", at_most=1, published=True)
    assert failures(rule, lacking) == [COCO]
    assert failures(dataclasses.replace(rule, published=False), lacking) == [OPEN_IMAGES, COCO]
    of_one = warn(RangeRule, measure="words", at_most=1, datasets=("open_images",))
    assert failures(of_one, lacking) == [OPEN_IMAGES]
    whole = dataclasses.replace(rule, across="all")
    assert why_not(whole, lacking) == (
        "no published split was read completely with 1,000 narratives"
    )
    assert failures(whole, profile()) == [(None, None)]


def test_a_drift_is_relative_or_absolute_and_both_ways():
    relative = warn(DriftRule, measure="words", by="relative", at_most=0.1)
    absolute = warn(DriftRule, measure="points_inside_box", by="absolute", at_most=0.05)
    for rule, name, value, passed in [
        (relative, "words", 36.5 * 1.1, True),
        (relative, "words", 36.5 * 0.9, True),
        (relative, "words", 40.3, False),
        (relative, "words", 32.7, False),
        (absolute, "points_inside_box", 0.85, True),
        (absolute, "points_inside_box", 0.75, True),
        (absolute, "points_inside_box", 0.86, False),
        (absolute, "points_inside_box", 0.74, False),
    ]:
        expected = [] if passed else [OPEN_IMAGES]
        assert failures(rule, measuring(BEFORE, name, value)) == expected
    (row, _) = rows(relative, measuring(BEFORE, "words", 29.2))
    assert row.value == pytest.approx(0.2) and (row.now, row.before) == (29.2, 36.5)
    assert (row.kind, row.baseline, row.limit) == ("relative_drift", "before", 0.1)
    assert "is 29.200 and was 36.500 in version before: 20.0 % from it, above 10 %" in (
        describe_rule(row)
    )


def test_from_nothing_to_something_is_a_whole():
    assert drift(0, 0, relative=True) == 0 and drift(5, 0, relative=True) == 1
    assert drift(5, 0, relative=False) == 5 and drift(-1, 1, relative=True) == 2


def test_all_flags_are_judged_one_by_one_and_of_all_splits():
    rule = warn(DriftRule, measure="flagged", by="absolute", at_most=0.05)
    now = measuring(BEFORE, "flagged_no_trace", 0.5, None)
    bad = [row.measure for row in rows(rule, now) if not row.passed]
    assert bad == ["flagged_no_trace"] and len(rows(rule, now)) > 10
    rejected = warn(DriftRule, measure="rejected", by="absolute", at_most=0.005)
    assert failures(rejected, measuring(BEFORE, "rejected", 0.0061, None)) == [(None, None)]
    assert not failures(rejected, measuring(BEFORE, "rejected", 0.0059, None))


def test_a_distribution_is_compared_by_its_divergence():
    rule = warn(DivergenceRule, of="noun_counts", at_most=0.3)
    one_sided = profile(
        distributions={"noun_counts": {OPEN_IMAGES: {10: 100_000}, COCO: {10: 1, 11: 1}}}
    )
    (first, second) = rows(rule, one_sided)
    by_hand = (0.5 * math.log2(2 / 3) + 0.5 * math.log2(2) + math.log2(4 / 3)) / 2
    assert first.value == pytest.approx(by_hand) == pytest.approx(0.3112781245)
    assert not first.passed and second.passed and second.value == 0
    assert (first.count, first.total) == (100_000, 100_000)
    assert "Jensen-Shannon divergence of 0.3113 bits, above 0.3" in describe_rule(first)


def test_distances_are_compared_by_their_magnitude():
    """D of 2 and 3 are one class, 1 and 2 are not."""
    rule = warn(DivergenceRule, of="distances", at_most=0.1)
    n = 100_000
    same = {split: {0: n // 2, 1: n // 4, 3: n // 4} for split in (OPEN_IMAGES, COCO)}
    assert not failures(rule, profile(distributions={"distances": same}))
    other = same | {COCO: {0: n // 2, 2: n // 2}}
    assert failures(rule, profile(distributions={"distances": other})) == [COCO]


def test_terms_that_appear_and_vanish_are_counted():
    rule = warn(ChangesRule, of="classes", min_count=100)
    now = profile(terms={"classes": {"Person": 1, "Dog": 100, "Cat": 99}})
    (row,) = rows(rule, now)
    assert row.details == ["+Dog", "-Car"] and (row.value, row.limit, row.passed) == (2, 0, False)
    assert (row.count, row.total) == (2, 5)
    assert "has 2 changes against version before, above 0: +Dog, -Car" in describe_rule(row)
    (row,) = rows(dataclasses.replace(rule, vanish=False), now)
    assert row.details == ["+Dog"]
    assert rows(dataclasses.replace(rule, at_most=2), now)[0].passed
    assert rows(dataclasses.replace(rule, min_count=1), now)[0].count == 4


def test_a_column_of_another_type_has_changed():
    rule = warn(ChangesRule, of="columns", min_narratives=0)
    now = profile(terms={"columns": {"narratives.caption (int32)": 1,
                                     "narratives.trace (struct)": 1}})  # fmt: skip
    (row,) = rows(rule, now)
    assert row.details == ["+narratives.caption (int32)", "-narratives.caption (string)"]


def test_what_cannot_be_compared_is_said():
    rule = warn(DriftRule, measure="words", at_most=0.1)
    assert why_not(dataclasses.replace(rule, against="paper"), profile()) == "there is no such tag"
    small = profile("small", 999)
    assert why_not(rule, profile(), small) == (
        "there is no split with 1,000 narratives in both versions"
    )
    untagged = profile("untagged", splits={OPEN_IMAGES: {}, COCO: {}})
    assert why_not(rule, untagged) == "words is not known of untagged or before"
    older = profile("older", distributions={}, terms={})
    of_distances = warn(DivergenceRule, of="distances", at_most=0.1)
    assert why_not(of_distances, profile(), older) == "distances is not known of now or older"
    of_columns = warn(ChangesRule, of="columns")
    assert why_not(of_columns, profile(), older) == "columns is not known of now or older"


def test_an_option_that_is_given_wins_over_the_file():
    rules = {
        "rejected": warn(RangeRule, measure="rejected", at_most=0.1),
        "joined": warn(RangeRule, measure="boxes_joined", at_least=0.5, at_most=0.8),
        "shrunk": warn(DriftRule, measure="narratives", at_most=0.1),
        "words": warn(RangeRule, measure="words", at_most=1),
    }
    assert under_options(rules, set()) == (rules, {})
    kept, left_out = under_options(rules, {"max_bad_share", "min_joined_share", "tagger"})
    assert left_out == {"rejected": "max_bad_share"}
    assert kept.keys() == {"joined", "shrunk", "words"}
    assert (kept["joined"].at_least, kept["joined"].at_most) == (None, 0.8)
    kept, left_out = under_options(rules, {"max_shrink_share"})
    assert not left_out
    assert not failures(kept["shrunk"], measuring(BEFORE, "narratives", 10))
    assert failures(rules["shrunk"], measuring(BEFORE, "narratives", 10)) == [OPEN_IMAGES]
    assert failures(kept["shrunk"], measuring(BEFORE, "narratives", 200_000)) == [OPEN_IMAGES]
