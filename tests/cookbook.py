"""The blocks of docs/cookbook.md, run in order; `python -m tests.cookbook` says what differs."""

import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parents[1]
PAGE = ROOT / "docs" / "cookbook.md"

_FENCE = re.compile(r'^```(\w+)(?: title="([\w.]+)")?\n(.*?)^```$', re.M | re.S)


@dataclasses.dataclass
class Block:
    """A fenced block.

    Attributes:
      line: Its first line on the page.
      kind: Its language: `sh` and `python` are run; `text` is what the block before it printed.
      file: The file that it is to be saved as, and not run.
      text: What it holds.
      printed: What the page says that it prints, None where it says nothing.
    """

    line: int
    kind: str
    file: str | None
    text: str
    printed: str | None = None


def blocks_of(page):
    """What a page has readers do, in order, with what it says comes of it."""
    found = []
    for fence in _FENCE.finditer(page):
        block = Block(page.count("\n", 0, fence.start()) + 1, *fence.groups())
        if block.kind == "text":
            assert found and found[-1].printed is None, f"line {block.line}: of which block?"
            found[-1].printed = block.text
        else:
            found.append(block)
    return found


def do(block, folder):
    """Saves or runs a block in a folder; returns its exit code, what it printed, and its errors."""
    if block.file:
        (folder / block.file).write_text(block.text, encoding="utf-8")
        return 0, "", ""
    commands = {"sh": ["bash", "-eo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
    tools = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": tools, "PYTHONPATH": str(ROOT), "COLUMNS": "100"}
    run = subprocess.run(
        [*commands[block.kind], block.text], cwd=folder, env=environment,
        capture_output=True, text=True,
    )  # fmt: skip
    return run.returncode, run.stdout, run.stderr


def matches(expected, printed):
    """Whether the output is what a page shows, `…` standing for anything within a line."""
    pattern = ".*".join(map(re.escape, expected.split("…")))
    return re.fullmatch(pattern, printed) is not None


def main():
    """Prints what blocks print that the page shows otherwise, to be put into it."""
    with tempfile.TemporaryDirectory() as folder:
        for block in blocks_of(PAGE.read_text(encoding="utf-8")):
            code, printed, errors = do(block, pathlib.Path(folder))
            if code or not matches(block.printed or "", printed):
                print(f"--- line {block.line}: {code}", printed, errors[-3000:], sep="\n")


if __name__ == "__main__":
    main()
