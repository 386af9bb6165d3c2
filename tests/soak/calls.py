"""Commands as their users see them end, called in this process: exit code and what is printed."""

import contextlib
import importlib
import io

from pipelines.cli.process import run_command
from tests.engines.jobs import Ended

MODULES = {
    "build": "pipelines.build.job",
    "replay": "pipelines.replay.job",
    "versions": "pipelines.versions.commands",
    "index_annotations": "pipelines.index_annotations",
}
"""Where each command's `main` is."""
VERIFIED = ("not as recorded", "there is no such version")
"""How `verify` says on standard output what it has found."""


def call(job: str, *arguments: object) -> Ended:
    """Calls `python -m pipelines.JOB` with arguments."""
    main = importlib.import_module(MODULES[job]).main
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            run_command(lambda: main([*map(str, arguments)]))
        except SystemExit as end:
            code = end.code
    return Ended(code, out.getvalue(), err.getvalue())


def sentences(ended: Ended) -> list[str]:
    """What a command said of why it ended."""
    return [line for line in ended.err.splitlines() if line.startswith(("error: ", "skipped: "))]


def assert_explained(ended: Ended, *codes: int) -> None:
    """A command has ended with one of the codes and, where that is not 0, with one sentence."""
    assert ended.code in codes, f"exit code {ended.code}: {ended.err[-2000:]}"
    for word in ("Traceback", "unexpectedly"):
        assert word not in ended.err, ended.err[-2000:]
    if ended.code and not any(words in ended.out for words in VERIFIED):
        assert len(sentences(ended)) == 1, f"exit code {ended.code}: {ended.err[-2000:]!r}"
