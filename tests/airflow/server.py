"""An Airflow at work on this machine, in its own environment: scheduler, API and DAG processor."""

import contextlib
import json
import os
import pathlib
import shlex
import socket
import subprocess
import sys
import time
import urllib.request

import yaml

from tests import build_helpers as helpers

VENV = helpers.ROOT / ".venv-airflow" / "bin"
DAG = helpers.ROOT / "engines" / "airflow" / "narratives.py"
PROGRAM = ["env", f"PYTHONPATH={helpers.ROOT}", sys.executable, "-m", "pipelines"]
PARTS = (("api-server", "--host", "127.0.0.1", "--workers", "1"),
         ("scheduler", "--skip-serve-logs"), ("dag-processor",))  # fmt: skip
TIMEOUT_SECONDS = 300
ENDED = ("success", "failed")


class Airflow:
    """An Airflow with the DAG in its folder.

    Attributes:
      home: Its folder, `AIRFLOW_HOME`.
    """

    def __init__(self, home: pathlib.Path, changes: dict[str, str]) -> None:
        """Makes its database, and copies the DAG.

        Args:
          home: A new folder.
          changes: Constants of the DAG with the values that they get in the copy.
        """
        self.home = home
        self.port = _free_port()
        (home / "dags").mkdir(parents=True)
        (home / "dags" / "narratives.py").write_text(_changed(DAG.read_text(), changes))
        self.command("db", "migrate")

    @property
    def environment(self) -> dict[str, str]:
        url = f"http://127.0.0.1:{self.port}"
        settings = {
            "CORE__LOAD_EXAMPLES": False,
            "CORE__PARALLELISM": 2,
            "CORE__DAGS_ARE_PAUSED_AT_CREATION": False,
            "CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
            "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": True,
            "API__PORT": self.port,
            "API__BASE_URL": url,
            "API__SECRET_KEY": "of these tests",
            "API_AUTH__JWT_SECRET": "of these tests, and long enough for a signature of 512 bits: "
            * 2,
            # Several processes write to one SQLite: on a busy machine one waits for long.
            "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.home}/airflow.db?timeout=120",
            "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": 0.5,
            "USAGE_DATA_COLLECTION__ENABLED": False,
        }
        return {
            **{name: value for name, value in os.environ.items() if "AIRFLOW" not in name},
            **{f"AIRFLOW__{name}": str(value) for name, value in settings.items()},
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW_VAR_NARRATIVES_COMMAND": shlex.join(PROGRAM),
            "NO_COLOR": "1",
        }

    def command(self, *words, code=0):
        """Runs `airflow …`; returns what it printed, on either stream."""
        ended = subprocess.run(
            [VENV / "airflow", *map(str, words)], env=self.environment, cwd=self.home,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert ended.returncode == code, ended.stdout
        return ended.stdout

    @contextlib.contextmanager
    def running(self):
        """Starts it, and ends it afterwards."""
        processes = []
        try:
            for part in PARTS:
                processes.append(self._started(part))
            wait_for(self._is_up)
            yield self
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                _end(process)

    def _started(self, part):
        with (self.home / f"{part[0]}.log").open("w") as log:
            return subprocess.Popen(
                [VENV / "airflow", *part], env=self.environment, cwd=self.home, stdout=log,
                stderr=subprocess.STDOUT, preexec_fn=helpers.heed_interrupts,
            )  # fmt: skip

    def _is_up(self):
        with contextlib.suppress(OSError):  # HTTPError, of a DAG that is not parsed yet, is one
            self._token = self.ask("/auth/token")["access_token"]
            return self.ask("/api/v2/dags/narratives")
        return None

    _token = ""

    def ask(self, path, body=None, method=None):
        """What the API returns."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)

    def start(self, **params):
        """Starts a run with these parameters, as a user does; returns it."""
        made = self.ask("/api/v2/dags/narratives/dagRuns", {"logical_date": None, "conf": params})
        return Run(self, made["dag_run_id"])

    def run(self, **params):
        """Starts a run and waits for its end."""
        return self.start(**params).wait()

    @contextlib.contextmanager
    def paused(self):
        """Nothing of the DAG is started meanwhile."""
        self.ask("/api/v2/dags/narratives", {"is_paused": True}, "PATCH")
        yield
        self.ask("/api/v2/dags/narratives", {"is_paused": False}, "PATCH")

    def runs(self, kind):
        """Runs of a kind: manual, scheduled, asset_triggered, backfill."""
        found = self.ask(f"/api/v2/dags/narratives/dagRuns?run_type={kind}&order_by=run_after")
        return [Run(self, run["dag_run_id"]) for run in found["dag_runs"]]

    def told(self, run):
        """What was logged of a run that has ended; empty if nothing was yet."""
        logs = (self.home / "logs" / "dag_processor").glob("*/dags-folder/narratives.py.log")
        lines = [json.loads(line) for path in logs for line in path.read_text().splitlines()]
        events = [line["event"] for line in lines]
        return next((event for event in events if event.startswith(f"run {run.name} of ")), "")


class Run:
    """A run of the DAG."""

    def __init__(self, airflow, name):
        self.airflow = airflow
        self.path = f"/api/v2/dags/narratives/dagRuns/{urllib.request.quote(name)}"
        self.name = name

    @property
    def state(self):
        return self.airflow.ask(self.path)["state"]

    def wait(self):
        wait_for(lambda: self.state in ENDED)
        return self

    def instance(self, task):
        return self.airflow.ask(f"{self.path}/taskInstances/{task}")

    @property
    def states(self):
        """The states of its tasks, in order."""
        tasks = ("wait_for_input", "build", "verify", "prune")
        return [self.instance(task)["state"] for task in tasks]

    def summary(self, task):
        """What a task left for others."""
        value = self.airflow.ask(f"{self.path}/taskInstances/{task}/xcomEntries/summary")["value"]
        return json.loads(value) if isinstance(value, str) else value

    def log(self, task):
        """All that a task's attempts have logged."""
        folder = self.airflow.home / "logs" / "dag_id=narratives" / f"run_id={self.name}"
        attempts = sorted((folder / f"task_id={task}").glob("attempt=*.log"))
        return "".join(path.read_text() for path in attempts)


def write_config(path, shards):
    """Writes a configuration of a build over shards of few, good lines."""
    path.write_text(yaml.safe_dump({"input": [str(shard) for shard in shards], "tagger": "none"}))
    return path


def wait_for(condition):
    """Waits until something is so; returns what the condition did."""
    end = time.monotonic() + TIMEOUT_SECONDS
    while not (found := condition()):
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.2)
    return found


def _end(process):
    try:
        process.wait(TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def _changed(text, changes):
    """The DAG with other constants, as its users change them."""
    for name, value in changes.items():
        lines = text.splitlines()
        (line,) = [line for line in lines if line.startswith(f"{name} = ")]
        text = text.replace(f"{line}\n", f"{name} = {value}\n", 1)
    return text
