"""Stops the main job at random moments, in every way in which a process is stopped.

`python -m tests.soak.stopping --trials 350` prints trials and failures of each form.
"""

import contextlib
import dataclasses
import functools
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from tests import build_helpers as helpers
from tests.soak import trials

SECONDS = 10
"""In which a run must have ended, and all that it has started."""

STARTING = 0.3
"""Seconds after the start in which Python itself may still answer a signal, with what is its
default: the interpreter has not reached the first line of this project."""

ON_THE_WAY = ("Finished ", "Compiling kernels: ", "note: --workers ")
"""How lines on standard error begin that are about how a run goes, not how it ends."""

UNIT_BYTES = 20_000
SHARDS = [*helpers.GENERATED, helpers.REAL]


@dataclasses.dataclass(frozen=True)
class Form:
    """A way to stop a run.

    Attributes:
      number: The signal.
      group: Whether all processes of the run get it, as at Ctrl-C, or only the first.
      workers: Of the run.
    """

    number: signal.Signals
    group: bool
    workers: int

    def __str__(self) -> str:
        whom = "the group" if self.group else "the main process"
        return f"{self.number.name} to {whom}, --workers {self.workers}"


FORMS = [
    Form(signal.SIGINT, True, 2),
    Form(signal.SIGINT, False, 2),
    Form(signal.SIGTERM, False, 1),
    Form(signal.SIGTERM, False, 2),
    Form(signal.SIGTERM, True, 2),
    Form(signal.SIGHUP, False, 2),
    Form(signal.SIGKILL, False, 2),
]


class Run:
    """A run in folders and in a session of its own.

    Attributes:
      output: Its output folder.
      temporary: Its TMPDIR.
      process: Its first process.
    """

    def __init__(self, folder: pathlib.Path, workers: int):
        self.output, self.temporary = folder / "output", folder / "temporary"
        self.temporary.mkdir()
        self._said = {name: folder / name for name in ("out", "err")}
        more = ["--unit-bytes", UNIT_BYTES, "--workers", workers]
        command = [sys.executable, "-m", "pipelines.build"]
        with self._said["out"].open("w") as out, self._said["err"].open("w") as err:
            self.process = subprocess.Popen(
                [*command, *helpers.arguments(self.output, SHARDS, *more)],
                cwd=helpers.ROOT,
                env=os.environ | {"TMPDIR": str(self.temporary)},
                stdout=out,
                stderr=err,
                start_new_session=True,
                preexec_fn=helpers.heed_interrupts,
            )

    def said(self, name: str) -> str:
        """What it said on `out` or `err`, but for progress and advice."""
        lines = self._said[name].read_text().splitlines(keepends=True)
        return "".join(line for line in lines if not line.startswith(ON_THE_WAY))

    def processes(self) -> list[int]:
        """The processes of the run that have not ended, orphans among them."""
        return [pid for pid in _processes() if _session(pid) == self.process.pid]

    def left(self) -> list[str]:
        """Names of what a run that was stopped must not leave."""
        found = [path.name for path in self.temporary.iterdir()]
        found += [path.name for path in self.output.rglob("*.tmp")]
        for unit in (self.output / "units").glob("*"):
            if not (unit / "record").exists():
                found += [f"{unit.name}/{path.name}" for path in unit.iterdir()]
        return found


def _processes() -> list[int]:
    return [int(path.name) for path in pathlib.Path("/proc").iterdir() if path.name.isdigit()]


def _session(pid: int) -> int | None:
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[3]) if fields[0] not in "ZX" else None


@contextlib.contextmanager
def started(workers: int) -> Iterator[Run]:
    """A run beside the block, which ends with the block at the latest."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        run = Run(pathlib.Path(folder), workers)
        try:
            yield run
        finally:
            for pid in run.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            run.process.wait()


def whole(workers: int) -> float:
    """Seconds that a run takes that nobody stops."""
    with started(workers) as run:
        begin = time.monotonic()
        code = run.process.wait()
        assert code == 0 and not run.left(), (code, run.left(), run.said("err"))
        return time.monotonic() - begin


def stop(form: Form, moment: float) -> list[str]:
    """Stops a run some seconds after its start; returns what is wrong, if anything."""
    with started(form.workers) as run:
        time.sleep(moment)
        if run.process.poll() is not None:
            return _wrong_end(run) if run.process.returncode else []
        (os.killpg if form.group else os.kill)(run.process.pid, form.number)
        begin = time.monotonic()
        while run.processes() and time.monotonic() - begin < SECONDS:
            time.sleep(0.02)
        if pids := run.processes():
            return [f"{len(pids)} processes run on after {SECONDS} s"]
        run.process.wait()
        if form.number == signal.SIGKILL:
            return []
        return list(_wrong(run, form, moment))


def _wrong_end(run: Run) -> list[str]:
    return [f"ended by itself with {run.process.returncode}: {run.said('err')!r}"]


def _wrong(run: Run, form: Form, moment: float) -> Iterator[str]:
    code, error = run.process.returncode, run.said("err")
    if left := run.left():
        yield f"left behind: {left}"
    if code == 0 and "\nReport " in run.said("out"):
        return  # it had said all before the signal came
    if moment < STARTING and not error.startswith("Stopped"):
        if code not in (-form.number, 128 + form.number, 1):
            yield f"exit code {code} while Python was starting"
        return
    if code != 128 + form.number:
        yield f"exit code {code}"
    if not error.startswith("Stopped; the same command resumes") or error.count("\n") != 1:
        yield f"said {error!r}"
    current = run.output / "CURRENT"
    if current.exists() and current.read_text().strip() not in error:
        yield "published without a word"


def attempt(form: Form, seconds: float, source: random.Random, share: float) -> str:
    """One trial, at a share of the seconds that a run takes."""
    moment = share * seconds
    found = stop(form, moment)
    assert not found, f"at {moment:.3f} s: {'; '.join(found)}"
    return "stopped"


@contextlib.contextmanager
def forms() -> Iterator[list[trials.Form]]:
    """The trials of all forms."""
    seconds = {workers: whole(workers) for workers in (1, 2)}
    print("undisturbed:", {workers: f"{taken:.1f} s" for workers, taken in seconds.items()})
    yield [
        trials.Form(str(form), functools.partial(attempt, form, seconds[form.workers]))
        for form in FORMS
    ]


if __name__ == "__main__":
    sys.exit(trials.main(__doc__, forms, 350))
