"""The main job on Flink when something dies: a TaskManager, a Python worker, the whole job."""

import contextlib
import fcntl
import os
import pathlib
import re
import signal
import time

import pytest

from benchmarks.measuring.processes import pss
from tests import build_helpers as helpers
from tests.build_helpers import build
from tests.engines import jobs
from tests.engines.flink_fixtures import wait_for
from transforms.units.deaths import DEATHS

pytestmark = pytest.mark.engines

UNIT_BYTES = 30_000
"""About one narrative: many units, so that there is time to kill something."""

DONE = re.compile(r"(\d+) units? pending(?:; (\d+) more (?:is|are) finished already)?")


@pytest.fixture(scope="module")
def shards(data):
    return sorted((data["generated"] / "narratives").glob("*localized_narratives*.jsonl"))


@pytest.fixture(scope="module")
def undisturbed(shards, tmp_path_factory):
    """A run in this process that nobody kills."""
    output = tmp_path_factory.mktemp("undisturbed")
    assert build(output, shards, "--unit-bytes", UNIT_BYTES) == 0
    return output


@pytest.fixture
def cluster(flink_cluster):
    """The cluster, with nothing missing."""
    flink_cluster.up()
    return flink_cluster


@pytest.fixture
def start(cluster, shards, tmp_path):
    """Starts the job on the cluster; its output is the test's folder."""
    return lambda: cluster.started(*helpers.arguments(tmp_path, shards, "--unit-bytes", UNIT_BYTES))


def records(output):
    return list((output / "units").glob("*/record"))


