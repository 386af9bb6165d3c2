"""Lets the disk be full at any point: of the output, of the index, of temporary files.

`python -m tests.soak.full_disk --trials 200` prints trials and failures for each place. The free
room goes evenly from nothing to a little more than what is needed. A run that finds it full must
name the place and what is free there, leave what was current as it was, and end well, with the
result of an undisturbed one, when room was made. Needs the right to mount.
"""

import contextlib
import dataclasses
import functools
import os
import pathlib
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence

import google_crc32c

from tests import build_helpers as helpers
from tests.engines import jobs
from tests.pipelines.versions.helpers import copy_output
from tests.soak import disks, outputs, trials
from tests.soak.calls import assert_explained, call, sentences

PAGE = os.sysconf("SC_PAGE_SIZE")
MORE = 1.1
"""Of the room that is needed, what the last trials have."""

ANNOTATIONS = jobs.annotations(jobs.SAMPLES)


@dataclasses.dataclass(frozen=True)
class Place:
    """What is on a disk of its own, in the folder of a trial.

    Attributes:
      name: What it is called.
      disk: Where the disk is.
      output: Where the output is; a version is there before.
      job: The command.
      more: Its arguments, for the output.
      result: What it has made.
    """

    name: str
    disk: str
    output: str
    job: str
    more: Callable[[pathlib.Path], list[str]]
    result: Callable[[pathlib.Path], object]


def build(output: pathlib.Path) -> list[str]:
    """Arguments of a run with more shards, and an index, than the one before."""
    return helpers.arguments(output, outputs.ALL, *outputs.SETTINGS, *ANNOTATIONS)


def build_by_two(output: pathlib.Path) -> list[str]:
    """The same by two processes, which find each other by temporary files."""
    return [*build(output), "--workers", "2"]


def index(output: pathlib.Path) -> list[str]:
    """Arguments that build an index."""
    return ["--output", str(output), *ANNOTATIONS]


def checksums_of(folder: pathlib.Path) -> dict[str, int]:
    """What is in a folder."""
    return {path.name: google_crc32c.value(path.read_bytes()) for path in folder.rglob("*.*")}


PLACES = [
    Place("the output", "disk", "disk/out", "build", build, outputs.state_of),
    Place("the index", "out/indexes", "out", "build", build, outputs.state_of),
    Place("temporary files", "temporary", "out", "build", build_by_two, outputs.state_of),
    Place("index_annotations", "disk", "disk/index", "index_annotations", index, checksums_of),
]


@dataclasses.dataclass(frozen=True)
class Undisturbed:
    """How much room a command needs that has enough, and what it makes."""

    need: int
    result: object


@contextlib.contextmanager
def prepared(place: Place, original: pathlib.Path) -> Iterator[tuple[pathlib.Path, pathlib.Path]]:
    """The disk, with much room, and the output of a trial."""
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        disk, output = folder / place.disk, folder / place.output
        mount = functools.partial(stack.enter_context, disks.small_disk(disk, disks.MUCH))
        if output.is_relative_to(disk):
            mount()
        if place.job == "build":
            copy_output(original, output)
        if not output.is_relative_to(disk):
            mount()
        yield disk, output


def run(place: Place, disk: pathlib.Path, output: pathlib.Path) -> jobs.Ended:
    """Runs the command as a process."""
    environment = {"TMPDIR": str(disk)} if place.disk == "temporary" else {}
    return jobs.run(*place.more(output), environment=environment, module=place.job)


def measure(place: Place, original: pathlib.Path) -> Undisturbed:
    """Runs the command where there is enough room."""
    with prepared(place, original) as (disk, output):
        before = disks.used(disk)
        with disks.watched(disk) as most:
            assert_explained(run(place, disk, output), 0)
        return Undisturbed(most[0] - before, place.result(output))


def attempt(place: Place, original: pathlib.Path, expected: Undisturbed, share: float) -> str:
    """One trial."""
    with prepared(place, original) as (disk, output):
        before = outputs.state_of(output) if place.job == "build" else None
        room = int(share * MORE * expected.need)
        disks.resize(disk, disks.used(disk) + max(PAGE, room))
        with disks.filled(disk) if room < PAGE else contextlib.nullcontext():
            ended = run(place, disk, output)
        assert_explained(ended, 0, 2, 4)
        if ended.code:
            assert_named(ended, disk)
            assert before is None or outputs.state_of(output) == before
        disks.resize(disk, disks.MUCH)
        assert_explained(call(place.job, *place.more(output)), 0)
        assert place.result(output) == expected.result, "another result"
        return "full" if ended.code else "enough room"


def assert_named(ended: jobs.Ended, disk: pathlib.Path) -> None:
    """The one sentence names a place on the disk, what is free there, and what to do."""
    (sentence,) = sentences(ended)
    for words in (str(disk), "bytes are free there", "free some space"):
        assert words in sentence, sentence


def form_of(place: Place, original: pathlib.Path) -> trials.Form:
    """A place's trials; what is needed there is measured at the first one."""
    found: list[Undisturbed] = []

    def once(source: random.Random, share: float) -> str:
        if not found:
            found.append(measure(place, original))
        return attempt(place, original, found[0], share)

    return trials.Form(place.name, once)


@contextlib.contextmanager
def forms() -> Iterator[Sequence[trials.Form]]:
    """The trials of all places."""
    with tempfile.TemporaryDirectory() as folder:
        with disks.small_disk(pathlib.Path(folder) / "disk", PAGE):
            pass  # before anything else: whether that is allowed
        original = outputs.make_one(pathlib.Path(folder) / "out")
        yield [form_of(place, original) for place in PLACES]


if __name__ == "__main__":
    sys.exit(trials.main(__doc__, forms, 200))
