"""Bringing the cluster up and taking it down."""

import json
import pathlib
import re
import shutil
import time
import urllib.request
from collections.abc import Callable, Sequence

from engines.flink.cluster import forward, namespace, processes
from engines.flink.cluster.cluster import (
    JOB_MANAGER,
    JOB_SERVER,
    NAMESPACE,
    TASK_MANAGERS,
    Cluster,
    load_cluster,
)
from engines.flink.cluster.settings import read_settings
from engines.flink.parts.collect import gather_parts
from engines.flink.parts.store import alone
from transforms.core.base.errors import EngineError, UsageError

TIMEOUT_SECONDS = 120
"""Seconds that a part of the cluster may take until it answers."""

PORTS = ("rpc", "rest", "jobs", "artifacts")

Say = Callable[[str], None]


def up(folder: pathlib.Path, say: Say, overrides: Sequence[str] = (), isolate: bool = True) -> None:
    """Brings the cluster up, or what is missing of it.

    Args:
      folder: The cluster's folder.
      say: Told what happens.
      overrides: Flink's settings, `KEY=VALUE`; not for a cluster that is up.
      isolate: Whether it shall have a network namespace of its own, where that can be.

    Raises:
      UsageError: Something that it needs is not installed.
      EngineError: A part of it does not come up.
    """
    cluster = load_cluster(folder)
    if (
        cluster
        and cluster.is_running(JOB_MANAGER)
        and (not cluster.kind or cluster.is_running(NAMESPACE))
    ):
        _complete(cluster, say)
        return
    parts = gather_parts(say)
    settings = read_settings(overrides)
    _sweep(folder)  # what is left of a cluster that was not taken down
    kind = namespace.find_kind() if isolate else None
    cluster = Cluster(folder, parts, settings, kind, _free_ports())
    begin = time.monotonic()
    try:
        with alone(folder):
            cluster.write_settings()
            _launch(cluster, cluster.roles)
    except BaseException:
        _sweep(folder)
        raise
    _describe(cluster, time.monotonic() - begin, say)


def _complete(cluster: Cluster, say: Say) -> None:
    missing = cluster.missing
    if not missing:
        say(f"The Flink cluster is up already: {cluster.page}")
        return
    _launch(cluster, missing)
    say(f"Started again what had ended: {', '.join(missing)}. Flink's page: {cluster.page}")


def _launch(cluster: Cluster, roles: Sequence[str]) -> None:
    if not cluster.kind:
        cluster.ports["page"] = cluster.ports["rest"]
    for role in roles:
        cluster.launch(role)
        if role == NAMESPACE:
            _wait(cluster, "its network", lambda: _has_network(cluster))
    if cluster.kind:
        _wait(cluster, "the job server", lambda: _has_job_server(cluster))
    _wait(cluster, "its TaskManagers", lambda: set(_named(cluster)) <= registered(cluster))


def _has_network(cluster: Cluster) -> bool:
    return namespace.READY in processes.log_path(cluster.folder, NAMESPACE).read_text()


def _named(cluster: Cluster) -> list[str]:
    return [cluster.processes[role].name for role in TASK_MANAGERS]


def registered(cluster: Cluster) -> set[str]:
    """Names of the TaskManagers that the JobManager knows."""
    found = rest(cluster, "/taskmanagers").get("taskmanagers", [])
    return {manager["id"] for manager in found}


def rest(cluster: Cluster, path: str) -> dict:
    """Flink's answer to a question; empty where it does not answer."""
    try:
        with urllib.request.urlopen(f"{cluster.page}{path}", timeout=5) as answer:
            return json.load(answer)
    except OSError:
        return {}


def _has_job_server(cluster: Cluster) -> bool:
    return cluster.ports["jobs"] in listening(cluster.processes[JOB_SERVER].pid)


def listening(pid: int) -> dict[int, str]:
    """Ports on which programs listen in the network namespace of a process, with their addresses.

    Addresses are written as the kernel does: `0100007F` is 127.0.0.1. None for a process that has
    ended.
    """
    found = {}
    for name in ("tcp", "tcp6"):
        try:
            lines = pathlib.Path(f"/proc/{pid}/net/{name}").read_text().splitlines()
        except OSError:  # its folder is there until it is waited for, with nothing to read
            return {}
        for line in lines[1:]:
            _, local, _, state, *_ = line.split()
            address, _, port = local.rpartition(":")
            if state == "0A":
                found[int(port, 16)] = address
    return found


def _wait(cluster: Cluster, what: str, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not ready():
        for role, process in cluster.processes.items():
            if role in cluster.roles and not process.is_running:
                last = _last_words(cluster, process)
                raise EngineError(f"the cluster's {process.name} ended:\n  {last}")
        if time.monotonic() > deadline:
            raise EngineError(f"the cluster did not come up: waited {TIMEOUT_SECONDS} s for {what}")
        time.sleep(0.1)


def _last_words(cluster: Cluster, process: processes.Process) -> str:
    log = processes.log_path(cluster.folder, process.name)
    lines = log.read_text(errors="replace").strip().splitlines()
    errors = [line for line in lines if re.search(r"\bERROR\b|Exception: |Error: ", line)]
    return "\n  ".join((errors or lines)[-8:])


def _free_ports() -> dict[str, int]:
    listeners = {name: forward.listen() for name in PORTS}
    ports = {name: listener.getsockname()[1] for name, listener in listeners.items()}
    for listener in listeners.values():
        listener.close()
    return ports


def _describe(cluster: Cluster, seconds: float, say: Say) -> None:
    say(f"Job server: {cluster.parts.source} ({cluster.parts.job_server})")
    if cluster.kind:
        say("Network: a namespace of its own that has only loopback.")
    else:
        say(
            "Network: this machine's own. Flink listens on loopback; Beam's job server, "
            "which runs during a job, listens on every interface."
        )
    say(f"The Flink cluster is up after {seconds:.0f} s. Its page: {cluster.page}")


def down(folder: pathlib.Path, say: Say) -> None:
    """Ends what `up` and `run` have started, and removes the cluster's folder."""
    ended = _sweep(folder)
    say("The Flink cluster is down." if ended else "No Flink cluster was up.")


def _sweep(folder: pathlib.Path) -> bool:
    """Ends a cluster's processes and removes its folder; returns whether there was anything."""
    cluster = load_cluster(folder)
    known = list(cluster.processes.values()) if cluster else []
    processes.end(known)
    found = bool(cluster)
    while left := list(processes.marked(folder)):  # workers and job servers; and what they started
        processes.end(left)
        found = True
    shutil.rmtree(folder, ignore_errors=True)
    return found


def running(folder: pathlib.Path) -> Cluster:
    """The cluster of a folder.

    Raises:
      UsageError: It is not up.
    """
    cluster = load_cluster(folder)
    if cluster is None or not cluster.is_running(JOB_MANAGER):
        raise UsageError("no Flink cluster is up: `make flink-up` starts one")
    return cluster


def reach(folder: pathlib.Path, ports: Sequence[int], say: Say) -> None:
    """Lets the cluster reach servers on this machine's loopback, under the same port numbers.

    Raises:
      UsageError: There is no cluster, or a port is taken in its namespace.
    """
    cluster = running(folder)
    for port in ports if cluster.kind else ():
        try:
            listener = forward.listen_inside(port, cluster.inside)
        except OSError as error:
            raise UsageError(f"reach {port}: {error}") from error
        with listener:
            cluster.launch_forward(f"reach-{port}", listener.fileno(), port, inside=False)
    say(f"The cluster reaches {', '.join(f'{forward.LOOPBACK}:{port}' for port in ports)}.")
