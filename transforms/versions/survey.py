"""What versions there are below an output, and what each of them is now."""

import dataclasses
import re
from collections.abc import Collection, Iterable, Mapping

from transforms import storage
from transforms.core.base.errors import UsageError, job, shown
from transforms.core.model import layout
from transforms.core.model.manifest import Manifest, NewerFormatError
from transforms.units.publishing.pin import current_version, read_pin
from transforms.units.runs import Begun, Ended, read_runs
from transforms.versions.jobs import decode_any

CURRENT, PREVIOUS, HELD, CORRUPT = "current", "previous", "held", "corrupt"
"""States: the pointer names it; it did once; it never did; its manifest cannot be read."""

BECAME_CURRENT = ("published", "released", "rolled_back", "unchanged")
"""Ends of runs after which their version is current."""

_MOVES = ("rollback", "release")
_MOVED = ("published", "released", "rolled_back", "unpinned")
"""Commands that move the pointer, and ends of those and of runs after which it has its meaning."""

PREFIX_CHARACTERS = 4
"""How much of a version's name must be given at least."""

_PREFIX = re.compile(f"[0-9a-f]{{{PREFIX_CHARACTERS},16}}")


@dataclasses.dataclass(frozen=True)
class VersionInfo:
    """A version.

    Attributes:
      name: Its name.
      state: `CURRENT`, `PREVIOUS`, `HELD` or `CORRUPT`.
      manifest: None where it cannot be read.
      tags: Its tags, sorted.
      why: Why it is not current, or cannot be read; empty for the current one and previous ones.
      was_current: Whether it is current or was.
      is_newer: Whether a newer version of this program has written it.
    """

    name: str
    state: str
    manifest: Manifest | None
    tags: tuple[str, ...] = ()
    why: str = ""
    was_current: bool = False
    is_newer: bool = False

    @property
    def created(self) -> str:
        """When it was made, ISO 8601; empty where that is not known."""
        return self.manifest.created if self.manifest else ""

    @property
    def bytes(self) -> int:
        """Bytes of all files that the manifest lists."""
        return sum(file.bytes for file in self.manifest.listed) if self.manifest else 0


@dataclasses.dataclass(frozen=True)
class Survey:
    """An output.

    Attributes:
      output: Its folder.
      current: What the pointer names, None for nothing.
      pinned: The version that is pinned, None where none is.
      tags: Versions by tag.
      versions: All versions, the newest first.
      begun: Runs that have begun and not ended.
      ended: Runs that have ended.
    """

    output: str
    current: str | None
    pinned: str | None
    tags: Mapping[str, str]
    versions: tuple[VersionInfo, ...]
    begun: tuple[Begun, ...]
    ended: tuple[Ended, ...]

    def find(self, text: str) -> VersionInfo:
        """The version that somebody names: by name, its beginning, a tag, `current`, `previous`.

        Raises:
          UsageError: None is named so, or several are.
        """
        names = [version.name for version in self.versions]
        name = self._named(text, names)
        if name in names:
            return self.versions[names.index(name)]
        raise UsageError(
            f"{self.output}: there is no version {shown(text)!r}: give a name that `list` shows, "
            f"its first {PREFIX_CHARACTERS} characters or more, a tag, `current` or `previous`"
        )

    def dangling(self) -> dict[str, str]:
        """What is wrong with pointer, pin and tags that name no version, by their files' names."""
        files = {
            layout.CURRENT: (self.current, "a run, `rollback ID` or `release ID` writes it again"),
            layout.PINNED: (self.pinned, "`unpin` removes it, `rollback ID` writes it again"),
            **{
                f"{layout.TAGS}/{tag}": (name, f"`untag {tag}` first, then tag the version again")
                for tag, name in self.tags.items()
            },
        }
        there = {version.name for version in self.versions}
        return {
            path: f"names {shown(name)!r}, and there is no such version: {remedy}"
            for path, (name, remedy) in files.items()
            if name is not None and name not in there
        }

    def _named(self, text: str, names: Collection[str]) -> str | None:
        if text in names or text in self.tags:
            return self.tags.get(text, text)
        if text == CURRENT:
            return self.current
        if text == PREVIOUS:
            held = (v.name for v in self.versions if v.state == PREVIOUS)
            return self._moved_to() or next(held, None)
        if not _PREFIX.fullmatch(text):
            return None
        found = [name for name in names if name.startswith(text)]
        if len(found) > 1:
            raise UsageError(
                f"{self.output}: {len(found)} versions begin with {text}: give more of the name"
            )
        return found[0] if found else None

    def _moved_to(self) -> str | None:
        """What became current by a command that was interrupted before it could say so.

        It was `previous` when that command began, and is again when it is repeated.
        """
        moves = [run for run in self.begun if run.command in _MOVES]
        ends = [record.ended for record in self.ended if record.status in _MOVED]
        if not moves or max(ends, default="") > moves[-1].begun:
            return None
        is_there = self.current == moves[-1].version != moves[-1].base
        return self.current if is_there else None


