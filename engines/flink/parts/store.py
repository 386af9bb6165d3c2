"""Where downloads and builds are kept, and how each comes there complete or not at all."""

import contextlib
import fcntl
import os
import pathlib
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence

from transforms.core.base.errors import EngineError

ROOT = pathlib.Path(__file__).parents[3]
STORE = ROOT / ".engines" / "flink"


@contextlib.contextmanager
def alone(folder: pathlib.Path) -> Iterator[None]:
    """Makes a folder and lets one process at a time work in it; others wait."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def make_once(folder: pathlib.Path, fill: Callable[[pathlib.Path], None]) -> pathlib.Path:
    """Makes a folder unless it is there.

    It is filled under another name, so that what was interrupted is never taken for finished.

    Args:
      folder: The folder; `alone` holds the one above it.
      fill: Fills the folder that it is given.
    """
    if not folder.exists():
        unfinished = folder.with_name(f"{folder.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        fill(unfinished)
        unfinished.rename(folder)
    return folder


def call(command: Sequence[str], folder: pathlib.Path, task: str) -> None:
    """Runs a command to its end.

    Args:
      command: The command.
      folder: Where it runs.
      task: What it does, for the error.

    Raises:
      EngineError: It failed; holds its last words.
    """
    ended = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if ended.returncode:
        last = ended.stdout.decode(errors="replace").strip().splitlines()[-15:]
        raise EngineError("\n  ".join([f"{task} failed: {' '.join(command)}", *last]))
