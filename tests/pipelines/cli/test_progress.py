"""Progress of a run, by its commit records."""

import gzip
import io
import json
import sys
import time

import pytest

from pipelines.build.job import plan_run
from pipelines.build.options import BuildOptions
from pipelines.cli import log
from pipelines.cli.options import parse_command_line
from pipelines.cli.progress import counting
from pipelines.cli.progress import showing as progress
from tests import build_helpers as helpers
from transforms import storage
from transforms.core.model import layout
from transforms.core.model.units import Unit

TIMEOUT_SECONDS = 60
"""Seconds after which a test gives up waiting."""


def unit(index, size, path="a.jsonl"):
    return Unit(path, "a", "f", 1000, index, start=0, end=None if path != "a.jsonl" else size)


def finish(unit, output):
    storage.write_bytes(storage.join(output, layout.record_path(unit.key)), b"")


UNITS = [unit(0, 600), unit(1, 300), unit(2, 100), unit(0, 0, "b.jsonl.gz")]


def test_bytes_of_finished_units_are_counted_once(tmp_path):
    output = str(tmp_path)
    finished = counting.FinishedBytes(UNITS, output)
    assert (finished.total, finished.count()) == (1000, 0)
    finish(UNITS[1], output)
    assert finished.count() == finished.count() == 300
    for some in UNITS:
        finish(some, output)
    assert finished.count() == 1000


@pytest.mark.parametrize(
    ("done", "seconds", "line"),
    [
        (0, 30, "Of 4,000 MB, nothing is finished yet after 30 s."),
        (1_000_000_000, 10, "Finished 1,000 of 4,000 MB (25%), 100.0 MB/s, 30 s left."),
        (40_000_000, 30, "Finished 40 of 4,000 MB (1%), 1.3 MB/s, 49 min 30 s left."),
        (10_000_000, 60, "Finished 10 of 4,000 MB (0%), 0.2 MB/s, 6 h 39 min left."),
    ],
)
def test_a_line_tells_share_rate_and_time_left(done, seconds, line):
    assert progress.describe(done, 4_000_000_000, seconds) == line


@pytest.mark.parametrize("terminal", [False, True])
def test_progress_is_shown_until_the_run_ends(tmp_path, monkeypatch, terminal):
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.01)
    monkeypatch.setattr(progress, "BAR_SECONDS", 0.01)
    monkeypatch.setenv("COLUMNS", "200")
    shown = Shown(terminal)
    with progress.show_progress(UNITS, str(tmp_path), shown):
        finish(UNITS[0], str(tmp_path))
        shown.wait_for("0.6/1.0 kB" if terminal else "(60%)")
    end = shown.getvalue()
    finish(UNITS[1], str(tmp_path))
    assert shown.getvalue() == end


@pytest.mark.parametrize(("seconds", "longer"), [(0.5, True), (99, False)])
def test_a_slow_store_is_asked_less_often(seconds, longer):
    pauses = []

    class Slow:
        def count(self):
            time.sleep(0.05)
            return 7

    class Ended:
        def wait(self, pause):
            pauses.append(pause)
            return len(pauses) == 3

    assert list(progress._counts(Slow(), Ended(), seconds)) == [7, 7]
    assert pauses[0] == seconds
    assert min(pauses[1:]) >= progress.SPARING * 0.05 if longer else pauses[1:] == [seconds] * 2


def test_a_run_without_units_shows_nothing(tmp_path):
    shown = Shown(terminal=True)
    with progress.show_progress([], str(tmp_path), shown):
        pass
    assert shown.getvalue() == ""


@pytest.mark.parametrize("terminal", [False, True])
def test_building_an_index_shows_how_far_it_is(tmp_path, monkeypatch, terminal):
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.01)
    monkeypatch.setattr(progress, "BAR_SECONDS", 0.01)
    monkeypatch.setenv("COLUMNS", "200")
    shown = Shown(terminal)
    paths = [storage.join(str(tmp_path), name) for name in "abc"]
    with progress.show_index_progress("boxes", [1_000_000, 500_000], paths, shown):
        assert shown.getvalue().startswith(
            "Building the index of boxes from 2 files (1.5 MB), once.\n"
        )
        shown.wait_for("Reading sources" if terminal else "reading its sources, 0 s so far.")
        storage.write_bytes(paths[1], b"")
        shown.wait_for("1/3" if terminal else "Building the index: 1 of 3 files written, ")
    end = shown.getvalue()
    storage.write_bytes(paths[0], b"")
    assert shown.getvalue() == end


def events_of(text):
    return [json.loads(line) for line in text.splitlines()]


def test_events_tell_each_unit_once_and_how_far_all_is(tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "BAR_SECONDS", 0.01)
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.1)
    monkeypatch.setattr(sys, "stderr", shown := Shown(terminal=True))
    log.begin(["--log-format", "json"], "narratives build")
    plain = UNITS[:3]
    with progress.show_progress(plain, str(tmp_path)):
        finish(plain[0], str(tmp_path))
        shown.wait_for("(60%)")
        finish(plain[2], str(tmp_path))
    found = [event for event in events_of(shown.getvalue()) if event["event"] == "unit_finished"]
    assert [event["unit"] for event in found] == [plain[0].key, plain[2].key]
    figures = ("bytes_done", "units_done", "units_total", "bytes_total")
    assert [found[1][name] for name in figures] == [700, 2, 3, 1000]
    line = next(event for event in events_of(shown.getvalue()) if event["event"] == "progress")
    assert line["bytes_total"] == 1000 and line["command"] == "build"


def test_pieces_of_a_compressed_shard_are_found_one_by_one(tmp_path, capsys):
    shard = tmp_path / "a.jsonl.gz"
    shard.write_bytes(gzip.compress(helpers.REAL.read_bytes()))
    arguments = ("--unit-bytes", 100_000, "--log-format", "json")
    assert helpers.build(tmp_path / "out", [shard], *arguments) == 0
    events = events_of(capsys.readouterr().err)
    found = [event for event in events if event["event"] == "unit_finished"]
    units = helpers.manifest_of(tmp_path / "out")["units"]
    assert [event["unit"] for event in found] == [unit["key"] for unit in units]
    assert sum(event["bytes"] for event in found) == helpers.REAL.stat().st_size
    assert not any("units_total" in event for event in found)
    (whole,) = plan_of(tmp_path / "out", shard)
    assert counting.FinishedPieces(whole, str(tmp_path / "out")).look() == []


def plan_of(output, shard):
    """The units of a shard as a run of other options would do them."""
    arguments = helpers.arguments(output, [shard], "--unit-bytes", 100_000, "--min-words", 2)
    options, beam_args = parse_command_line(BuildOptions, arguments, "build", "")
    return plan_run(options, beam_args).units


class Shown(io.StringIO):
    """What was printed, by another thread."""

    def __init__(self, terminal):
        super().__init__()
        self._terminal = terminal

    def isatty(self):
        return self._terminal

    def wait_for(self, text):
        end = time.monotonic() + TIMEOUT_SECONDS
        while text not in self.getvalue():
            assert time.monotonic() < end, self.getvalue()
            time.sleep(0.01)
