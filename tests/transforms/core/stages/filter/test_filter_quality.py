"""Quality rules and the calibrated threshold against the plain reference and by hand."""

import dataclasses
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reference import quality as reference
from transforms.core.stages.filter.filter_quality import (
    Evidence,
    MaxDistance,
    MaxDistancePerChar,
    MinTraceShare,
    MinWords,
    RequireTrace,
    Rule,
    filter_quality,
    judge,
)
from transforms.core.stages.filter.threshold import calibrate, exact_text


def evidence(rows, **columns):
    """Evidence of (D or None, characters); other columns are the same in all rows."""
    given_columns = {"words": 3, "trace_points": 5, "trace_seconds": 2.0, "speech_seconds": 2.0}
    return Evidence(
        distances=np.array([-1 if d is None else d for d, _ in rows], np.int64),
        characters=np.array([characters for _, characters in rows], np.int64),
        **{name: np.full(len(rows), value) for name, value in (given_columns | columns).items()},
    )


def reasons(columns, *rules):
    """Names of the reasons to discard each narrative."""
    masks, names = judge(columns, rules)
    return [[name for bit, name in enumerate(names) if mask >> bit & 1] for mask in masks.tolist()]


judged = st.tuples(st.none() | st.integers(0, 20), st.integers(1, 60))
share = st.integers(0, 100).map(lambda n: n / 100)


@given(st.lists(judged, max_size=10), st.none() | st.integers(0, 20), share)
def test_the_rules_on_distance_agree_with_the_reference(rows, most, per_char):
    rule = MaxDistancePerChar(Fraction(str(per_char))) if most is None else MaxDistance(most)
    found = reasons(evidence(rows), rule)
    expected = [
        reference.reasons(d, n, most, None if most is not None else per_char) for d, n in rows
    ]
    assert found == expected


def test_exactly_at_the_threshold_is_kept():
    # 3 / 30 is 0.1; in floats 0.1 * 30 is 3.0000000000000004 and 0.7 * 10 is 7.000000000000001
    for d, n, most in ((3, 30, "0.1"), (7, 10, "0.7"), (29, 100, "0.29")):
        rule = MaxDistancePerChar(Fraction(most))
        assert reasons(evidence([(d, n), (d + 1, n)]), rule) == [[], ["distance"]]


thresholds = (
    st.fractions(0, 3)
    | st.decimals(0, 3, places=7).map(Fraction)
    | st.sampled_from(["1e-20", "1e300", "1/7", "0.1234567", "0.12346", "1e-300"]).map(Fraction)
)


@given(
    st.lists(st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1)), max_size=10),
    thresholds,
)
def test_thresholds_per_character_are_exact(rows, share):
    rows += [(int(n * share) + more, n) for _, n in rows for more in (0, 1) if n * share < 2**31]
    found = reasons(evidence(rows), MaxDistancePerChar(share))
    assert [not own for own in found] == [Fraction(d) <= n * share for d, n in rows]


def test_a_long_decimal_does_not_overflow():
    columns = evidence([(357, 230), (28, 230), (29, 230)])
    # as a chunk has them: int32
    columns = dataclasses.replace(
        columns,
        distances=columns.distances.astype(np.int32),
        characters=columns.characters.astype(np.int32),
    )
    for most in ("0.1234567", "0.12346"):
        found = reasons(columns, MaxDistancePerChar(Fraction(most)))
        assert found == [["distance"], [], ["distance"]]


@given(thresholds)
def test_a_threshold_is_recorded_so_that_it_reads_the_same(share):
    assert Fraction(exact_text(share)) == share


def test_a_threshold_is_recorded_as_a_decimal_where_it_is_one():
    texts = {"0.1234567": "0.1234567", "1/4": "0.25", "1/7": "1/7", "3": "3", "0": "0", "2e-9": ""}
    for given_text, text in texts.items():
        assert exact_text(Fraction(given_text)) == (text or "0.000000002")


