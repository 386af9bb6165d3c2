"""The Flink cluster on this machine: how it comes up and goes down, and what it reaches."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys

import pytest

from engines.flink import lifecycle
from engines.flink.cluster import namespace, processes
from engines.flink.cluster.cluster import NAMESPACE, TASK_MANAGERS
from tests import build_helpers as helpers
from tests.engines.flink_fixtures import FlinkCluster, wait_for
from tests.engines.test_flink_parts import repository

pytestmark = pytest.mark.engines


# --- Processes and the network.


def test_only_the_process_that_was_started_is_ended(tmp_path):
    (tmp_path / "logs").mkdir()
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as child:
        mine = processes.Process("mine", child.pid, processes.start_time(child.pid))
        before = processes.Process("before", child.pid, mine.started - 1)
        assert mine.is_running and not before.is_running
        processes.end([before])  # the number was another's, and is now the child's
        assert child.poll() is None
        processes.end([mine])
        assert child.wait() == -signal.SIGTERM and not mine.is_running


def test_a_process_that_has_ended_listens_nowhere():
    with subprocess.Popen(["true"]) as child:
        wait_for(lambda: processes.start_time(child.pid) is None, "the end")
        assert lifecycle.listening(child.pid) == {}  # not waited for yet
    assert lifecycle.listening(child.pid) == {}


def test_what_does_not_end_is_killed_and_what_it_started_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "TIMEOUT_SECONDS", 0.5)
    (tmp_path / "logs").mkdir()
    program = (
        "import signal, subprocess, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()']);"
        "print('deaf', flush=True); signal.pause()"
    )
    started = processes.start("stubborn", [sys.executable, "-c", program], tmp_path, {})
    log = processes.log_path(tmp_path, "stubborn")
    wait_for(lambda: "deaf" in log.read_text(), "the process")
    found = {process.pid for process in processes.marked(tmp_path)}
    assert started.pid in found and len(found) == 2
    processes.end([started])
    assert not started.is_running
    processes.end(list(processes.marked(tmp_path)))
    assert not list(processes.marked(tmp_path))


KINDS = [
    kind
    for kind, flags in namespace.KINDS.items()
    if subprocess.run(["unshare", *flags, "true"], capture_output=True).returncode == 0
]
"""The ways in which this user may make a namespace."""

LOOK = "import socket; print(*(name for _, name in socket.if_nameindex())); s = socket.socket(); \
s.bind(('127.0.0.1', 0)); s.listen(); c = socket.create_connection(s.getsockname()); print('ok')"


@pytest.mark.parametrize("kind", KINDS)
def test_a_namespace_has_loopback_and_nothing_else(tmp_path, kind):
    (tmp_path / "logs").mkdir()
    keeper = processes.start(
        "keeper", namespace.make(kind), tmp_path, {"PYTHONPATH": str(helpers.ROOT)}
    )
    try:
        log = processes.log_path(tmp_path, "keeper")
        wait_for(lambda: namespace.READY in log.read_text() or not keeper.is_running, "loopback")
        command = namespace.enter(kind, keeper.pid, [sys.executable, "-c", LOOK])
        looked = subprocess.run(command, capture_output=True, text=True)
        assert looked.stdout.split() == ["lo", "ok"], looked.stderr
    finally:
        processes.end([keeper])
    assert not keeper.is_running


def test_this_user_may_make_a_namespace():
    """Otherwise the test above tests nothing. It takes root, or user namespaces."""
    assert namespace.find_kind() in KINDS


# --- The whole cluster.


@pytest.fixture
def cluster(tmp_path):
    """A cluster that is not up; its temporary files go where the test looks for what is left."""
    (tmp_path / "tmp").mkdir()
    cluster = FlinkCluster(tmp_path / "cluster", {"TMPDIR": str(tmp_path / "tmp")})
    yield cluster
    if cluster.folder.exists():
        cluster.call("down")


def listening_addresses(pids):
    """Addresses on which processes listen, as the kernel writes them."""
    sockets, found = set(), set()
    for pid in pids:
        for descriptor in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                sockets.add(os.readlink(descriptor))
    for name in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/{pids[0]}/net/{name}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                found.add(fields[1].rpartition(":")[0])
    return found


LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}


def test_up_and_down(cluster, tmp_path):
    said = cluster.up().out
    assert "Job server: " in said and "The Flink cluster is up after" in said
    assert cluster.rest("/overview")["slots-total"] == 4
    assert cluster.up().out.startswith("The Flink cluster is up already: http://127.0.0.1:")
    found = lifecycle.listening(cluster.state.processes[NAMESPACE].pid)
    ports = cluster.state.ports
    everywhere = {port for port, address in found.items() if address not in LOOPBACK}
    assert everywhere <= {ports["jobs"], ports["artifacts"]}  # the job server's
    own = os.readlink("/proc/self/ns/net")
    for role, process in cluster.state.processes.items():
        assert os.readlink(f"/proc/{process.pid}/ns/net") != own, role

    first = cluster.state.processes[TASK_MANAGERS[0]]
    first.send(signal.SIGKILL)
    assert "Started again what had ended: task-manager-1." in cluster.up().out
    names = [cluster.state.processes[role].name for role in TASK_MANAGERS]
    assert first.name not in names and set(names) <= lifecycle.registered(cluster.state)

    cluster.down()
    assert [path.name for path in tmp_path.iterdir()] == ["tmp"]
    assert not list((tmp_path / "tmp").iterdir())
    assert cluster.call("down").out == "No Flink cluster was up.\n"


def test_without_a_namespace_all_listen_on_loopback(cluster):
    said = cluster.up("--no-namespace").out
    assert "Network: this machine's own." in said
    found = listening_addresses([process.pid for process in cluster.state.processes.values()])
    assert found and found <= LOOPBACK
    assert cluster.call("reach", 1).code == 0  # nothing to do
    cluster.down()


def test_an_up_that_is_killed_leaves_what_down_ends(cluster):
    command = cluster.command("up")
    with subprocess.Popen(command, cwd=helpers.ROOT, env=cluster.environment) as process:
        wait_for(lambda: cluster.folder.exists() and cluster.state, "the first process")
        wait_for(lambda: TASK_MANAGERS[0] in cluster.state.processes, "a TaskManager")
        process.kill()
    cluster.down()


def test_an_up_that_fails_says_why_and_leaves_nothing(cluster):
    failed = cluster.call("up", "-D", "taskmanager.numberOfTaskSlots=many")
    assert failed.code == 4
    # Whichever of them has read its settings first.
    assert re.match(r"error: the cluster's (job-manager|task-manager-\S+) ended:", failed.err)
    assert 'For input string: "many"' in failed.err
    assert not cluster.folder.exists() and not list(processes.marked(cluster.folder))


def test_run_and_reach_need_a_cluster(cluster):
    for task in (["run", "--", "true"], ["reach", "80"]):
        refused = cluster.call(*task)
        assert refused.code == 2
        assert refused.err == "error: no Flink cluster is up: `make flink-up` starts one\n"


FETCH = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=5).status)"


def test_the_cluster_reaches_only_what_it_is_let_to(flink_cluster):
    with repository(b"here") as url:
        port = url.split(":")[2].split("/")[0]
        fetch = ["run", "--bare", "--", sys.executable, "-c", FETCH, url]
        refused = flink_cluster.call(*fetch)
        assert refused.code == 1 and "Connection refused" in refused.err
        assert flink_cluster.call("reach", port).out == f"The cluster reaches 127.0.0.1:{port}.\n"
        assert flink_cluster.call(*fetch).out == "200\n"
        taken = flink_cluster.call("reach", port)
        assert taken.code == 2 and "Address already in use" in taken.err


def test_run_gives_flags_but_for_those_that_are_given(flink_cluster):
    show = [sys.executable, "-c", "import sys; print(*sys.argv[1:], sep='\\n')"]
    shown = flink_cluster.call("run", "--", *show, "--parallelism=1").out.split("\n")
    assert [flag for flag in shown if flag.startswith("--parallelism")] == ["--parallelism=1"]
    assert f"--flink_master=127.0.0.1:{flink_cluster.state.ports['rest']}" in shown
    assert "--environment_cache_millis=3000" in shown  # a restart comes after 5 s
    assert flink_cluster.call("run", "--bare", "--", *show, "--x").out == "--x\n"
    assert flink_cluster.call("run", "--", "no-such-program").code == 2


@contextlib.contextmanager
def beams_own_pool(cluster, project=helpers.ROOT):
    """Beam's pool of workers beside the cluster; returns the flags of a job that uses it.

    Args:
      cluster: The cluster.
      project: Folder of the code that the workers have.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    pool = [sys.executable, "-m", "apache_beam.runners.worker.worker_pool_main"]
    command = cluster.command("run", "--bare", "--", *pool, f"--service_port={port}")
    path = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"  # it starts `python`
    environment = cluster.environment | {"PATH": path}
    with subprocess.Popen(command, env=environment, cwd=project) as process:
        try:
            wait_for(lambda: port in lifecycle.listening(process.pid), "the pool")
            yield ["--environment_type=EXTERNAL", f"--environment_config=localhost:{port}"]
        finally:
            process.terminate()  # its workers end when their TaskManagers let go of them


