"""Removing what nothing needs, beside runs that begin and people who roll back.

What is to be removed is written down first (`OUT/PRUNING`), and then it is looked again what is
needed: a run that has begun before is seen then, and one that begins later sees what is written
there, and waits. It holds for some minutes and is renewed, so that one who was killed elsewhere
stops nobody for longer, and one on this machine nobody at all. What makes a folder a version, a
unit or an index goes first.
"""

import dataclasses
import itertools
import math
import time
from collections.abc import Callable, Iterable

import msgspec

from transforms import storage
from transforms.core.base.errors import ChangedError, UsageError
from transforms.core.model import layout
from transforms.storage.files import StoredFile
from transforms.units.runs import (
    CLOCKS_APART,
    Ended,
    Pruning,
    new_run,
    note_end,
    pruning_path,
    read_pruning,
)
from transforms.versions.pruning.contents import is_index, read_contents
from transforms.versions.pruning.retention import (
    Contents,
    Policy,
    PrunePlan,
    files_of,
    freed_bytes,
    plan_prune,
)
from transforms.versions.survey import read_survey

HELD_SECONDS = 600.0
"""How long nobody begins to use what is being removed, after the last word of who removes it."""

_AT_A_TIME = 500
"""Files that are removed between two looks at the clock."""


_OURS: dict[str, Callable[[str], bool]] = {
    layout.VERSIONS: lambda name: layout.is_version(name) or layout.is_unfinished_version(name),
    layout.UNITS: bool,
    layout.INDEXES: is_index,
}
"""Folders in which one who was killed may have left empty ones, and what these are called."""


@dataclasses.dataclass(frozen=True)
class Pruned:
    """What was removed, or would be.

    Attributes:
      plan: What.
      contents: What the output held.
      files: How many files.
      freed: Bytes that are free then, without those of the machine's copies.
      shared: Bytes of which a name goes and another one stays.
      copies: Bytes of this machine's copies of indexes that are free.
    """

    plan: PrunePlan
    contents: Contents
    files: int
    freed: int
    shared: int
    copies: int = 0


def plan(output: str, policy: Policy) -> Pruned:
    """What would be removed from an output.

    Raises:
      UsageError: It is not known what is to stay.
    """
    now, survey = time.time(), read_survey(output)
    for path, wrong in survey.dangling().items():
        if policy.keep_tagged or not path.startswith(f"{layout.TAGS}/"):
            raise UsageError(f"{storage.join(output, path)}: {wrong}; nothing is removed before")
    contents = read_contents(survey, policy.grace, now)
    return _describe(contents, plan_prune(contents, policy, now))


def _describe(contents: Contents, plan: PrunePlan) -> Pruned:
    files = files_of(contents, plan)
    return Pruned(plan, contents, len(files), *freed_bytes(files))


def prune(output: str, policy: Policy) -> Pruned:
    """Removes what nothing needs.

    Raises:
      UsageError: As of `plan`.
      ChangedError: Somebody else is removing something, or this process was held up so long that
        others need not wait for it any more.
    """
    before = time.time()
    first = plan(output, policy).plan
    lease = _Lease(output, first)
    try:
        contents = read_contents(read_survey(output), policy.grace, before)
        done = _describe(contents, first.of_both(plan_prune(contents, policy, before)))
        lease.remove(files_of(contents, done.plan))
        _remove_empty(output, done.plan, before - policy.grace)
    finally:
        lease.end()
    copies = storage.remove_stale_copies(output, before - policy.grace)
    done = dataclasses.replace(done, copies=copies)
    run = new_run("prune")
    note_end(output, run, Ended(status="pruned", message=describe(done)), has_begun=False)
    return done


def _remove_empty(output: str, plan: PrunePlan, before: float) -> None:
    """Removes folders without a file: of what was removed, and old ones of who was killed."""
    removed = {
        layout.VERSIONS: plan.versions,
        layout.UNITS: plan.units,
        layout.INDEXES: plan.indexes,
    }
    for name, is_ours in _OURS.items():
        folder = storage.join(output, name)
        storage.remove_empty(folder, math.inf, removed[name].__contains__)
        storage.remove_empty(folder, before, is_ours)


def describe(done: Pruned) -> str:
    """What was removed, in a sentence."""
    parts = [
        f"{len(names):,} {noun}{'' if len(names) == 1 else 's'}"
        for noun, names in (
            ("version", done.plan.versions),
            ("unit", done.plan.units),
            ("index folder", done.plan.indexes),
            ("unfinished remnant", done.plan.unfinished),
            ("record", done.plan.records),
        )
        if names
    ]
    return f"removed {', '.join(parts) or 'nothing'}: {done.freed + done.copies:,} bytes are free"


class _Lease:
    """For some time, nobody else begins to use what a plan removes."""

    def __init__(self, output: str, plan: PrunePlan) -> None:
        self._output, self._path = output, pruning_path(output)
        self._said = Pruning(
            until=time.time() + HELD_SECONDS,
            versions=sorted(plan.versions),
            units=sorted(plan.units),
            indexes=sorted(plan.indexes),
            holder=new_run("prune"),
        )
        held = storage.read_bytes(self._path) if storage.exists(self._path) else None
        data = msgspec.json.encode(self._said)
        if read_pruning(output) or not storage.swap_pointer(self._path, held, data):
            raise ChangedError(
                f"{self._path}: somebody else is removing what nothing needs; it is over when the "
                f"file is gone, or {(HELD_SECONDS + CLOCKS_APART) / 60:.0f} minutes after it was "
                "last written: run the same command again then"
            )

    def remove(self, files: Iterable[StoredFile]) -> None:
        """Removes files, in their order, as long as that is allowed."""
        waiting = iter(files)
        while batch := list(itertools.islice(waiting, _AT_A_TIME)):
            self._renew()
            storage.remove_files(self._output, batch)

    def _renew(self) -> None:
        now = time.time()
        if now >= self._said.until:
            raise ChangedError(
                f"{self._path}: removing was held up for more than {HELD_SECONDS / 60:.0f} minutes "
                "and has stopped: run the same command again"
            )
        if now >= self._said.until - HELD_SECONDS / 2:
            self._said = msgspec.structs.replace(self._said, until=now + HELD_SECONDS)
            storage.write_bytes(self._path, msgspec.json.encode(self._said))

    def end(self) -> None:
        """Lets others use all again."""
        if time.time() < self._said.until:
            storage.remove_file(self._path)