@contextlib.contextmanager
def publishing_held_back(output):
    """Holds the lock under which a run swaps the pointer; returns what frees it."""
    output.mkdir(exist_ok=True)
    with (output / "CURRENT.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lambda: fcntl.flock(lock, fcntl.LOCK_UN)


def waiting_to_publish(output):
    """Processes that wait for the lock."""
    inode = (output / "CURRENT.lock").stat().st_ino
    lines = pathlib.Path("/proc/locks").read_text().splitlines()
    found = [re.search(r"-> FLOCK +ADVISORY +WRITE (\d+) \S+:(\d+) ", line) for line in lines]
    return {int(match[1]) for match in found if match and int(match[2]) == inode}


def kill(cluster, victim, worker):
    """Kills an SDK worker, or the TaskManager that it works for."""
    if victim == "TaskManager":
        cluster.task_manager_of(worker).send(signal.SIGKILL)
    else:
        os.kill(worker, signal.SIGKILL)


def assert_same(output, undisturbed):
    """The same version: no row and no file more or less."""
    version, expected = helpers.version_of(output), helpers.version_of(undisturbed)
    assert version.name == expected.name
    assert [path.name for path in (output / "versions").iterdir()] == [version.name]
    manifest, other = helpers.assert_whole(version), helpers.assert_whole(expected)
    for key in ("units", "shards", "counts"):
        assert manifest[key] == other[key]
    assert sorted(map(entry, manifest["files"])) == sorted(map(entry, other["files"]))
    helpers.assert_same_results(output, undisturbed)


def entry(file):
    """What must be the same of a file."""
    return file["path"], file["rows"], file["bytes"], file["crc32c"]


def assert_nothing_left(output, shards, capsys):
    """The next run finds nothing to do, and leaves nothing of the tries that were killed."""
    assert build(output, shards, "--unit-bytes", UNIT_BYTES) == 0
    assert "Nothing to do" in capsys.readouterr().out
    helpers.assert_nothing_abandoned(output)


@pytest.mark.parametrize("victim", ["TaskManager", "Python worker"])
def test_deaths_while_units_are_processed_and_before_publishing(
    cluster, start, shards, undisturbed, tmp_path, capsys, victim
):
    with publishing_held_back(tmp_path) as free, start() as job:
        wait_for(lambda: records(tmp_path) or job.process.poll() is not None, "the first unit")
        first = min(cluster.workers())
        kill(cluster, victim, first)
        assert 1 <= len(records(tmp_path)) < len(records(undisturbed))
        cluster.up()  # what died is brought back, as whoever runs a cluster does

        wait_for(lambda: waiting_to_publish(tmp_path) or job.process.poll() is not None, "the lock")
        assert len(records(tmp_path)) == len(records(undisturbed))
        assert not (tmp_path / "CURRENT").exists()
        (second,) = waiting_to_publish(tmp_path)
        kill(cluster, victim, second)
        wait_for(lambda: waiting_to_publish(tmp_path) - {second}, "the next try to publish")
        free()
        ended = job.wait()
    assert ended.code == 0, ended.err
    assert len(cluster.failures()) >= 2
    for worker in (first, second):  # those whose TaskManager died, too
        wait_for(lambda worker=worker: not helpers.is_running(worker), "the end of a worker")
    assert_same(tmp_path, undisturbed)
    assert_nothing_left(tmp_path, shards, capsys)


def test_a_job_that_fails_for_good_publishes_nothing_and_the_next_goes_on(
    cluster, start, shards, undisturbed, tmp_path, capsys
):
    with start() as job:
        wait_for(lambda: records(tmp_path) or job.process.poll() is not None, "the first unit")
        wait_for(lambda: kill_all(cluster.workers()) or job.process.poll() is not None, "the end")
        ended = job.wait()
    assert ended.code == 4 and "error: the run failed" in ended.err
    assert not (tmp_path / "CURRENT").exists() and not (tmp_path / "versions").exists()
    units, finished = helpers.records_of(undisturbed), helpers.records_of(tmp_path)
    assert 1 <= len(finished) < len(units)

    with start() as job:
        ended = job.wait()
    assert ended.code == 0, ended.err
    to_do, more = map(int, DONE.search(ended.out).groups())
    assert (to_do, more) == (len(units) - len(finished), len(finished))
    again = helpers.records_of(tmp_path)
    assert {key: again[key] for key in finished} == finished  # not done again
    assert_same(tmp_path, undisturbed)
    assert_nothing_left(tmp_path, shards, capsys)


def kill_all(pids):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def many_shards(tmp_path_factory):
    """Sixteen shards of 19 MB each."""
    folder = tmp_path_factory.mktemp("many")
    size = ("--shards", 16, "--narratives", 9600, "--seed", 5)
    ended = jobs.run("--output", folder, *size, module="synthesize")
    assert ended.code == 0, ended.err
    return sorted(folder.glob("*localized_narratives*.jsonl"))


def test_memory_of_the_workers_is_flat(cluster, many_shards, tmp_path):
    once = peak_of_a_worker(cluster, tmp_path / "1", many_shards[:2])
    eight_times = peak_of_a_worker(cluster, tmp_path / "8", many_shards)
    assert eight_times <= 1.15 * once, f"{once:,} bytes at 1×, {eight_times:,} at 8×"


def peak_of_a_worker(cluster, output, shards):
    """Largest proportional set size of a worker during a run, bytes."""
    peak = 0
    with cluster.started(*helpers.arguments(output, shards, "--unit-bytes", 4 << 20)) as job:
        while job.process.poll() is None:
            peak = max(peak, *map(pss, cluster.workers()), 0)
            time.sleep(0.05)
        assert job.wait().code == 0
    assert peak
    return peak


def test_a_line_that_ends_its_workers_is_rejected(cluster, tmp_path):
    path, output = tmp_path / "results.token", tmp_path / "out"
    lines = [f"1{number:02d}.jpg#0\tTwo young guys" for number in range(40)]
    lines[17] = "117.jpg#0\ta DEADLY caption"
    path.write_text("".join(f"{line}\n" for line in lines))
    given = ["--input", path, "--output", output, "--max-bad-share", 0.1, "--deadly", "DEADLY"]
    with cluster.started(*given, module="tests.pipelines.runs.tokens") as job:
        ended = job.wait()
    assert ended.code == 0, ended.err
    assert len(cluster.failures()) >= DEATHS  # Flink has started the job again
    manifest = helpers.manifest_of(output)
    assert manifest["counts"]["rejected"] == {"worker_died": 1}
    assert manifest["counts"]["rows"]["captions"] == 39
    (bad,) = manifest["bad_lines"]
    assert bad["line"] == 18 and bad["message"].endswith("ends by SIGABRT")
