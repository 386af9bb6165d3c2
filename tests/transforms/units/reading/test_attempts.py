"""Attempts at units: what they leave behind, and when lines are tried."""

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to

from transforms.core.model import layout
from transforms.core.model.units import Deadly, Unit
from transforms.units import deaths
from transforms.units.reading import attempts
from transforms.units.reading.attempts import BeginAttempts

UNIT = Unit("a.jsonl", "a", "f", 1)


def mark(output, times):
    for number in range(times):
        path = output / layout.begun_attempt_path(UNIT.key, f"{number:012x}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def marks(output):
    return deaths.count_deaths(str(output), UNIT)


def test_an_attempt_is_marked_until_it_ends(tmp_path):
    with deaths.begun(str(tmp_path), UNIT):
        assert marks(tmp_path) == 1
        with deaths.begun(str(tmp_path), UNIT):
            assert marks(tmp_path) == 2
    assert marks(tmp_path) == 0
    with pytest.raises(ValueError, match="no line"), deaths.begun(str(tmp_path), UNIT):
        raise ValueError("no line")
    assert marks(tmp_path) == 0


@pytest.mark.parametrize("number", range(4))
def test_lines_are_tried_after_two_deaths(tmp_path, monkeypatch, number):
    deadly = (Deadly(0, "Stage", "SIGABRT"),)
    tried = []
    monkeypatch.setattr(
        attempts, "find_deadly_lines", lambda unit, trial: tried.append((unit, trial)) or deadly
    )
    mark(tmp_path, number)
    expected = Unit("a.jsonl", "a", "f", 1, deadly=deadly) if number >= 2 else UNIT
    assert expected.key == UNIT.key
    begin = attempts._BeginAttempt(str(tmp_path), "trial")
    for unit in begin.process(UNIT):
        assert unit == expected
        assert marks(tmp_path) == number + 1
    assert marks(tmp_path) == number
    assert tried == ([(UNIT, "trial")] if number >= 2 else [])


def test_as_a_transform(tmp_path):
    with beam.Pipeline() as pipeline:
        begun = pipeline | beam.Create([UNIT]) | BeginAttempts(str(tmp_path), None)
        assert_that(begun, equal_to([UNIT]))
    assert marks(tmp_path) == 0
