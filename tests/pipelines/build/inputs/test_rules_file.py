"""The file of checks: the shipped one lets the published set pass, and what wrong ones are told."""

import dataclasses

import pytest

from pipelines.build.inputs.rules_file import SHIPPED, read_rules, rules_in_use
from tests.transforms.core.output.checks.profiles import COCO, OPEN_IMAGES, measuring, profile
from transforms.core.base.errors import UsageError
from transforms.core.output.checks.comparison import check_rules
from transforms.core.output.checks.profile import FLAGGED, KNOWN, MEANS
from transforms.core.output.checks.rules import RangeRule

BEFORE = profile("before", 450_000)
"""All that was published, with the paper's figures."""

RULES = read_rules(None)


def distribution(table, counts):
    own = dict.fromkeys((OPEN_IMAGES, COCO), counts)
    return dataclasses.replace(BEFORE, distributions=BEFORE.distributions | {table: own})


def terms(vocabulary, **changes):
    own = {**BEFORE.terms[vocabulary], **changes}
    kept = {term: number for term, number in own.items() if number}
    return dataclasses.replace(BEFORE, terms=BEFORE.terms | {vocabulary: kept})


DRIFTED = {
    "paper_words": measuring(BEFORE, "words", 33, None),
    "paper_nouns": measuring(BEFORE, "nouns", 12, None),
    "paper_pronouns": measuring(BEFORE, "pronouns", 4.1, None),
    "paper_adjectives": measuring(BEFORE, "adjectives", 1.3, None),
    "paper_adpositions": measuring(BEFORE, "adpositions", 5.3, None),
    "paper_verbs": measuring(BEFORE, "verbs", 3.6, None),
    "paper_narration": measuring(BEFORE, "narration_seconds", 25, None),
    "published_words": measuring(BEFORE, "words", 10.5),
    "published_nouns": measuring(BEFORE, "nouns", 3.6),
    "narratives": measuring(BEFORE, "narratives", 600_000),
    "mentions": measuring(BEFORE, "mentions", 1_400_000),
    "words": measuring(BEFORE, "words", 32),
    "words_far": measuring(BEFORE, "words", 18.1),
    "nouns": measuring(BEFORE, "nouns", 12),
    "narration": measuring(BEFORE, "narration_seconds", 30),
    "trace_points": measuring(BEFORE, "trace_points", 500),
    "distance": measuring(BEFORE, "distance", 3),
    "distance_far": measuring(BEFORE, "distance", 25),
    "inside_box": measuring(BEFORE, "points_inside_box", 0.74),
    "inside_box_far": measuring(BEFORE, "points_inside_box", 0.5),
    "images_joined": measuring(BEFORE, "images_joined", 0.9),
    "labels_joined": measuring(BEFORE, "labels_joined", 0.9),
    "boxes_joined": measuring(BEFORE, "boxes_joined", 0.8),
    "boxed": measuring(BEFORE, "mentions_with_box", 0.4),
    "discarded": measuring(BEFORE, "discarded", 0.3),
    "rejected": measuring(BEFORE, "rejected", 0.0065, None),
    "flagged": measuring(BEFORE, "flagged_no_trace", 0.07, None),
    "flagged_far": measuring(BEFORE, "flagged_outside_image", 0.6, None),
    "nouns_per_caption": distribution("noun_counts", {10: 30, 11: 70}),
    "nouns_per_caption_far": distribution("noun_counts", {10: 1}),
    "distances": distribution("distances", {0: 80, 1: 10, 2: 10}),
    "distances_far": distribution("distances", {100: 1}),
    "columns": terms("columns", **{"narratives.caption (string)": 0}),
    "new_splits": terms("splits", **{"coco validation": 0}),
    "new_flags": terms("flags", no_trace=0),
    "new_rejects": terms("rejects", too_deep=10),
    "new_reasons": terms("reasons", min_words=10),
    "classes": terms("classes", Lizzard=100),
}
"""A version that has drifted, for each check of the shipped file."""


def broken(now, before=BEFORE):
    checks, not_compared = check_rules(RULES, now, {"previous": before})
    assert not not_compared
    return {row.name for row in checks if not row.passed}


def test_the_published_set_passes_all_shipped_checks():
    assert broken(dataclasses.replace(BEFORE, version="now")) == set()


