"""What `--profile` prints."""

import re

import pytest

from tests import build_helpers as helpers

STAGES = {
    "ReadNarratives",
    "AlignTranscripts",
    "GroundWords",
    "FilterQuality",
    "JoinAnnotations",
    "MatchMentions",
    "MeasureRichness",
    "WriteUnit",
    "PublishVersion",
    "all stages",
}


def rows_of(table):
    """Cells of the printed table by the first one."""
    lines = [re.split(r"\s*│\s*", line.strip("│ ")) for line in table.splitlines() if "│" in line]
    return {name.strip(): cells for name, *cells in lines}


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.long)])
def test_each_stage_is_listed_with_its_time(tmp_path, capsys, workers):
    lines = helpers.REAL.read_bytes().count(b"\n")
    flags = ["--profile", "--workers", workers, "--unit-bytes", 200_000]
    assert helpers.build(tmp_path, [helpers.REAL], *flags) == 0
    printed = capsys.readouterr().err
    assert f"{lines} lines in " in printed
    rows = rows_of(printed)
    assert set(rows) == STAGES
    seconds = {stage: float(cells[0]) for stage, cells in rows.items()}
    assert seconds["ReadNarratives"] > 0 and seconds["WriteUnit"] > 0
    assert all(
        float(cells[2].replace(",", "")) > 0 for cells in rows.values() if float(cells[0]) > 0.01
    )
    parts = sum(value for stage, value in seconds.items() if stage != "all stages")
    assert parts == pytest.approx(seconds["all stages"], abs=0.01)
    shares = [float(cells[-1].rstrip("%")) for cells in rows.values()]
    assert sum(shares) == pytest.approx(200, abs=1)


def test_nothing_is_printed_without_it(tmp_path, capsys):
    assert helpers.build(tmp_path, [helpers.REAL]) == 0
    assert capsys.readouterr().err == ""
