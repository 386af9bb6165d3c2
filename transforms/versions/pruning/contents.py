"""What an output holds, listed once, as what is kept of it is decided from."""

import datetime
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from transforms import storage
from transforms.core.base.errors import UsageError
from transforms.core.model import layout
from transforms.core.model.manifest import Manifest
from transforms.core.sources.index import manifest as index_manifest
from transforms.storage.files import StoredFile
from transforms.units.runs import Begun, Ended, is_gone, is_here
from transforms.versions.pruning.retention import (
    Contents,
    Files,
    RecordFacts,
    RunFacts,
    VersionFacts,
)
from transforms.versions.survey import BECAME_CURRENT, Survey

_FIRST = (layout.MANIFEST, layout.RECORD, index_manifest.NAME)
"""Files without which the others beside them are nothing: they are removed first."""


_INDEX = re.compile("[a-z]+-[0-9a-f]{20}")
"""Names of indexes (`index_manifest.address_of`)."""


_ROLES = ("annotations", "transcripts", "labels_index")
"""Entries of manifests that describe indexes."""

_TEMPORARY = re.compile(r"((runs|tags|checksums|calibrations)/)?[^/]+[.][0-9a-f]{32}[.]tmp")
"""Small files that somebody who was killed had not finished."""


def is_index(name: str) -> bool:
    """Whether an index can have the name."""
    return bool(_INDEX.fullmatch(name))


def read_contents(survey: Survey, grace: float, now: float) -> Contents:
    """Lists an output.

    Args:
      survey: Its versions and runs.
      grace: Seconds after which a run elsewhere is over of which nothing has been heard.
      now: Seconds since 1970.

    Raises:
      UsageError: A newer version of this program has written a version: what that one needs is
        not known.
    """
    for version in survey.versions:
        if version.is_newer:
            raise UsageError(f"{version.why}; nothing is removed before that")
    files = storage.walk(survey.output)
    groups = _group(files)
    units = {key: held for key, held in groups[layout.UNITS].items() if _is_unit(key, held)}
    newest = max((file.modified for held in units.values() for file in held), default=0.0)
    running = [run for run in survey.begun if _is_at_work(run, newest, now - grace)]
    pointer = [file.modified for file in groups[""].get(layout.CURRENT, ())]
    return Contents(
        current=survey.current,
        pinned=survey.pinned,
        tagged=frozenset(survey.tags.values()),
        versions=_versions(survey, groups[layout.VERSIONS], pointer[0] if pointer else None),
        units=units,
        indexes={
            name: files for name, files in groups[layout.INDEXES].items() if _INDEX.fullmatch(name)
        },
        unfinished={
            name: held
            for name, held in groups[layout.VERSIONS].items()
            if layout.is_unfinished_version(name)
        }
        | {file.path: (file,) for file in files if _TEMPORARY.fullmatch(file.path)},
        records=_records(survey, groups[layout.RUNS], {run.run for run in running}),
        running=tuple(map(to_facts, running)),
    )


def _group(files: Iterable[StoredFile]) -> Mapping[str, Mapping[str, Files]]:
    """Files by the output's folder that they are in (empty for none) and the name below that.

    Those without which the others are nothing come first.
    """
    found: dict[str, dict[str, list[StoredFile]]] = defaultdict(lambda: defaultdict(list))
    for file in files:
        folder, separator, rest = file.path.partition("/")
        name = rest.partition("/")[0] if separator else folder
        found[folder if separator else ""][name].append(file)
    for group in found.values():
        for held in group.values():
            held.sort(key=lambda file: (file.path.rpartition("/")[2] not in _FIRST, file.path))
    return defaultdict(
        dict, {folder: {n: tuple(f) for n, f in group.items()} for folder, group in found.items()}
    )


def _is_unit(key: str, files: Files) -> bool:
    """Whether runs have put all of the files there."""
    below = len(f"{layout.UNITS}/{key}/")
    return all(layout.is_of_unit(file.path[below:].partition("/")[0]) for file in files)


def _is_at_work(run: Begun, newest: float, since: float) -> bool:
    """Whether a run is at work that has not said that it ended.

    Args:
      run: The run.
      newest: When a unit was written the last time, by whatever run.
      since: When something must have been heard of a run that is elsewhere.
    """
    if is_gone(run):
        return False
    return is_here(run) or max(_seconds(run.begun), newest) >= since


def to_facts(run: Begun) -> RunFacts:
    """What a run needs."""
    makes_no_version = run.command in ("prune", "unpin")
    return RunFacts(
        begun=_seconds(run.begun),
        version="" if makes_no_version else run.version,
        base=run.base,
        units=frozenset(run.reused),
        indexes=frozenset(run.indexes),
    )


def _versions(
    survey: Survey, files: Mapping[str, Files], pointer: float | None
) -> dict[str, VersionFacts]:
    moves = [
        (_seconds(record.ended), record.version)
        for record in survey.ended
        if record.status in BECAME_CURRENT and record.status != "unchanged" and record.ended
    ]
    found = {}
    for version in survey.versions:
        held = files.get(version.name, ())
        manifest = version.manifest
        newest = max((file.modified for file in held), default=0.0)
        found[version.name] = VersionFacts(
            made=_seconds(manifest.created) if manifest else newest,
            was_current=None if version.name == survey.current
            else _was_current(version.name, version.was_current, moves, pointer),
            complete=any(file.path.endswith(f"{version.name}/{layout.MANIFEST}") for file in held),
            units=frozenset(unit.key for unit in manifest.units) if manifest else None,
            indexes=_indexes(manifest) if manifest else frozenset(),
            files=held,
        )  # fmt: skip
    return found


def _was_current(
    name: str, ever: bool, moves: Sequence[tuple[float, str]], pointer: float | None
) -> float | None:
    """When a version was current the last time; None for never.

    Where runs have not said when another one took its place, it is when the pointer was written.
    """
    own = [position for position, (_, version) in enumerate(moves) if version == name]
    if not own and not ever:
        return None
    later = moves[own[-1] + 1 : own[-1] + 2] if own else []
    return later[0][0] if later else pointer


def _indexes(manifest: Manifest) -> frozenset[str]:
    described = (getattr(manifest, role, None) for role in _ROLES)
    return frozenset(index.path.rstrip("/").rpartition("/")[2] for index in described if index)


def _records(
    survey: Survey, files: Mapping[str, Files], running: set[str]
) -> dict[str, RecordFacts]:
    """Records of runs that are over, also of those that have never said so."""
    found = {}
    for record in survey.ended:
        if held := files.get(f"{record.run}.json"):
            ended = _seconds(record.ended) if record.ended else held[0].modified
            found[record.run] = RecordFacts(ended, _needed_for(record), held)
    for run in survey.begun:
        held = files.get(f"{run.run}.begin.json")
        if held and run.run not in running:
            found[run.run] = RecordFacts(_seconds(run.begun), "", held)
    return found


def _needed_for(record: Ended) -> str:
    """The version of which a record tells what nothing else does."""
    return "" if record.status == "unchanged" else record.version


def _seconds(time: str) -> float:
    """An ISO time in seconds since 1970; 0 for what is none."""
    try:
        return datetime.datetime.fromisoformat(time).timestamp()
    except ValueError:
        return 0.0
