"""The lease: one has it, and whoever is dead has it no longer."""

import subprocess
import sys
import time

import msgspec
import pytest

from tests.transforms.storage.test_storage import RACERS, race
from transforms import storage
from transforms.units import lease as module
from transforms.units import runs
from transforms.units.lease import Holding, Lease, lease_path, let_go, take_lease
from transforms.units.runs import CLOCKS_APART, new_run


@pytest.fixture
def output(tmp_path):
    return str(tmp_path / "out")


def elsewhere(name):
    """A run of which this machine cannot know whether it is at work."""
    return new_run("build", is_here=False, run=name)


def forward(monkeypatch, seconds):
    """Lets the clock go forward."""
    now = time.time() + seconds
    monkeypatch.setattr(module.time, "time", lambda: now)


def process_of(name):
    """A run of another process, and that process."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    begun = new_run("build", run=name)
    _, _, *rest = begun.process.split(":")
    told = ":".join([str(process.pid), runs._started(process.pid), *rest])
    return msgspec.structs.replace(begun, process=told), process


def assert_one_of_many_has_it(output):
    runs = [elsewhere(f"run{number}") for number in range(RACERS)]
    taken = race(lambda number: take_lease(output, runs[number]))
    (winner,) = [found for found in taken if isinstance(found, Lease)]
    assert {found.run for found in taken if found is not winner} == {winner.holder.run}


def assert_it_runs_out(output, monkeypatch):
    first = take_lease(output, elsewhere("first"))
    assert isinstance(first, Lease)
    forward(monkeypatch, module.SECONDS + CLOCKS_APART - 5)
    assert take_lease(output, elsewhere("second")) == first.holder
    forward(monkeypatch, 10)
    assert isinstance(take_lease(output, elsewhere("second")), Lease)
    let_go(output, "first")
    assert take_lease(output, elsewhere("third")).run == "second"
    let_go(output, "second")
    assert not storage.exists(lease_path(output))


def test_of_many_one_has_it(output):
    assert_one_of_many_has_it(output)


def test_what_is_not_renewed_runs_out(output, monkeypatch):
    assert_it_runs_out(output, monkeypatch)


def test_a_dead_process_holds_nothing_and_a_live_one_for_ever(output, monkeypatch):
    begun, process = process_of("first")
    assert isinstance(take_lease(output, begun), Lease)
    forward(monkeypatch, 10 * module.SECONDS)
    assert take_lease(output, elsewhere("second")) == begun
    process.kill()
    process.stdin.close()
    for _ in range(500):  # nobody has waited for it: it is there, but a zombie
        if isinstance(taken := take_lease(output, elsewhere("second")), Lease):
            break
        time.sleep(0.01)
    assert isinstance(taken, Lease)
    process.wait()


@pytest.mark.parametrize("junk", [b"", b"\n", b"{", b"null", b'{"until": 1}'])
def test_what_is_no_lease_is_nobodys(output, junk):
    storage.write_bytes(lease_path(output), junk)
    assert isinstance(take_lease(output, elsewhere("first")), Lease)


def test_one_that_would_last_for_years_is_nobodys(output):
    """No run takes one for so long: a bit of the number has changed."""
    for until in (time.time() + 2 * module.DETACHED_SECONDS, 9e9, -1.0):
        held = Lease(holder=elsewhere("first"), until=until)
        storage.write_bytes(lease_path(output), msgspec.json.encode(held))
        assert isinstance(take_lease(output, elsewhere("second")), Lease)


def test_it_is_renewed_while_it_is_held_and_gone_after_it(output, monkeypatch):
    monkeypatch.setattr(module, "_RENEWAL", 0.01)
    first = take_lease(output, elsewhere("first"), 1.0)
    with Holding(output, first):
        end = time.monotonic() + 60
        while module._decode(storage.read_bytes(lease_path(output))).until < first.until + 60:
            assert time.monotonic() < end
            time.sleep(0.01)
    assert not storage.exists(lease_path(output))


def test_one_that_was_taken_by_another_is_left_to_it(output, monkeypatch):
    monkeypatch.setattr(module, "_RENEWAL", 0.01)
    begun = elsewhere("first")
    with Holding(output, take_lease(output, begun)) as holding:
        other = msgspec.json.encode(Lease(holder=elsewhere("other"), until=time.time() + 60))
        while not storage.swap_pointer(
            lease_path(output), msgspec.json.encode(holding._lease), other
        ):
            pass
        holding._thread.join()
    assert storage.read_bytes(lease_path(output)) == other


def test_one_that_is_left_to_a_job_stays_until_that_lets_it_go(output):
    with Holding(output, take_lease(output, elsewhere("job")), is_left=True):
        pass
    assert take_lease(output, elsewhere("next")).run == "job"
    let_go(output, "another")
    assert take_lease(output, elsewhere("next")).run == "job"
    let_go(output, "job")
    assert isinstance(take_lease(output, elsewhere("next")), Lease)
