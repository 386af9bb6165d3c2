"""Running Beam jobs on the cluster."""

import json
import os
import pathlib
import shutil
import sys
from collections.abc import Sequence

from engines.flink.cluster import forward, processes
from engines.flink.cluster.cluster import JOB_SERVER, Cluster
from engines.flink.cluster.settings import restart_delay
from engines.flink.lifecycle import running
from transforms.core.base.errors import UsageError

WORKER = pathlib.Path(__file__).parent / "worker" / "worker.sh"
"""The command of a Python worker. The environment is PROCESS, where a TaskManager watches what it
has started. In EXTERNAL it waits for ever for a worker that dies before it has called, and two that
share a pool stop each other's workers, since they give them the same names."""

CACHE_MARGIN = 2000
"""Milliseconds by which Beam forgets a Python worker earlier than a failed job starts again."""


def run(folder: pathlib.Path, command: Sequence[str], bare: bool = False) -> None:
    """Becomes a command that runs beside the cluster.

    Args:
      folder: The cluster's folder.
      command: A program and its arguments; a Beam job, unless `bare`. It gets the flags that point
        to the cluster, apart from those that it has already.
      bare: Adds no flags.

    Raises:
      UsageError: There is no cluster, or no such program.
    """
    cluster = running(folder)
    if not command or not shutil.which(command[0]):
        raise UsageError(f"run: there is no program {' '.join(command[:1])!r}")
    flags = [] if bare else beam_flags(cluster, command)
    whole = cluster.inside([*command, *flags])
    os.execvpe(whole[0], whole, {**os.environ, processes.MARK: str(folder)})


def beam_flags(cluster: Cluster, given: Sequence[str] = ()) -> list[str]:
    """Beam's flags for a job on the cluster.

    Args:
      cluster: The cluster.
      given: Arguments that the job has already; these flags are left out.
    """
    names = {argument.partition("=")[0] for argument in given}
    process = json.dumps({"command": str(WORKER), "env": {"PYTHON": sys.executable}})
    workers = ["--environment_type=PROCESS", f"--environment_config={process}"]
    cache = max(restart_delay(cluster.settings) - CACHE_MARGIN, 0)
    flags = [
        f"--flink_master={forward.LOOPBACK}:{cluster.ports['rest']}",
        *_job_server_flags(cluster),
        f"--files_to_stage={cluster.parts.empty_jar}",
        *(workers if "--environment_type" not in names else []),
        f"--environment_cache_millis={cache}",
        f"--parallelism={cluster.settings['parallelism.default']}",
    ]
    return [flag for flag in flags if flag.partition("=")[0] not in names]


def _job_server_flags(cluster: Cluster) -> list[str]:
    if JOB_SERVER in cluster.roles:
        return [f"--job_endpoint={forward.LOOPBACK}:{cluster.ports['jobs']}"]
    return [
        f"--flink_job_server_jar={cluster.parts.job_server}",
        f"--job_server_java_launcher={cluster.parts.java}",
        "--job_server_jvm_properties=-Xmx512m",
        "--job_server_jvm_properties=-XX:-UsePerfData",
        f"--job_server_jvm_properties=-Djava.io.tmpdir={cluster.folder / 'tmp'}",
    ]
