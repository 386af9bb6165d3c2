"""Lets calls of an object store go wrong under the commands about versions, and `replay`.

`python -m tests.soak.store_faults --trials 351` prints trials and failures for each command. A call
at random, of those that the command makes, meets one of the kinds of fault in turn. What a client
should get over changes nothing; where permission is refused, the command ends with a sentence, what
is current is complete, and the same command ends well afterwards. Needs the emulator that `make
test-engines` installs.
"""

import contextlib
import dataclasses
import os
import pathlib
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence

from tests import build_helpers as helpers
from tests.engines.jobs import Ended
from tests.engines.servers.bucket import Bucket
from tests.engines.servers.emulator import Emulator, running_emulator
from tests.engines.servers.faults import KINDS, SCATTERED, Fault
from tests.pipelines.versions.helpers import copy_output
from tests.soak import outputs, trials
from tests.soak.calls import assert_explained, call

SHARE = 0.1
"""Of all calls that meet a fault of any kind, where they do so by chance."""

BY_CHANCE, REFUSED = "by chance", "no permission"
FAULTS = [*SCATTERED, BY_CHANCE, REFUSED]

HOLDS = ("out/RUNNING", "out/PRUNING")
"""What a process holds, and this one, which does not end between two commands, goes on holding."""


@dataclasses.dataclass(frozen=True)
class Command:
    """A command that meets faults.

    Attributes:
      name: What it is called.
      start: The output that it starts from, on disk.
      arguments: The job, and what follows.
      again: Exit codes of the same command when it was refused something in the middle: `unpin` may
        find nothing left to do.
      only_looks: Whether it changes nothing, so that what it prints is to be compared.
    """

    name: str
    start: pathlib.Path
    arguments: Sequence[object]
    again: tuple[int, ...] = (0,)
    only_looks: bool = False

    def call(self, bucket: Bucket) -> Ended:
        """Calls it; what it says of the bucket's name is that of any bucket."""
        ended = call(*self.arguments, "--output", f"{bucket.url}/out")
        return dataclasses.replace(ended, out=ended.out.replace(bucket.name, "BUCKET"))


@dataclasses.dataclass(frozen=True)
class Undisturbed:
    """What a command does that meets no fault: what it prints, leaves, and how often it calls."""

    out: str
    state: dict[str, object]
    calls: Counter


def state_of(bucket: Bucket) -> dict[str, object]:
    """What readers and later runs find: pointer, pin, tags, and the tables of all versions."""
    found = bucket.checksums("out/")
    tables = {name: crc for name, crc in found.items() if name.count("/") == 3}
    kept = {name: crc for name, crc in tables.items() if name.startswith("versions/")}
    named = {name: crc for name, crc in found.items()
             if name in ("CURRENT", "PINNED") or name.startswith("tags/")}  # fmt: skip
    repairs = sum(name.startswith("repairs/") for name in found)
    return {**kept, **named, "repairs": repairs}


def assert_current_complete(bucket: Bucket) -> None:
    """The pointer names a version whose files are all there, with their checksums."""
    version = bucket.get("out/CURRENT").decode().strip()
    with tempfile.TemporaryDirectory() as name:
        folder = bucket.download(f"out/versions/{version}", pathlib.Path(name) / "version")
        helpers.assert_complete(folder)


@contextlib.contextmanager
def started(emulator: Emulator, command: Command) -> Iterator[Bucket]:
    """A bucket with the output that a command starts from."""
    bucket = Bucket(emulator)
    bucket.put_folder(command.start, "out")
    bucket.faults.clear()
    try:
        yield bucket
    finally:
        bucket.faults.clear()


def measure(emulator: Emulator, command: Command) -> Undisturbed:
    """Calls a command that meets no fault."""
    with started(emulator, command) as bucket:
        ended = command.call(bucket)
        assert_explained(ended, 0)
        calls = Counter(seen.call.kind for seen in bucket.faults.seen())
        return Undisturbed(ended.out, state_of(bucket), calls)


def inject(bucket: Bucket, kind: str, calls: Counter, source: random.Random) -> None:
    """Lets one call, of those that a command makes, meet a fault of a kind."""
    if kind == BY_CHANCE:
        bucket.faults.scatter(source.randrange(1 << 30), SHARE)
        return
    of_call = source.choice([name for name in KINDS if calls[name]])
    skip = source.randrange(calls[of_call])
    if kind == REFUSED:
        bucket.faults.add(Fault(kind=of_call, status=403, skip=skip, times=None))
    else:
        bucket.faults.add(dataclasses.replace(SCATTERED[kind], kind=of_call, skip=skip))