def test_other_rules_by_hand():
    rows = [(0, 10)]
    cases = [
        ([], {"words": 0, "trace_points": 0}, []),
        ([RequireTrace()], {"trace_points": 0}, ["no_trace"]),
        ([RequireTrace()], {"trace_points": 1}, []),
        ([MinWords(3)], {"words": 2}, ["few_words"]),
        ([MinWords(3)], {"words": 3}, []),
        ([MinTraceShare(0.5)], {"trace_seconds": 1.0}, []),
        ([MinTraceShare(0.5)], {"trace_seconds": 0.9}, ["trace_shorter_than_speech"]),
    ]
    for rules, columns, expected in cases:
        assert reasons(evidence(rows, **columns), *rules) == [expected]


def test_all_reasons_are_given():
    rules = [MaxDistance(1), RequireTrace(), MinTraceShare(0.5), MinWords(9)]
    columns = {"words": 1, "trace_points": 0, "trace_seconds": 0.0}
    others = ["no_trace", "trace_shorter_than_speech", "few_words"]
    assert reasons(evidence([(2, 10), (None, 10)], **columns), *rules) == [
        ["distance", *others],
        ["no_distance", *others],
    ]


def test_rules_with_a_reason_in_common_are_refused():
    with pytest.raises(ValueError, match="max_distance and max_distance_per_char .* same reason"):
        judge(evidence([(1, 1)]), [MaxDistance(1), MaxDistancePerChar(Fraction(1))])


@dataclasses.dataclass(frozen=True)
class NotOf(Rule):
    """A rule from outside: one class. Discards the narratives of an annotator."""

    name = "not_of"
    reasons = ("annotator",)
    limit: int

    def violated(self, evidence):
        return (evidence.narratives["annotator_id"].to_numpy() == self.limit,)


def test_a_rule_from_outside_is_one_class(finished):
    ids = finished["narratives"]["annotator_id"].to_pylist()
    unwanted = ids[0]
    chunk = filter_quality(finished, [MinWords(1), NotOf(unwanted)])
    assert chunk["discarded"]["reasons"].to_pylist() == [["annotator"]] * ids.count(unwanted)
    assert unwanted not in chunk["narratives"]["annotator_id"].to_pylist()
    assert (
        len(chunk["narratives"]) + len(chunk["discarded"]) == len(ids) > len(chunk["discarded"]) > 0
    )


@given(st.lists(judged, max_size=25), share, st.booleans())
def test_the_calibrated_threshold_is_the_smallest_of_all_that_do(rows, most, per_char):
    counts = Counter((-1 if d is None else d, n) for d, n in rows)
    badness = reference.distances_per_character(rows) if per_char else [d for d, _ in rows]
    expected = reference.calibrate(badness, most)
    if expected is None:
        with pytest.raises(ValueError, match="no distance"):
            calibrate(counts, most, per_char)
        return
    threshold = calibrate(counts, most, per_char)
    assert threshold == expected
    assert isinstance(threshold, Fraction if per_char else int)


@given(st.lists(judged, min_size=1, max_size=25), share, st.booleans())
def test_the_calibrated_threshold_discards_at_most_the_share(rows, most, per_char):
    counts = Counter((-1 if d is None else d, n) for d, n in rows)
    try:
        threshold = calibrate(counts, most, per_char)
    except ValueError:
        assert sum(d is None for d, _ in rows) > Fraction(str(most)) * len(rows)
        return
    rule = MaxDistancePerChar if per_char else MaxDistance

    def discarded(value):
        return sum(map(bool, reasons(evidence(rows), rule(value))))

    assert discarded(threshold) <= Fraction(str(most)) * len(rows)
    if threshold > 0:  # any smaller one discards too many
        smaller = threshold - (Fraction(1, 10_000) if per_char else 1)
        assert discarded(smaller) > Fraction(str(most)) * len(rows)
