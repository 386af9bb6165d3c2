"""The main job as a process of its own, over data on disk or in a bucket."""

import contextlib
import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence

from tests.build_helpers import ROOT, heed_interrupts
from tests.engines.servers.bucket import without_credentials

SAMPLES = ROOT / "samples"
SHARDS = {
    "sample": ["*localized_narratives*.jsonl", "odd_and_bad.jsonl"],
    "generated": ["*localized_narratives*.jsonl"],
}
"""Patterns of the shards of each data set, in its folder of narratives."""

TIMEOUT_SECONDS = 300
"""Seconds after which a job is given up."""


def inputs(root: str | os.PathLike, data: str = "sample") -> list[str]:
    """Flags that name a data set's files below a folder or a bucket's prefix."""
    shards = [f"{root}/narratives/{pattern}" for pattern in SHARDS[data]]
    return ["--input", *shards, *annotations(root)]


def annotations(root: str | os.PathLike) -> list[str]:
    """Flags that name the annotation files of a data set."""
    folder = f"{root}/open_images/*"
    return [
        *("--images", f"{folder}/images.csv"),
        *("--labels", f"{folder}/annotations-human.csv", f"{folder}/annotations-machine.csv"),
        *("--boxes", f"{folder}/annotations-human-bbox.csv"),
    ]


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a job ended.

    Attributes:
      code: Exit code.
      out: What it said on standard output.
      err: What it said on standard error.
    """

    code: int
    out: str
    err: str


class Job:
    """A job that was started."""

    def __init__(self, process: subprocess.Popen, out, err):
        self.process = process
        self._out, self._err = out, err

    def wait(self, timeout_seconds: float = TIMEOUT_SECONDS) -> Ended:
        """Waits for its end, some seconds at most."""
        code = self.process.wait(timeout_seconds)
        texts = [pathlib.Path(file.name).read_text() for file in (self._out, self._err)]
        return Ended(code, *texts)


@contextlib.contextmanager
def started(
    *arguments: object, environment: Mapping[str, str] | None = None, module: str = "build"
) -> Iterator[Job]:
    """Runs `python -m pipelines.MODULE` beside the block; ends it with the block at the latest.

    Args:
      *arguments: Its command line.
      environment: Variables on top of this process's, which lend it no credentials.
      module: Which job.
    """
    command = [sys.executable, "-m", f"pipelines.{module}", *map(str, arguments)]
    with started_command(command, without_credentials() | dict(environment or {})) as job:
        yield job


@contextlib.contextmanager
def started_command(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[Job]:
    """Runs a command in an environment beside the block; ends it with the block at the latest."""
    with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=out,
            stderr=err,
            start_new_session=True,
            preexec_fn=heed_interrupts,
        )
        try:
            yield Job(process, out, err)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def run(
    *arguments: object, environment: Mapping[str, str] | None = None, module: str = "build"
) -> Ended:
    """Runs a job to its end."""
    with started(*arguments, environment=environment, module=module) as job:
        return job.wait()
