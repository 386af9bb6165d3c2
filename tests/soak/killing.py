"""Kills commands that change an output at random moments, beside a reader of its current version.

`python -m tests.soak.killing --trials 200` prints trials and failures of each form. The whole
process group gets SIGKILL, at a moment that goes evenly over the time that the command takes from
when its modules are loaded. Then the current version must be complete, as it was before or as the
command makes it, and the same command must end well and leave what an undisturbed one leaves.
"""

import contextlib
import dataclasses
import os
import pathlib
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence

from tests import build_helpers as helpers
from tests.pipelines.versions.helpers import copy_output
from tests.soak import outputs, trials
from tests.soak.calls import assert_explained, call
from tests.soak.loaded import loaded
from tests.soak.reader import read_version, reading


@dataclasses.dataclass(frozen=True)
class Command:
    """A command that is killed.

    Attributes:
      name: What the form is called.
      start: The output that it starts from.
      call: The job and its arguments, for an output.
      code: The exit code of a command that nobody disturbs.
      excused: Files of the current version that are corrupt before it.
      after: Commands that end what it leaves, for an output.
      again: Arguments with which it takes less time when it is given again.
      done: How `history` says that it has done its work, where it is not to be given again then:
        `previous` has another meaning.
    """

    name: str
    start: pathlib.Path
    call: Callable[[pathlib.Path], list]
    code: int = 0
    excused: frozenset[str] = frozenset()
    after: Callable[[pathlib.Path], list[list]] = lambda output: []
    again: tuple[str, ...] = ()
    done: str = ""

    def finish(self, output: pathlib.Path) -> None:
        """Runs it in this process, unless it is done, and what ends what it leaves."""
        if not (self.done and self.done in call("versions", "history", "--output", output).out):
            assert_explained(call(*self.call(output), *self.again), self.code, 0)
        for command in self.after(output):
            assert_explained(call(*command), 0)


@dataclasses.dataclass(frozen=True)
class Undisturbed:
    """What a command does that nobody kills: how long, and what it leaves."""

    seconds: float
    state: outputs.State


def measure(command: Command) -> Undisturbed:
    """Runs a command as a process, from when it is loaded to its end."""
    with outputs.copied(command.start) as output:
        with loaded(*command.call(output)) as job:
            begin = time.monotonic()
            ended = job.wait()
            seconds = time.monotonic() - begin
        assert_explained(ended, command.code)
        for following in command.after(output):
            assert_explained(call(*following), 0)
        return Undisturbed(seconds, outputs.state_of(output))


def kill(command: Command, output: pathlib.Path, moment: float) -> bool:
    """Kills a command some seconds after it is loaded; returns whether it was still at work."""
    with loaded(*command.call(output)) as job:
        time.sleep(moment)
        is_killed = job.process.poll() is None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(job.process.pid, signal.SIGKILL)
        ended = job.wait()
        if not is_killed:
            assert_explained(ended, command.code)
        return is_killed


def attempt(command: Command, expected: Undisturbed, share: float) -> str:
    """One trial."""
    with outputs.copied(command.start) as output:
        before = outputs.named_in(output / "CURRENT")
        with reading(output, command.excused):
            is_killed = kill(command, output, share * expected.seconds)
            current = outputs.named_in(output / "CURRENT")
            assert current in (before, expected.state.current), f"{current!r} is current"
            read_version(output / "versions" / current, command.excused)
            command.finish(output)
        after = outputs.state_of(output)
        assert after == expected.state, outputs.difference(after, expected.state)
        assert_explained(call("versions", "verify", "--output", output), 0)
        return "killed at work" if is_killed else "ended before"


def form_of(command: Command) -> trials.Form:
    """A command's trials; it is measured at the first one."""
    found: list[Undisturbed] = []

    def once(source: random.Random, share: float) -> str:
        if not found:
            found.append(measure(command))
        return attempt(command, found[0], share)

    return trials.Form(command.name, once)


def build(workers: int, output: pathlib.Path) -> list:
    """A run with more shards, and boxes, than the one before."""
    return ["build", *helpers.arguments(output, outputs.ALL, *outputs.JOINED), "--workers", workers]


def versions(*arguments: object) -> Callable[[pathlib.Path], list]:
    """A command about versions."""
    return lambda output: ["versions", *arguments, "--output", output]


def harm_unit(original: pathlib.Path, copy: pathlib.Path) -> frozenset[str]:
    """Copies an output with a fault that the current version and one of its units share."""
    output = copy_output(original, copy)
    path = min((helpers.version_of(output) / "narratives").iterdir())
    helpers.flip_bit(path, 9_999)
    return frozenset({f"narratives/{path.name}"})


@contextlib.contextmanager
def commands() -> Iterator[list[Command]]:
    """All commands that are killed, with the outputs that they start from."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        one = outputs.make_one(folder / "one" / "out")
        two = outputs.make_two(folder / "two" / "out")
        harmed, harmed_unit = folder / "harmed" / "out", folder / "harmed_unit" / "out"
        excused, of_unit = outputs.harm(two, harmed), harm_unit(two, harmed_unit)
        rows = outputs.write_repaired(two, folder / "repaired.jsonl")
        repair, remake = versions("verify", "--repair"), lambda output: [build(1, output)]
        yield [
            Command("build --workers 1", one, lambda output: build(1, output)),
            Command("build --workers 2", one, lambda output: build(2, output),
                    again=("--workers", "1")),
            Command("prune", two, versions("prune", "--keep-last", 1, "--grace", 0)),
            Command("rollback", two, versions("rollback", "previous"), done="rolled_back"),
            Command("replay", two, lambda output: ["replay", "--output", output, "--repaired",
                                                   rows]),
            Command("verify --repair", harmed, repair, excused=excused),
            Command("verify --repair of a unit", harmed_unit, repair, code=3, excused=of_unit,
                    after=remake),
        ]  # fmt: skip


@contextlib.contextmanager
def forms() -> Iterator[Sequence[trials.Form]]:
    """The trials of all commands."""
    with commands() as made:
        yield [form_of(command) for command in made]


if __name__ == "__main__":
    sys.exit(trials.main(__doc__, forms, 200))
