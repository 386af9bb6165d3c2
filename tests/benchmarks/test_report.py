"""The table and the JSON file."""

import json

import pytest

from benchmarks.figures import FIGURES, Figure, Row, select
from benchmarks.report import entries_of, lines_of, write_json

FIGURE = Figure(
    "B1",
    "speed:main_job",
    (
        Row("job / decode", lambda r: (r["job"] - r["start"], r["decode"]), at_most=1.3),
        Row("with start-up", lambda r: (r["job"], r["decode"])),
    ),
)
ROUNDS = [
    {"job": 5.0, "start": 1.0, "decode": 4.0},
    {"job": 9.0, "start": 1.0, "decode": 4.0},
    {"job": 3.0, "start": 1.0, "decode": 4.0},
]


def test_each_ratio_is_of_one_round():
    first, second = entries_of(FIGURE, ROUNDS)
    assert first["ratios"] == [1.0, 2.0, 0.5]
    assert (first["median"], first["low"], first["high"], first["met"]) == (1.0, 0.5, 2.0, True)
    assert (second["median"], second["met"]) == (1.25, None)


def test_the_table_has_median_range_target_and_verdict():
    rows = [line.split() for line in lines_of(FIGURE, ROUNDS)]
    assert rows[0] == "B1 job / decode 1.00 0.50 to 2.00 ≤ 1.3 met".split()
    assert rows[1] == "with start-up 1.25 0.75 to 2.25 reported".split()
    assert " ".join(rows[2]) == "medians of 3: job 5.00 s, start 1.00 s, decode 4.00 s"


def test_a_missed_target_is_said():
    slow = [round_ | {"decode": 1.0} for round_ in ROUNDS]
    assert lines_of(FIGURE, slow)[0].endswith("MISSED")


def test_two_trees_are_compared_round_by_round():
    others = [round_ | {"decode": decode} for round_, decode in zip(ROUNDS, (2, 4, 8), strict=True)]
    lines = [line.split() for line in lines_of(FIGURE, ROUNDS, others)]
    assert lines[1] == "of the other 2.00 0.25 to 2.00".split()
    assert lines[2] == "this / other 1.00 0.50 to 2.00".split()
    assert entries_of(FIGURE, ROUNDS, others)[0]["other"]["ratios"] == [2.0, 2.0, 0.25]


def test_what_is_too_small_is_said_and_is_null_in_the_file(tmp_path):
    tiny = [round_ | {"start": 9.0} for round_ in ROUNDS]
    assert "too small" in lines_of(FIGURE, tiny)[0]
    write_json(tmp_path / "results" / "run.json", {"figures": entries_of(FIGURE, tiny)})
    found = json.loads((tmp_path / "results" / "run.json").read_text())["figures"][0]
    assert (found["median"], found["met"], found["ratios"]) == (None, None, [None] * 3)


def test_figures_are_chosen_by_name_or_number():
    assert [figure.name for figure in select(["B3", "B1", "B10b"], comparing=False)] == [
        "B1", "B3a", "B3b", "B10b"
    ]  # fmt: skip
    named = [figure for figure in FIGURES if figure.on_request]
    assert [*select(None, comparing=False), *named] == list(FIGURES)
    assert select([figure.name for figure in named], comparing=False) == named
    assert "B4" not in [figure.name for figure in select(None, comparing=True)]


@pytest.mark.parametrize(("names", "comparing"), [(["B1", "B99"], False), (["B4"], True)])
def test_a_figure_that_is_not_there_is_refused(names, comparing):
    with pytest.raises(ValueError, match=names[-1]):
        select(names, comparing)
