"""A cluster: its processes, the command of each, and the file in which it is written down."""

import dataclasses
import json
import os
import pathlib
import sys
import uuid
from collections.abc import Collection, Sequence

from engines.flink.cluster import forward, namespace, processes
from engines.flink.cluster.processes import Process
from engines.flink.cluster.settings import job_manager_flags, task_manager_flags, write_settings
from engines.flink.parts.collect import Parts
from engines.flink.parts.store import ROOT

NAMESPACE, PAGE = "namespace", "page"
JOB_SERVER, JOB_MANAGER = "job-server", "job-manager"
TASK_MANAGERS = ("task-manager-1", "task-manager-2")

_HERE = pathlib.Path(__file__).parent
_JOB_MANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
_TASK_MANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"


@dataclasses.dataclass
class Cluster:
    """A cluster.

    Attributes:
      folder: Where its state, configuration, logs and temporary files are.
      parts: What it is made of.
      settings: Flink's settings.
      kind: How its network namespace was made, None where it has none.
      ports: Port by what it is for; `page` is that of Flink's page outside of the namespace.
      processes: Its processes by their roles.
    """

    folder: pathlib.Path
    parts: Parts
    settings: dict[str, str]
    kind: str | None
    ports: dict[str, int]
    processes: dict[str, Process] = dataclasses.field(default_factory=dict)

    @property
    def roles(self) -> list[str]:
        """What processes it should have, in the order of their start.

        The job server listens on every interface, so it only stands where there is but one;
        otherwise Beam starts one for each job.
        """
        inner = [JOB_MANAGER, *TASK_MANAGERS]
        return [NAMESPACE, *inner, JOB_SERVER, PAGE] if self.kind else inner

    @property
    def missing(self) -> list[str]:
        """Roles whose process is not running."""
        return [role for role in self.roles if not self.is_running(role)]

    def is_running(self, role: str) -> bool:
        """Whether the process of a role is there."""
        return role in self.processes and self.processes[role].is_running

    @property
    def page(self) -> str:
        """Address of Flink's page and REST interface, for programs outside of the namespace."""
        return f"http://{forward.LOOPBACK}:{self.ports['page']}"

    def inside(self, command: Sequence[str]) -> list[str]:
        """A command that runs inside of the namespace."""
        if self.kind is None:
            return list(command)
        return namespace.enter(self.kind, self.processes[NAMESPACE].pid, command)

    def launch(self, role: str) -> None:
        """Starts the process of a role and writes it down."""
        name = role
        if role == NAMESPACE and self.kind is not None:
            self._start(role, namespace.make(self.kind))
        elif role == PAGE:
            with forward.listen(self.ports.get("page", 0)) as listener:
                self.ports["page"] = listener.getsockname()[1]
                self.launch_forward(role, listener.fileno(), self.ports["rest"], inside=True)
        else:
            if role in TASK_MANAGERS:
                name = f"{role}-{uuid.uuid4().hex[:6]}"  # Flink tells a new one from the one before
            self._start(role, self.inside(self._command(role, name)), name)

    def launch_forward(self, role: str, listener: int, port: int, inside: bool) -> None:
        """Starts a process that carries a listening socket's connections to a port.

        Args:
          role: The process's role.
          listener: Descriptor of the listening socket.
          port: Where the connections go.
          inside: On which side of the namespace's border the port is.
        """
        command = [sys.executable, "-m", "engines.flink.cluster.forward", str(listener), str(port)]
        self._start(role, self.inside(command) if inside else command, pass_fds=[listener])

    def _start(
        self, role: str, command: Sequence[str], name: str = "", pass_fds: Collection[int] = ()
    ) -> None:
        self.processes[role] = processes.start(
            name or role, command, self.folder, self._environment(), pass_fds
        )
        self.save()

    def _environment(self) -> dict[str, str]:
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {"PYTHONPATH": ":".join(paths), "FLINK_CONF_DIR": str(self.folder / "conf")}

    def _command(self, role: str, name: str) -> list[str]:
        if role == JOB_SERVER:
            return [*self._java(), "-Xmx512m", "-jar", self.parts.job_server, *self._job_server()]
        log = f"-Dlog.file={processes.log_path(self.folder, name)}"  # which Flink's page shows
        logging = f"-Dlog4j.configurationFile={_HERE / 'log4j2.properties'}"
        java = [*self._java(), log, logging, "-cp", self.parts.class_path]
        configuration = ["--configDir", str(self.folder / "conf")]
        if role == JOB_MANAGER:
            return [*java, *job_manager_flags(self.settings), _JOB_MANAGER, *configuration]
        itself = ["-D", f"taskmanager.resource-id={name}"]
        return [*java, *task_manager_flags(self.settings), _TASK_MANAGER, *configuration, *itself]

    def _java(self) -> list[str]:
        options = f"@{_HERE / 'jvm.options'}"
        return [self.parts.java, options, f"-Djava.io.tmpdir={self.folder / 'tmp'}"]

    def _job_server(self) -> list[str]:
        return [
            f"--flink-master={forward.LOOPBACK}:{self.ports['rest']}",
            f"--job-host={forward.LOOPBACK}",
            f"--job-port={self.ports['jobs']}",
            f"--artifact-port={self.ports['artifacts']}",
            "--expansion-port=-1",
            f"--artifacts-dir={self.folder / 'tmp' / 'artifacts'}",
        ]

    def write_settings(self) -> None:
        """Makes the cluster's folders and writes the settings that Flink reads."""
        for name in ("logs", "tmp"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        own = {
            "jobmanager.rpc.port": self.ports["rpc"],
            "rest.port": self.ports["rest"],
            "rest.bind-port": self.ports["rest"],
            "io.tmp.dirs": self.folder / "tmp",
            "blob.storage.directory": self.folder / "tmp",
        }
        write_settings(self.settings | {key: str(own[key]) for key in own}, self.folder / "conf")

    def save(self) -> None:
        """Writes the cluster down."""
        values = dataclasses.asdict(self)
        del values["folder"]
        unfinished = state_path(self.folder).with_suffix(".tmp")
        unfinished.write_text(json.dumps(values, indent=1))
        unfinished.rename(state_path(self.folder))


def state_path(folder: pathlib.Path) -> pathlib.Path:
    """The file in which a cluster is written down."""
    return folder / "state.json"


def load_cluster(folder: pathlib.Path) -> Cluster | None:
    """The cluster of a folder, None where there is none."""
    try:
        values = json.loads(state_path(folder).read_text())
    except (FileNotFoundError, NotADirectoryError):
        return None
    parts = values.pop("parts")
    found = {role: Process(**process) for role, process in values.pop("processes").items()}
    parts["flink"] = tuple(parts["flink"])
    return Cluster(folder=folder, parts=Parts(**parts), processes=found, **values)
