"""Progress of a run, by its commit records."""

import io
import time

import pytest

from pipelines.cli import progress
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
    finished = progress.FinishedBytes(UNITS, output)
    assert (finished.total, finished.count()) == (1000, 0)
    finish(UNITS[1], output)
    assert finished.count() == finished.count() == 300
    for some in UNITS:
        finish(some, output)
    assert finished.count() == 1000


@pytest.mark.parametrize(
    ("done", "seconds", "line"),
    [
        (0, 30, "Of 4,000 MB, no unit is finished yet after 30 s."),
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