def attempt(emulator, command: Command, expected: Undisturbed, source, share: float) -> str:
    """One trial."""
    kind = FAULTS[int(share * len(FAULTS))]
    with started(emulator, command) as bucket:
        inject(bucket, kind, expected.calls, source)
        ended = command.call(bucket)
        hits = len(bucket.faults.hits())
        bucket.faults.clear()
        if kind == REFUSED:
            assert_refused(bucket, command, ended)
        else:
            assert_explained(ended, 0)
            assert not command.only_looks or ended.out == expected.out, ended.out[-500:]
        assert state_of(bucket) == expected.state, f"{kind}: another state"
        assert_current_complete(bucket)
        return ("refused" if ended.code else "got over") if hits else "nothing met"


def assert_refused(bucket: Bucket, command: Command, ended: Ended) -> None:
    """A command without permission ends with a sentence, and afterwards does what it should."""
    assert_explained(ended, 0, 2, 4)
    if not ended.code:
        return  # it was refused what it can do without
    assert f"'{bucket.url}" in ended.err, ended.err
    if command.name != "verify --repair":
        assert_current_complete(bucket)
    bucket.remove([name for name in HOLDS if name in bucket.names(name)])
    assert_explained(command.call(bucket), *command.again)


def form_of(emulator: Emulator, command: Command) -> trials.Form:
    """A command's trials; it is measured at the first one."""
    found: list[Undisturbed] = []

    def once(source: random.Random, share: float) -> str:
        if not found:
            found.append(measure(emulator, command))
        return attempt(emulator, command, found[0], source, share)

    return trials.Form(command.name, once)


def starts(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """Outputs on disk: with two versions, an older one pinned, or tagged, and one with faults."""
    two = outputs.built(folder / "two" / "out", [helpers.ODD_AND_BAD], *outputs.SETTINGS)
    more = [helpers.ODD_AND_BAD, helpers.GENERATED[0]]
    outputs.built(two, more, *outputs.SETTINGS)
    found = {"two": two}
    for name, *command in (("pinned", "rollback", "previous"), ("tagged", "tag", "current", "x")):
        found[name] = copy_output(two, folder / name)
        assert_explained(call("versions", *command, "--output", found[name]), 0)
    outputs.harm(two, folder / "harmed")
    return found | {"harmed": folder / "harmed"}


def commands(folder: pathlib.Path) -> list[Command]:
    """All commands, with the outputs that they start from."""
    found = starts(folder)
    two = found["two"]
    (old,) = {path.name for path in (two / "versions").iterdir()} - {helpers.version_of(two).name}
    rows = outputs.write_repaired(two, folder / "repaired.jsonl")
    looks = ["list", "show current", "diff previous current", "history", "verify"]
    changes = {
        "verify --repair": "harmed", f"rollback {old}": "two", f"release {old}": "two",
        "unpin": "pinned", "tag previous paper": "two", "untag x": "tagged",
        "prune --keep-last 1 --grace 0": "two",
    }  # fmt: skip
    return [
        *(Command(name, two, ["versions", *name.split()], only_looks=True) for name in looks),
        *(
            Command(name.removesuffix(f" {old}"), found[start], ["versions", *name.split()],
                    again=(0, 2) if name.startswith("un") else (0,))
            for name, start in changes.items()
        ),
        Command("replay", two, ["replay", "--repaired", rows]),
    ]  # fmt: skip


@contextlib.contextmanager
def reaching(emulator: Emulator, cache: pathlib.Path) -> Iterator[None]:
    """Lets commands in this process reach the emulator as `gs://`."""
    before = dict(os.environ)
    os.environ |= {
        "STORAGE_EMULATOR_HOST": emulator.endpoint,
        "LOCALIZED_NARRATIVES_CACHE": str(cache),
    }
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before


@contextlib.contextmanager
def forms_at(emulator: Emulator) -> Iterator[Sequence[trials.Form]]:
    """The trials of all commands, at an emulator that is running."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        with reaching(emulator, folder / "cache"):
            yield [form_of(emulator, command) for command in commands(folder)]


@contextlib.contextmanager
def forms() -> Iterator[Sequence[trials.Form]]:
    """The trials of all commands, at an emulator of their own."""
    with running_emulator() as emulator, forms_at(emulator) as made:
        yield made


if __name__ == "__main__":
    sys.exit(trials.main(__doc__, forms, 351))
