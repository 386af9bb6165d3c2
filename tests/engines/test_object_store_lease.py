"""The lease in a bucket: one of many has it, and a dead holder loses it."""

import os
import signal

import msgspec
import pytest

from tests import build_helpers as helpers
from tests.engines import jobs
from tests.transforms.units.test_lease import (
    assert_it_runs_out,
    assert_one_of_many_has_it,
    elsewhere,
)
from transforms import storage
from transforms.units import lease as module
from transforms.units.lease import Lease, lease_path, let_go, take_lease

pytestmark = pytest.mark.engines


def test_of_many_one_has_it(bucket):
    assert_one_of_many_has_it(f"{bucket.url}/out")


def test_what_is_not_renewed_runs_out(bucket, monkeypatch):
    assert_it_runs_out(f"{bucket.url}/out", monkeypatch)


def test_it_is_let_go_only_in_the_generation_that_was_held(bucket):
    path = f"{bucket.url}/out/RUNNING"
    storage.write_bytes(path, b"one")
    assert not storage.remove_pointer(path, b"two") and storage.read_bytes(path) == b"one"
    assert storage.remove_pointer(path, b"one") and not storage.exists(path)
    assert not storage.remove_pointer(path, b"one")


@pytest.mark.parametrize("is_dead", [True, False])
def test_a_killed_run_keeps_nobody_out(bucket, tmp_path, monkeypatch, is_dead):
    """On its own machine at once; on another one, which cannot know, when the lease runs out."""
    output = f"{bucket.url}/out"
    arguments = helpers.arguments(output, helpers.GENERATED, "--unit-bytes", 20_000)
    with jobs.started(*arguments, environment=bucket.environment) as run:
        while not [name for name in bucket.names("out/units") if name.endswith("/record")]:
            assert run.process.poll() is None
        held = take_lease(output, elsewhere("second"))
        assert held.command == "build" and held.process.startswith(f"{run.process.pid}:")
        os.kill(run.process.pid, signal.SIGKILL)
        run.wait()
    if not is_dead:
        monkeypatch.setattr("transforms.units.runs.platform.node", lambda: "another machine")
        assert take_lease(output, elsewhere("second")) == held
        until = msgspec.json.decode(storage.read_bytes(lease_path(output)), type=Lease).until
        monkeypatch.setattr(module.time, "time", lambda: until + module.CLOCKS_APART + 1)
    assert isinstance(take_lease(output, elsewhere("second")), Lease)
    let_go(output, "second")
    monkeypatch.undo()
    ended = jobs.run(*arguments, "--if-running", "fail", environment=bucket.environment)
    assert ended.code == 0, ended.err
    assert not bucket.names("out/RUNNING")