@pytest.mark.parametrize("name", RULES)
def test_a_drift_fails_each_shipped_check(name):
    found = broken(DRIFTED[name])
    assert name in found
    assert {RULES[other].severity for other in found} <= {"warn", RULES[name].severity}
    assert len(found) <= 4


def test_a_small_version_is_not_judged_by_drift():
    small = profile("small", 100)
    checks, not_compared = check_rules(RULES, small, {"previous": small})
    assert {row.name for row in checks} == {"columns"}
    assert len(not_compared) == len(RULES) - 1


def write(folder, text):
    path = folder / "c.yaml"
    path.write_text(text)
    return str(path)


DRIFT = "kind: drift, measure: words, at_most: 10%, severity: warn"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at its top: must hold `name: {kind: …}` entries below `checks`"),
        ("check: {}", "at `checks`: must be given"),
        ("checks: {a: 3}", "at `checks.a`: must be"),
        ("checks: {a: {}}", "at `checks.a.kind`: must be one of range, drift, jensen_shannon"),
        ("checks: {a: {kind: ranges}}", "at `checks.a.kind`: must be one of range, drift"),
        ("checks: {a: {kind: range, measure: words, at_least: 3}}",
         "at `checks.a.severity`: must be given"),
        ("checks: {a: {kind: range, measure: words, severity: hold}}",
         "at `checks.a`: give `at_least`, `at_most` or both"),
        ("checks: {a: {kind: range, measure: words, at_least: 2, at_most: 1, severity: hold}}",
         "at `checks.a`: `at_least` and `at_most` must be numbers, the first not the greater"),
        ("checks: {a: {kind: drift, measure: wrds, at_most: 1, severity: hold}}",
         "at `checks.a`: no measure is called `wrds`; did you mean `words`?"),
        ("checks: {a: {kind: drift, measure: words, at_most: -1, severity: hold}}",
         "at `checks.a`: `at_most` must be a number of at least 0"),
        ("checks: {a: {kind: drift, measure: words, at_most: .nan, severity: hold}}",
         "at `checks.a`: `at_most` must be a number of at least 0"),
        ("checks: {a: {kind: drift, measure: words, at_most: much, severity: hold}}",
         "at `checks.a.at_most`: must be a valid number"),
        ("checks: {a: {kind: drift, measure: words, at_most: 1, severity: stop}}",
         "at `checks.a.severity`: must be 'warn' or 'hold'"),
        (f"checks: {{a: {{{DRIFT}, against: a/b}}}}", "no tag can be called `a/b`"),
        (f"checks: {{a: {{{DRIFT}, agianst: b}}}}", "at `checks.a.agianst`: there is no such key"),
        (f"checks: {{a: {{{DRIFT}, across: all, datasets: [coco]}}}}",
         "`datasets` goes with checks of single splits"),
        (f"checks: {{A b: {{{DRIFT}}}}}", "at `checks.A b`: string should match pattern"),
        (f"checks: {{a: {{{DRIFT}}}, a: {{{DRIFT}}}}}", "the key `a` is there already"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_file_and_key(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        read_rules(path)
    assert str(caught.value).startswith(path) and message in str(caught.value)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(UsageError, match="nowhere.yaml"):
        read_rules(str(tmp_path / "nowhere.yaml"))


def test_shares_may_be_written_as_percentages(tmp_path):
    rules = read_rules(write(tmp_path, f"checks: {{a: {{{DRIFT}}}}}"))
    assert rules["a"].at_most == 0.1


def test_tags_are_those_of_the_output(tmp_path):
    folder = tmp_path / "out" / "tags"
    folder.mkdir(parents=True)
    (folder / "paper").write_text("0123456789abcdef\n")
    tagged = "against: paper", "against: other"
    lines = [f"{name}: {{{DRIFT}, {tag}}}" for name, tag in zip("ab", tagged, strict=True)]
    rules = read_rules(write(tmp_path, f"checks: {{{', '.join(lines)}}}"))
    used = rules_in_use(rules, set(), str(tmp_path / "out"))
    there = str(tmp_path / "out" / "versions" / "0123456789abcdef")
    assert used.tagged == {"paper": there, "other": None}


def test_every_measure_is_documented():
    text = (SHIPPED.parents[3] / "docs" / "operations.md").read_text()
    for name in {*KNOWN, "flagged"} - FLAGGED.keys() - set(MEANS):
        assert f"`{name}`" in text, name
    assert any(isinstance(rule, RangeRule) and rule.published for rule in RULES.values())
