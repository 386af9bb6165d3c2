"""What of an output is kept and what nothing needs: a pure function of what is listed there.

A version is kept for a reason that has a name, and with it the units and indexes that it was made
of, so that a later run over the same input reuses them. Files are counted by what they hold: on a
disk a version's files are links to those of its units, and their bytes are free when the last link
is gone.
"""

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from transforms.storage.files import StoredFile

Files = tuple[StoredFile, ...]


@dataclasses.dataclass(frozen=True)
class Policy:
    """What is to be kept beside what is needed.

    Attributes:
      keep_last: So many of the newest complete versions; None for none by number.
      keep_seconds: Versions that were made, or were current, in the last so many seconds; None for
        none by age.
      keep_tagged: Versions that have a tag.
      grace: Seconds in which nothing is removed since it was written or, of a version, was
        current: somebody may be reading or making it.
    """

    keep_last: int | None
    keep_seconds: float | None
    keep_tagged: bool
    grace: float


@dataclasses.dataclass(frozen=True)
class VersionFacts:
    """A version.

    Attributes:
      made: Seconds since 1970.
      was_current: Seconds since 1970 when it was current the last time; None for never, or now.
      complete: Whether it has a manifest at all.
      units: Keys of its units; None where the manifest cannot be read.
      indexes: Names of the indexes that it was made with.
      files: All of its files.
    """

    made: float
    was_current: float | None
    complete: bool
    units: frozenset[str] | None
    indexes: frozenset[str]
    files: Files


@dataclasses.dataclass(frozen=True)
class RunFacts:
    """A run that is at work.

    Attributes:
      begun: Seconds since 1970.
      version: The version that it makes, None where it is not known yet.
      base: The version that it is compared with.
      units: Keys of finished units that it relies on.
      indexes: Names of indexes that it reads.
    """

    begun: float
    version: str | None
    base: str | None
    units: frozenset[str]
    indexes: frozenset[str]


@dataclasses.dataclass(frozen=True)
class RecordFacts:
    """The record of a run that is over.

    Attributes:
      ended: Seconds since 1970.
      version: The version that it made; empty for none.
      files: Its file.
    """

    ended: float
    version: str
    files: Files


@dataclasses.dataclass(frozen=True)
class Contents:
    """All that an output holds.

    Attributes:
      current: The version that the pointer names.
      pinned: The version that is pinned.
      tagged: Versions that have a tag.
      versions: By name.
      units: Files of each unit by its key.
      indexes: Files of each index by its name.
      unfinished: What was to become a version or a file, by its name.
      records: Records of runs that are over, by the runs' names.
      running: Runs that are at work.
    """

    current: str | None
    pinned: str | None
    tagged: frozenset[str]
    versions: Mapping[str, VersionFacts]
    units: Mapping[str, Files]
    indexes: Mapping[str, Files]
    unfinished: Mapping[str, Files]
    records: Mapping[str, RecordFacts]
    running: tuple[RunFacts, ...]


@dataclasses.dataclass(frozen=True)
class PrunePlan:
    """What is to be removed, and why versions stay.

    Attributes:
      kept: Reasons by version that stays.
      versions: Names of versions to remove.
      units: Keys of units.
      indexes: Names of indexes.
      unfinished: Names of what was to become a version or a file.
      records: Names of runs.
    """

    kept: Mapping[str, tuple[str, ...]]
    versions: frozenset[str]
    units: frozenset[str]
    indexes: frozenset[str]
    unfinished: frozenset[str]
    records: frozenset[str]

    def of_both(self, other: "PrunePlan") -> "PrunePlan":
        """What both remove, and what the other one keeps."""
        names = ("versions", "units", "indexes", "unfinished", "records")
        common = {name: getattr(self, name) & getattr(other, name) for name in names}
        return PrunePlan(other.kept, **common)


