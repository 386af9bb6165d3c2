"""Flips bits of what is kept below an output, one at a time, and lets all commands meet it.

`python -m tests.soak.bit_flips --trials 500` prints trials and failures for each kind of file.
After each flip a reader gets the rows that are right or sees by a checksum that something is wrong,
every command ends well or with a sentence, `prune` takes nothing that is needed, and `verify
--repair` and the commands that made the versions leave what was there before.
"""

import contextlib
import dataclasses
import functools
import pathlib
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence

import msgspec

from tests import build_helpers as helpers
from tests.engines.jobs import Ended
from tests.pipelines.versions.helpers import copy_output
from tests.soak import outputs, trials
from tests.soak.calls import assert_explained, call
from tests.soak.reader import read_version
from transforms.units import lease, runs

ATTEMPTS = 3
"""How often a command is given that says that it is to be given again."""

TAG = "paper"


@dataclasses.dataclass(frozen=True)
class Original:
    """The output that all trials start from, which is never changed.

    Attributes:
      output: Two versions, the older one tagged, the newer one with repaired lines and current.
      place: Where it was made, and where it is copied to for each trial: what is in it names
        places in it.
      repaired: The repairs that were given.
      old: The older version.
      current: The newer one.
      contents: Of both, and of the one that `following` makes, their files with checksums.
      inputs: The shards of the current version, with their contents.
    """

    output: pathlib.Path
    place: pathlib.Path
    repaired: pathlib.Path
    old: str
    current: str
    contents: dict[str, dict[str, int]]
    inputs: list


def build(output: pathlib.Path, shards: Sequence, *more: object) -> Ended:
    """Runs the main job, which waits for nobody."""
    settings = (*outputs.JOINED, "--if-running", "fail", *more)
    return call("build", *helpers.arguments(output, shards, *settings))


def older(output: pathlib.Path) -> Ended:
    """The command that made the older version."""
    return build(output, outputs.FEW, "--no-repairs", "--verify-output")


def newer(output: pathlib.Path) -> Ended:
    """The command that makes the newer one again."""
    return build(output, outputs.FEW, "--verify-output")


def following(output: pathlib.Path) -> Ended:
    """A run with one more shard, which reuses the units of the others."""
    return build(output, [*outputs.FEW, helpers.GENERATED[0]])


def versions(output: pathlib.Path, *arguments: object) -> Ended:
    """A command about versions."""
    return call("versions", *arguments, "--output", output)


def replay(output: pathlib.Path, repaired: pathlib.Path, *more: object) -> Ended:
    """Gives the repairs."""
    return call("replay", "--output", output, "--repaired", repaired, *more)


@contextlib.contextmanager
def made() -> Iterator[Original]:
    """Makes the output."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        output, kept = folder / "out", folder / "original"
        assert_explained(older(output), 0)
        old = helpers.version_of(output).name
        repaired = outputs.write_repaired(output, folder / "repaired.jsonl")
        assert_explained(replay(output, repaired), 0)
        assert_explained(versions(output, "tag", old, TAG), 0)
        current = helpers.version_of(output).name
        contents, inputs = outputs.state_of(output).versions, inputs_of(output)
        copy_output(output, kept)
        assert_explained(following(output), 0)
        contents |= {"following": outputs.contents_of(helpers.version_of(output))}
        shutil.rmtree(output)
        yield Original(kept, output, repaired, old, current, contents, inputs)


def inputs_of(output: pathlib.Path) -> list:
    """What the current version says of its shards' contents."""
    return [(row["shard"], row["content"]) for row in helpers.manifest_of(output)["inputs"]]


def pin(output: pathlib.Path) -> None:
    """Pins what is current."""
    assert_explained(versions(output, "rollback", "current"), 0)


def hold(output: pathlib.Path, is_here: bool) -> None:
    """Leaves the lease of a run that was killed on this machine, or of one that is elsewhere."""
    run = runs.new_run("build")
    ended = run.process.replace(":", ":1", 1) if is_here else ""
    holder = msgspec.structs.replace(run, process=ended)
    held = lease.Lease(holder=holder, until=time.time() + lease.SECONDS)
    (output / "RUNNING").write_bytes(msgspec.json.encode(held))


@dataclasses.dataclass(frozen=True)
class Place:
    """A kind of file.

    Attributes:
      name: What it is called.
      pattern: Its files, below the output.
      prepare: Makes them where they are not there.
      later: In which share of the trials a run with one more shard follows, which takes longest:
        some files are read by such a run alone.
    """

    name: str
    pattern: str
    prepare: Callable[[pathlib.Path], None] = lambda output: None
    later: float = 1.0


SOME = 0.25

PLACES = [
    Place("commit records", "units/*/record"),
    Place("units' files", "units/*/*/*"),
    Place("versions' tables", "versions/*/*/*", later=SOME),
    Place("versions' pages", "versions/*/*.[hm][td]*", later=SOME),
    Place("manifests", "versions/*/manifest.json", later=SOME),
    Place("the index", "indexes/*/*"),
    Place("the pointer", "CURRENT", later=SOME),
    Place("the pin", "PINNED", pin),
    Place("tags", "tags/*", later=SOME),
    Place("the lease of a killed run", "RUNNING", functools.partial(hold, is_here=True), SOME),
    Place("the lease of a run elsewhere", "RUNNING", functools.partial(hold, is_here=False), SOME),
    Place("the history", "runs/*", later=SOME),
    Place("repairs", "repairs/*"),
    Place("checksums of input", "checksums/*"),
]


