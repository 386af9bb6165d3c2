"""Two runs on one output: the second waits, skips or fails; a dead one keeps nobody out."""

import json
import os
import signal
import threading
import time

import pytest

from pipelines.runs import record
from pipelines.runs.failure import say
from tests import build_helpers as helpers
from tests.build_helpers import build
from tests.engines import jobs
from transforms.core.model import layout
from transforms.units import lease
from transforms.units.runs import new_run

UNIT_BYTES = 20_000
SHARDS = [helpers.GENERATED[0], helpers.REAL]


def started(output, *more):
    return jobs.started(*helpers.arguments(output, SHARDS, "--unit-bytes", UNIT_BYTES, *more))


def is_at_work(output):
    return len(list(output.glob("units/*/record"))) >= 3


@pytest.fixture
def held(tmp_path):
    """An output on which a run of this process is at work; gives that run too."""
    begun = new_run("build", run="0123456789abcdef")
    taken = lease.take_lease(str(tmp_path / "out"), begun)
    assert isinstance(taken, lease.Lease)
    return tmp_path / "out", begun


@pytest.mark.parametrize(
    ("choice", "code", "status"), [("skip", 6, "skipped"), ("fail", 4, "busy")]
)
def test_a_run_that_is_not_to_wait_ends_with_a_code_of_its_own(held, capsys, choice, code, status):
    output, begun = held
    before = helpers.files_below(output)
    assert build(output, SHARDS, "--if-running", choice, "--summary", "json") == code
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found["status"] == status and found["exit_code"] == code and found["retryable"]
    who = f"run 0123456789abcdef (build, process {os.getpid()} on "
    assert who in found["message"] and f"is at work on '{output}'" in found["message"]
    assert printed.err.startswith("skipped: run" if choice == "skip" else "error: run")
    assert choice == "skip" or "--if-running wait" in found["message"]
    assert helpers.files_below(output) == before


def test_a_run_that_waits_begins_when_the_other_one_has_ended(held, capsys, monkeypatch):
    output, begun = held
    told = threading.Event()

    def tell(*message, **facts):
        say(*message, **facts)
        told.set()

    monkeypatch.setattr(record, "say", tell)
    other = threading.Thread(target=lambda: codes.append(build(output, SHARDS)))
    codes = []
    other.start()
    assert told.wait(60)
    # Read once: what is written while it is read may be lost.
    assert "--if-running skip or fail does not wait." in capsys.readouterr().out
    time.sleep(1)
    assert not codes and not (output / "units").exists()
    lease.let_go(str(output), begun.run)
    other.join()
    assert codes == [0] and not (output / layout.LEASE).exists()


def test_asking_what_would_be_done_waits_for_nobody(held):
    output, _ = held
    assert build(output, SHARDS, "--dry-run") == 0


@pytest.mark.soak
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_is_killed_keeps_nobody_out(tmp_path, number):
    output = tmp_path / "out"
    with started(output, "--workers", 2) as run:
        helpers.wait_for(lambda: is_at_work(output) or run.process.poll() is not None)
        assert (output / layout.LEASE).exists()
        assert build(output, SHARDS, "--if-running", "skip") == 6
        os.kill(run.process.pid, number)
        if number == signal.SIGTERM:
            run.wait()
            assert not (output / layout.LEASE).exists()
        assert build(output, SHARDS, "--unit-bytes", UNIT_BYTES) == 0
    helpers.assert_whole(helpers.version_of(output))
    assert not (output / layout.LEASE).exists()


@pytest.mark.long
def test_of_two_runs_at_a_time_the_second_finds_nothing_to_do(tmp_path):
    output = tmp_path / "out"
    with started(output) as first:
        helpers.wait_for(
            lambda: (output / layout.LEASE).exists() or first.process.poll() is not None
        )
        with started(output, "--if-changed") as second:
            ended = [second.wait(helpers.TIMEOUT_SECONDS), first.wait(helpers.TIMEOUT_SECONDS)]
    assert [end.code for end in ended] == [5, 0], ended
    assert "Waiting: run " in ended[0].out and "Nothing to do" in ended[0].out
    helpers.assert_whole(helpers.version_of(output))


def test_an_error_lets_go(tmp_path):
    assert build(tmp_path / "out", [helpers.ODD_AND_BAD], "--max-bad-share", 0) == 3
    assert not (tmp_path / "out" / layout.LEASE).exists()