def plan_prune(contents: Contents, policy: Policy, now: float) -> PrunePlan:
    """What is to be removed from an output.

    Args:
      contents: What it holds.
      policy: What is to be kept.
      now: Seconds since 1970.
    """
    reasons = {name: _reasons(name, contents, policy, now) for name in contents.versions}
    kept = {name: given for name, given in reasons.items() if given}
    units, indexes = _removable(contents, kept, policy, now)
    horizon = now - max(policy.grace, policy.keep_seconds or 0.0)
    records = (
        run
        for run, record in contents.records.items()
        if record.ended < horizon and record.version not in kept
    )
    unfinished = (
        name
        for name, files in contents.unfinished.items()
        if not contents.running and _is_old(files, now - policy.grace)
    )
    return PrunePlan(
        kept=kept,
        versions=frozenset(contents.versions.keys() - kept.keys()),
        units=frozenset(units),
        indexes=frozenset(indexes),
        unfinished=frozenset(unfinished),
        records=frozenset(records),
    )


def _reasons(name: str, contents: Contents, policy: Policy, now: float) -> tuple[str, ...]:
    """Why a version stays; nothing where it does not."""
    facts = contents.versions[name]
    since = [time for time in (facts.made, facts.was_current) if time is not None]
    needed = any(run.version in (name, None) or run.base == name for run in contents.running)
    found = {
        "current": name == contents.current,
        "pinned": name == contents.pinned,
        "tagged": policy.keep_tagged and name in contents.tagged,
        "last": name in _newest(contents.versions, policy.keep_last),
        "days": policy.keep_seconds is not None and max(since) >= now - policy.keep_seconds,
        "run": needed,
        "grace": max(since) >= now - policy.grace,
    }
    return tuple(reason for reason, holds in found.items() if holds)


def _newest(versions: Mapping[str, VersionFacts], number: int | None) -> Collection[str]:
    complete = [(facts.made, name) for name, facts in versions.items() if facts.complete]
    return {name for _, name in sorted(complete, reverse=True)[: number or 0]}


def _removable(
    contents: Contents, kept: Collection[str], policy: Policy, now: float
) -> tuple[set[str], set[str]]:
    """Units and indexes that no version that stays and no run needs.

    None, where it is not known of one of these what it needs. What has been written since a run
    began may be its own, however long it takes.
    """
    facts = [contents.versions[name] for name in kept]
    if any(version.units is None and version.complete for version in facts):
        return set(), set()
    units = {key for version in facts for key in version.units or ()}
    indexes = {name for version in facts for name in version.indexes}
    for run in contents.running:
        units |= run.units
        indexes |= run.indexes
    before = min([now - policy.grace, *(run.begun for run in contents.running)])
    return (
        {key for key in contents.units.keys() - units if _is_old(contents.units[key], before)},
        {key for key in contents.indexes.keys() - indexes
         if _is_old(contents.indexes[key], before)},
    )  # fmt: skip


def _is_old(files: Iterable[StoredFile], before: float) -> bool:
    return all(file.modified < before for file in files)


def files_of(contents: Contents, plan: PrunePlan) -> list[StoredFile]:
    """All files that a plan removes."""
    groups: list[Iterable[Files]] = [
        (contents.versions[name].files for name in sorted(plan.versions)),
        (contents.units[key] for key in sorted(plan.units)),
        (contents.indexes[name] for name in sorted(plan.indexes)),
        (contents.unfinished[name] for name in sorted(plan.unfinished)),
        (contents.records[run].files for run in sorted(plan.records)),
    ]
    return [file for group in groups for files in group for file in files]


def freed_bytes(files: Collection[StoredFile]) -> tuple[int, int]:
    """Bytes that are free when files are gone, and bytes that stay under names of others."""
    removed = Counter(file.identity for file in files)
    held = {file.identity: file for file in files}
    sizes = [0, 0]
    for identity, file in held.items():
        sizes[removed[identity] < file.names] += file.size
    return sizes[0], sizes[1]