@contextlib.contextmanager
def loopback(cluster):
    yield ["--environment_type=LOOPBACK"]


@pytest.mark.parametrize("environment", [loopback, beams_own_pool])
def test_other_environments_of_workers(flink_cluster, tmp_path, environment):
    flink_cluster.up()
    wait_for(lambda: flink_cluster.workers() == [], "the end of those of the job before")
    size = ("--shards", 2, "--narratives", 4)
    with environment(flink_cluster) as flags:
        arguments = ["--output", tmp_path / "made", *size, *flags]
        with flink_cluster.started(*arguments, module="pipelines.synthesize") as job:
            wait_for(lambda: flink_cluster.is_busy() or job.process.poll() is not None, "the job")
            assert flink_cluster.workers() == []  # none of a TaskManager's own
            ended = job.wait()
    assert ended.code == 0, ended.err
    made = [path.name for path in (tmp_path / "made").iterdir()]
    assert len([name for name in made if "localized_narratives" in name]) == 2


def test_workers_with_other_code_do_no_unit(flink_cluster, tmp_path):
    flink_cluster.up()
    project, output = tmp_path / "project", tmp_path / "out"
    for package in ("engines", "pipelines", "transforms"):
        shutil.copytree(helpers.ROOT / package, project / package)
    with (project / "transforms" / "align.py").open("a") as file:
        file.write("# Of another commit.\n")
    with beams_own_pool(flink_cluster, project) as flags:
        arguments = helpers.arguments(output, [helpers.REAL])
        failed = flink_cluster.run(*arguments, *flags, "--number_of_execution_retries=0")
    assert failed.code == 2, failed.err
    assert "error: a worker has other code than the command that planned the run" in failed.err
    assert not list((output / "units").rglob("record"))
