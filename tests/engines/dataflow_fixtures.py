"""Running what would run on Dataflow: the job as it is submitted, the graph as it is staged."""

import contextlib
import dataclasses
import functools
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence

import requests

from tests.build_helpers import ROOT
from tests.engines import jobs
from tests.engines.dataflow_stub import DONE, FAILED, DataflowStub, Recorded
from tests.engines.servers.metadata import running_metadata_server
from tests.test_imports import declared

PROJECT, REGION = "test-project", "us-central1"
BARE = ROOT / ".engines" / "bare"
"""A virtual environment with what the package declares to need, and without the package."""

_WORKER = pathlib.Path(__file__).with_name("dataflow_worker.py")
_KEPT = ("HOME", "LANG", "PATH", "TMPDIR")
"""Variables that a worker has anyway; what else the submitting process has does not reach it."""

_LAUNCH_FLAGS = {
    "maxWorkers": "max_num_workers",
    "serviceAccountEmail": "service_account_email",
}
"""Names of a template's environment that are not those of Beam's flags."""


@dataclasses.dataclass(frozen=True)
class DataflowRun:
    """A command that ran its jobs on Dataflow.

    Attributes:
      command: How the command ended.
      jobs: What it submitted, in order.
      workers: How the graph of each of the jobs ended.
    """

    command: jobs.Ended
    jobs: list[Recorded]
    workers: list[jobs.Ended]


def graph_of(job: Mapping) -> str:
    """Where the graph of a job is staged, by the job's description."""
    return job["environment"]["sdkPipelineOptions"]["options"]["pipelineUrl"]


def run_graph(
    graph: str, environment: Mapping[str, str], python: str | os.PathLike = sys.executable
) -> jobs.Ended:
    """Runs a staged graph in a fresh process, far from the project's folder.

    Args:
      graph: Where it is staged.
      environment: Variables through which the worker reaches the bucket.
      python: Of the environment that stands for a worker's.
    """
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    with tempfile.TemporaryDirectory() as folder:
        ended = subprocess.run(
            [python, "-P", _WORKER, graph],  # -P: nothing beside the program is importable
            cwd=folder,
            env=kept | dict(environment),
            capture_output=True,
            text=True,
            timeout=jobs.TIMEOUT_SECONDS,
        )
    return jobs.Ended(ended.returncode, ended.stdout, ended.stderr)


def run_dataflow_graph(
    arguments: Sequence[object], environment: Mapping[str, str], module: str = "build"
) -> DataflowRun:
    """Runs a job as on Dataflow, and waits for it.

    The command stages and submits its jobs as for the service. A stub takes them, has each graph
    run from its staged form by a fresh process, and says what became of it.

    Args:
      arguments: Its command line, without what concerns the engine.
      environment: Variables through which processes reach the emulator (`Bucket.environment`).
      module: Which job.
    """
    workers: list[jobs.Ended] = []
    work = functools.partial(_work, environment, workers)
    place = make_bucket(environment)
    with dataflow_service(environment, place, work) as (stub, flags, variables):
        command = jobs.run(*arguments, *flags, environment=variables, module=module)
    return DataflowRun(command, stub.recorded, workers)


def _work(
    environment: Mapping[str, str],
    workers: list[jobs.Ended],
    stub: DataflowStub,
    recorded: Recorded,
) -> None:
    ended = run_graph(graph_of(recorded.body), environment)
    workers.append(ended)
    stub.set_state(recorded.job_id, FAILED if ended.code else DONE, ended.err if ended.code else "")


@contextlib.contextmanager
def dataflow_service(
    environment: Mapping[str, str],
    place: str,
    on_create: Callable[[DataflowStub, Recorded], None] | None = None,
) -> Iterator[tuple[DataflowStub, list[str], dict[str, str]]]:
    """A stub, the flags with which a job uses it, and the variables that the job needs.

    Args:
      environment: Variables through which processes reach the emulator.
      place: Below which jobs are staged, `gs://…`.
      on_create: See `DataflowStub`.
    """
    with running_metadata_server() as metadata, DataflowStub(on_create) as stub:
        flags = [
            "--runner=dataflow",
            f"--project={PROJECT}",
            f"--region={REGION}",
            f"--staging_location={place}/staging",
            f"--temp_location={place}/temp",
            f"--dataflow_endpoint={stub.endpoint}",
        ]
        yield stub, flags, {**environment, **metadata.environment}


def make_bucket(environment: Mapping[str, str]) -> str:
    """A new bucket to stage in."""
    name = f"staging-{uuid.uuid4().hex[:12]}"
    address = f"{environment['STORAGE_EMULATOR_HOST']}/storage/v1/b?project={PROJECT}"
    requests.post(address, json={"name": name}, timeout=jobs.TIMEOUT_SECONDS).raise_for_status()
    return f"gs://{name}"


def launcher_flags(launch: Mapping, specification: Mapping, place: str) -> list[str]:
    """What a Flex template's launcher gives to the main file, as the service would have it.

    Args:
      launch: The request's `launchParameter`.
      specification: The template's.
      place: Below which the job is staged, `gs://…`.

    Raises:
      ValueError: The service would refuse the launch.
    """
    check_parameters(launch["parameters"], specification)
    environment = specification["defaultEnvironment"] | launch.get("environment", {})
    given = {_LAUNCH_FLAGS.get(name, _snake(name)): environment[name] for name in environment}
    given |= {
        "job_name": launch["jobName"],
        "labels": '{\n   "goog-dataflow-provided-template-type" : "flex"\n}\n',
        "project": PROJECT,
        "region": REGION,
        "runner": "DataflowRunner",
        "staging_location": f"{place}/staging",
        "temp_location": f"{place}/temp",
        "template_location": f"{place}/staging/template_launches/{launch['jobName']}/job_object",
        **launch["parameters"],
    }
    return [f"--{name}={value}" for name, value in given.items()]


def check_parameters(given: Mapping[str, str], specification: Mapping) -> None:
    """Refuses what the service refuses: unknown and missing parameters, values that don't match.

    Raises:
      ValueError: Something is refused.
    """
    parameters = {entry["name"]: entry for entry in specification["metadata"]["parameters"]}
    if unknown := given.keys() - parameters.keys():
        raise ValueError(f"unrecognized parameters: {sorted(unknown)}")
    for name, entry in parameters.items():
        if name not in given and not entry["isOptional"]:
            raise ValueError(f"missing parameter: {name}")
        for regex in entry["regexes"]:
            if name in given and not re.fullmatch(regex, given[name]):
                raise ValueError(f"{name}: {given[name]!r} didn't match {regex!r}")


def _snake(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def bare_python() -> pathlib.Path:
    """Python of an environment that has the package's declared dependencies and no package.

    Like a worker's before it installs what was staged. It is made once, and again where the
    dependencies change.
    """
    constraints = ROOT / "constraints.txt"
    names = sorted(declared()[""])
    state = hashlib.sha256(repr([sys.version, names]).encode() + constraints.read_bytes())
    mark, python = BARE / state.hexdigest()[:16], BARE / "bin" / "python"
    if not mark.exists():
        shutil.rmtree(BARE, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", BARE], check=True)
        install(python, "--constraint", constraints, *names)
        mark.touch()
    return python


def install(python: pathlib.Path, *what: object) -> None:
    """Installs into an environment with pip."""
    options = ["--quiet", "--disable-pip-version-check"]
    subprocess.run([python, "-m", "pip", "install", *options, *map(str, what)], check=True)
