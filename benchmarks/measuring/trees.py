"""The tree of another commit, beside this one, to be measured by this tree's benchmarks."""

import contextlib
import pathlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator

from benchmarks.material import ROOT

_HERE = pathlib.Path(__file__).parents[1]


def git(*arguments: str) -> str:
    """What git answers.

    Raises:
      subprocess.CalledProcessError: It refuses.
    """
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def describe() -> str:
    """The commit of this tree, with `-dirty` where files differ from it; `unknown` without git."""
    try:
        return git("describe", "--always", "--dirty")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def find_commit(name: str) -> str:
    """The hash of a commit.

    Raises:
      ValueError: git does not know it.
    """
    try:
        return git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    except (OSError, subprocess.CalledProcessError) as error:
        raise ValueError(f"git knows no commit {name!r}") from error


@contextlib.contextmanager
def worktree(commit: str) -> Iterator[pathlib.Path]:
    """A folder with the commit's code and this tree's benchmarks; removed afterwards."""
    with tempfile.TemporaryDirectory() as scratch:
        tree = pathlib.Path(scratch, "tree").resolve()
        git("worktree", "add", "--detach", str(tree), commit)
        try:
            there = tree / "benchmarks"
            shutil.rmtree(there, ignore_errors=True)
            shutil.copytree(_HERE, there, ignore=shutil.ignore_patterns("__pycache__"))
            yield tree
        finally:
            git("worktree", "remove", "--force", str(tree))
