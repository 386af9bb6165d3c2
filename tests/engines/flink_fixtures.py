"""A Flink cluster for tests: up once a session, down after it, and nothing left behind."""

import contextlib
import pathlib
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping

import pytest

from engines.flink import lifecycle
from engines.flink.cluster import processes
from engines.flink.cluster.cluster import TASK_MANAGERS, Cluster, load_cluster
from tests.build_helpers import ROOT
from tests.engines import jobs
from tests.engines.jobs import Ended, Job
from tests.engines.servers.bucket import without_credentials

QUICK = (
    "heartbeat.interval=1000",
    "heartbeat.timeout=8000",
    "restart-strategy.fixed-delay.delay=5 s",
    "slot.request.timeout=20000",
)
"""Settings with which a cluster soon notices a death, and soon gives a job up."""

TIMEOUT_SECONDS = 180
"""Seconds after which a test gives up waiting."""


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Waits until something is so."""
    end = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < end, f"waited too long for {what}"
        time.sleep(0.01)


class FlinkCluster:
    """A cluster in a folder, and the environment in which its commands run."""

    def __init__(self, folder: pathlib.Path, environment: Mapping[str, str] | None = None):
        self.folder = folder
        self.environment = without_credentials() | dict(environment or {})

    def call(self, task: str, *arguments: object) -> Ended:
        """Runs `python -m engines.flink TASK` to its end."""
        ended = subprocess.run(
            self.command(task, *arguments),
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def command(self, task: str, *arguments: object) -> list[str]:
        """The command `python -m engines.flink TASK`."""
        command = [sys.executable, "-m", "engines.flink", "--folder", self.folder, task]
        return [*map(str, [*command, *arguments])]

    def up(self, *arguments: object) -> Ended:
        """Brings up the cluster, or what has ended of it."""
        ended = self.call("up", *arguments)
        assert ended.code == 0, ended.err
        return ended

    def down(self) -> None:
        """Takes the cluster down; nothing of it is left."""
        before = self.all_processes()
        assert self.call("down").code == 0
        assert not [process for process in before if process.is_running]
        assert not list(processes.marked(self.folder)) and not self.folder.exists()

    @contextlib.contextmanager
    def started(
        self,
        *arguments: object,
        environment: Mapping[str, str] | None = None,
        module: str = "pipelines.build",
    ) -> Iterator[Job]:
        """Runs a job on the cluster beside the block; ends it with the block at the latest.

        Args:
          *arguments: Its command line, without what leads to the cluster.
          environment: Variables on top of the cluster's.
          module: Which job.
        """
        command = [sys.executable, "-m", module, "--runner=flink", *map(str, arguments)]
        whole = self.command("run", "--", *command)
        with jobs.started_command(whole, self.environment | dict(environment or {})) as job:
            yield job

    def run(
        self,
        *arguments: object,
        environment: Mapping[str, str] | None = None,
        module: str = "pipelines.build",
    ) -> Ended:
        """Runs a job on the cluster to its end."""
        with self.started(*arguments, environment=environment, module=module) as job:
            return job.wait()

    @property
    def state(self) -> Cluster | None:
        """What is written down of it; None where it is not up."""
        return load_cluster(self.folder)

    def all_processes(self) -> list[processes.Process]:
        """Its processes: those that are written down, and what these have started."""
        written = self.state.processes.values() if self.state else []
        return [*written, *processes.marked(self.folder)]

    def workers(self) -> list[int]:
        """Process numbers of the SDK workers."""
        found = [process.pid for process in processes.marked(self.folder)]
        return [pid for pid in found if "engines.flink.worker.worker" in arguments_of(pid)]

    def task_manager_of(self, worker: int) -> processes.Process:
        """The TaskManager that has started an SDK worker."""
        state = pathlib.Path(f"/proc/{worker}/stat").read_text()
        parent = int(state.rpartition(")")[2].split()[1])
        found = [self.state.processes[role] for role in TASK_MANAGERS]
        (manager,) = [process for process in found if process.pid == parent]
        return manager

    def rest(self, path: str) -> dict:
        """Flink's answer to a question."""
        return lifecycle.rest(self.state, path)

    def failures(self) -> list[str]:
        """What the newest job has failed of and been started again."""
        jobs = self.rest("/jobs/overview")["jobs"]
        newest = max(jobs, key=lambda job: job["start-time"])["jid"]
        history = self.rest(f"/jobs/{newest}/exceptions")["exceptionHistory"]
        return [entry["exceptionName"] for entry in history["entries"]]

    def is_busy(self) -> bool:
        """Whether a job is running."""
        return any(job["state"] == "RUNNING" for job in self.rest("/jobs/overview")["jobs"])


def arguments_of(pid: int) -> list[str]:
    """The command line of a process; empty when it has ended."""
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


@pytest.fixture(scope="session")
def flink_cluster(emulator, tmp_path_factory) -> Iterator[FlinkCluster]:
    """A cluster that is quick to notice deaths, and whose workers reach the object store."""
    folder = tmp_path_factory.mktemp("flink")
    environment = {
        "STORAGE_EMULATOR_HOST": emulator.endpoint,
        "LOCALIZED_NARRATIVES_CACHE": str(folder / "cache"),
    }
    cluster = FlinkCluster(folder / "cluster", environment)
    try:
        cluster.up(*[part for setting in QUICK for part in ("-D", setting)])
        reached = cluster.call("reach", urllib.parse.urlsplit(emulator.endpoint).port)
        assert reached.code == 0, reached.err
        yield cluster
    finally:
        cluster.down()
