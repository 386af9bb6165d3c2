"""A command as a process that says when its modules are loaded, and then does its work.

`python -m tests.soak.loaded FILE JOB …`: the file is made when the work begins. Python and its
libraries take longer to load than most commands take to work, and a kill before that shows nothing.
"""

import contextlib
import importlib
import os
import pathlib
import sys
import tempfile
import time
from collections.abc import Iterator

from pipelines.cli.process import run_program
from tests.engines.jobs import Job, started_command
from tests.soak.calls import MODULES

PIPELINE = "transforms.units.publishing.publish"
"""What a run loads when it has something to do."""


@contextlib.contextmanager
def loaded(job: str, *arguments: object) -> Iterator[Job]:
    """A command beside the block, from the moment when its modules are loaded."""
    with tempfile.TemporaryDirectory() as folder:
        ready = pathlib.Path(folder) / "ready"
        command = [sys.executable, "-m", "tests.soak.loaded", ready, job, *arguments]
        environment = os.environ | {"TMPDIR": folder}
        with started_command([*map(str, command)], environment) as process:
            while not ready.exists():
                assert process.process.poll() is None, process.wait().err
                time.sleep(0.001)
            yield process


def main() -> None:
    """Loads a command, says so, and runs it."""
    _, ready, job, *arguments = sys.argv
    work = importlib.import_module(MODULES[job]).main
    if job in ("build", "replay"):
        importlib.import_module(PIPELINE)
    pathlib.Path(ready).touch()
    run_program(lambda: work(arguments))


if __name__ == "__main__":
    main()