def read_survey(output: str) -> Survey:
    """Looks at an output.

    Raises:
      UsageError: There is none.
    """
    folder = storage.join(output, layout.VERSIONS)
    names = [name for name in storage.list_dir(folder) if layout.is_version(name)]
    current, pinned = current_version(output), read_pin(output)
    begun, ended = read_runs(output)
    if not (names or current or begun or ended):
        raise UsageError(
            f"{output!r} holds no version: check the path, or make one with {job('build')}"
        )
    tags = read_tags(output)
    manifests = _read_manifests(folder, names)
    were_current = _were_current(manifests.values(), ended)
    versions = [
        _describe(name, manifests[name], current, were_current, tags, ended) for name in names
    ]
    versions.sort(key=lambda version: (version.created, version.name), reverse=True)
    return Survey(output, current, pinned, tags, tuple(versions), tuple(begun), tuple(ended))


def read_tags(output: str) -> dict[str, str]:
    """Versions by tag."""
    folder = storage.join(output, layout.TAGS)
    names = [name for name in storage.list_dir(folder) if is_tag(name)]
    found = storage.read_many(folder, names)
    return {name: data.strip().decode("latin-1") for name, data in sorted(found.items())}


_TAG = re.compile("[A-Za-z0-9][A-Za-z0-9_-]*([.][A-Za-z0-9_-]+)*")
TAG_CHARACTERS = 64


def is_tag(name: str) -> bool:
    """Whether a tag can have the name: not what else names a version."""
    return (
        bool(_TAG.fullmatch(name))
        and len(name) <= TAG_CHARACTERS
        and name not in (CURRENT, PREVIOUS)
        and not _PREFIX.fullmatch(name)
        and not name.endswith(".tmp")
    )


def _read_manifests(folder: str, names: Collection[str]) -> dict[str, Manifest | UsageError]:
    """Manifests by version, or why they cannot be read."""
    paths = {name: f"{name}/{layout.MANIFEST}" for name in names}
    found = storage.read_many(folder, list(paths.values()))
    made: dict[str, Manifest | UsageError] = {}
    for name, path in paths.items():
        place = storage.join(folder, path)
        try:
            if path not in found:
                raise UsageError(f"{place}: is missing, the version is incomplete")
            made[name] = decode_any(found[path], place)
        except UsageError as error:
            made[name] = error
    return made


def _were_current(
    manifests: Iterable[Manifest | UsageError], ended: Iterable[Ended]
) -> set[str | None]:
    """Versions that are or were current, by what runs and later versions say of them."""
    named = {manifest.previous for manifest in manifests if isinstance(manifest, Manifest)}
    return named | {record.version for record in ended if record.status in BECAME_CURRENT}


def _describe(
    name: str,
    manifest: Manifest | UsageError,
    current: str | None,
    were_current: Collection[str | None],
    tags: Mapping[str, str],
    ended: Iterable[Ended],
) -> VersionInfo:
    was = name in were_current
    own = tuple(tag for tag, version in tags.items() if version == name)
    if not isinstance(manifest, Manifest):
        newer = isinstance(manifest, NewerFormatError)
        return VersionInfo(name, CORRUPT, None, own, str(manifest), was, newer)
    if name == current:
        return VersionInfo(name, CURRENT, manifest, own, was_current=True)
    if was:
        return VersionInfo(name, PREVIOUS, manifest, own, was_current=True)
    said = [record for record in ended if record.version == name and record.message]
    said.sort(key=lambda record: record.status == "held_back")  # which another end does not undo
    why = said[-1].message if said else "it is complete, and no run has made it current"
    return VersionInfo(name, HELD, manifest, own, why)