class Trial:
    """One flip, and all that follows.

    Args:
      original: What the output was before.
      output: A copy of it.
      place: The kind of file that is flipped.
      source: Chance.
    """

    def __init__(self, original: Original, output: pathlib.Path, place: Place, source):
        self.original, self.output, self.place, self.source = original, output, place, source

    def run(self) -> str:
        """Does it; returns how it ended."""
        self.place.prepare(self.output)
        path = self.source.choice(sorted(self.output.glob(self.place.pattern)))
        helpers.flip_bit(path, self.source.randrange(8 * path.stat().st_size))
        flipped = path.read_bytes()
        is_seen = self.reader_sees()
        self.look()
        if self.source.random() < 0.5:
            self.prune()
        found = versions(self.output, "verify")
        assert_explained(found, 0, 3)
        if found.code:
            assert_explained(versions(self.output, "verify", "--repair"), 0, 3)
        assert found.code or not is_seen, "a reader meets what verify does not find"
        self.make_again()
        self.compare()
        if self.source.random() < self.place.later:
            self.go_on()
        self.end()
        if found.code:
            return "found by verify"
        is_there = path.exists() and path.read_bytes() == flipped
        return "left, without harm" if is_there else "healed by a run"

    def reader_sees(self) -> bool:
        """Whether a reader of the pointer sees that something is wrong; it gets no wrong rows."""
        try:
            name = outputs.named_in(self.output / "CURRENT")
            found = read_version(self.output / "versions" / name)
        except (OSError, ValueError, KeyError, TypeError, AssertionError):
            return True
        assert found == self.original.contents[self.original.current], "wrong rows are read"
        return False

    def look(self) -> None:
        """Calls what only looks."""
        assert_explained(replay(self.output, self.original.repaired, "--dry-run"), 0, 2)
        for command in ("list", "history", "show current", f"show {TAG}", "diff current previous"):
            assert_explained(versions(self.output, *command.split()), 0, 2)

    def prune(self) -> None:
        """Nothing goes that has a pointer, a pin or a tag; or nothing at all, with a sentence."""
        before = self.needed()
        assert_explained(versions(self.output, "prune", "--keep-last", 0, "--grace", 0), 0, 2)
        assert self.needed() == before, f"prune took {sorted(before - self.needed())[:3]}"

    def needed(self) -> set[str]:
        """What makes units, versions and indexes of their folders."""
        patterns = ("units/*/record", "versions/*/manifest.json", "indexes/*/index.json")
        found = [path for pattern in patterns for path in self.output.glob(pattern)]
        return {str(path.relative_to(self.output)) for path in found}

    def make_again(self) -> None:
        """Gives the commands by which both versions were made."""
        self.give(newer)
        for command in (older, newer) if versions(self.output, "verify").code else ():
            self.give(command)

    def give(self, command: Callable[[pathlib.Path], Ended]) -> None:
        """Gives a command, as often as it says so, and does in between what it asks for."""
        for _ in range(ATTEMPTS):
            ended = command(self.output)
            assert_explained(ended, 0, 2, 3, 4)
            if ended.code == 0 or "is pinned to" in ended.err and command is not newer:
                return
            self.heed(ended.err)
        raise AssertionError(f"given {ATTEMPTS} times, it says {ended.err[-1000:]}")

    def heed(self, said: str) -> None:
        """Does what a sentence asks for."""
        if "file of repairs" in said:
            for path in (self.output / "repairs").iterdir():
                path.unlink()
            assert_explained(newer(self.output), 0, 3)
            assert_explained(replay(self.output, self.original.repaired), 0, 3)
        elif "is at work" in said:
            self.assert_held_for_minutes()
            (self.output / "RUNNING").unlink()
        elif "is pinned to" in said:
            assert_explained(versions(self.output, "unpin"), 0)
        else:
            assert "same command again" in said, said

    def assert_held_for_minutes(self) -> None:
        """The lease that is in the way ends by itself."""
        held = msgspec.json.decode((self.output / "RUNNING").read_bytes(), type=lease.Lease)
        left = held.until - time.time()
        assert left < lease.DETACHED_SECONDS + runs.CLOCKS_APART, f"it is held for {left:.0f} s"

    def compare(self) -> None:
        """Both versions are what they were, and the newer one is current."""
        state = outputs.state_of(self.output)
        for name in (self.original.old, self.original.current):
            assert state.versions[name] == self.original.contents[name], f"{name} is another"
        assert state.current == self.original.current, f"{state.current!r} is current"
        assert inputs_of(self.output) == self.original.inputs

    def go_on(self) -> None:
        """A later run reuses what is there, and makes what it should."""
        self.give(following)
        if (self.output / "PINNED").exists():
            assert_explained(versions(self.output, "unpin"), 0)
            self.give(following)
        found = outputs.contents_of(helpers.version_of(self.output))
        assert found == self.original.contents["following"], "a later run makes other rows"

    def end(self) -> None:
        """All is intact, when what only people can mend is mended."""
        if (self.output / "PINNED").exists():
            assert_explained(versions(self.output, "unpin"), 0)
        if (self.output / "tags" / TAG).read_bytes().strip() != self.original.old.encode():
            assert_explained(versions(self.output, "untag", TAG), 0)
        assert_explained(versions(self.output, "verify"), 0)


def attempt(original: Original, place: Place, source: random.Random, share: float) -> str:
    """One trial."""
    output = copy_output(original.output, original.place)
    try:
        return Trial(original, output, place, source).run()
    finally:
        shutil.rmtree(output)


@contextlib.contextmanager
def forms() -> Iterator[Sequence[trials.Form]]:
    """The trials of all kinds of files."""
    with made() as original:
        yield [
            trials.Form(place.name, functools.partial(attempt, original, place)) for place in PLACES
        ]


if __name__ == "__main__":
    sys.exit(trials.main(__doc__, forms, 500))
