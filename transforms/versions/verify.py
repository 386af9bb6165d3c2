"""Verifying versions against their manifests, and rebuilding what their units still have."""

import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping

import msgspec

from transforms import storage
from transforms.core.base.errors import UsageError
from transforms.core.model import layout
from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import TableFile
from transforms.core.model.narratives.manifest import IndexDescription
from transforms.core.output.commit_records import UnitRecord
from transforms.core.output.jobs.job import Job
from transforms.core.output.version import Summary
from transforms.core.sources.index import manifest as index_manifest
from transforms.units.corrupt_units import read_records, remove_corrupt_units
from transforms.units.publishing.publication import Publication
from transforms.units.publishing.read_version import inspect_version, is_complete
from transforms.units.publishing.write_version import write_version
from transforms.versions.jobs import publication_of
from transforms.versions.survey import Survey, VersionInfo

MISSING, RESIZED, DIFFERENT, UNREADABLE = "missing", "other size", "other checksum", "unreadable"

_INDEX_KINDS = {
    "annotations": ("annotations",),
    "transcripts": ("asr", "words"),
    "labels_index": ("said",),
}


class Problem(msgspec.Struct, frozen=True):
    """A file that is not what a manifest says.

    Attributes:
      path: The file.
      what: `MISSING`, `RESIZED`, `DIFFERENT` or `UNREADABLE`.
    """

    path: str
    what: str


class Verified(msgspec.Struct, frozen=True):
    """A version that was compared with its manifest.

    Attributes:
      version: Its name.
      files: How many files were compared.
      bytes: Bytes of these.
      problems: Files that are missing or differ; those of indexes too.
      unlisted: Files in the version's folder that no reader is led to.
      skipped: Indexes that are not there any more, which no reader of the version needs.
    """

    version: str
    files: int
    bytes: int
    problems: list[Problem]
    unlisted: list[str]
    skipped: list[str]


def verify_version(
    survey: Survey, version: VersionInfo, observe: Callable[[int], None] | None = None
) -> Verified:
    """Compares all files of a version, and of the indexes that it was made with, by checksums.

    Args:
      survey: Of the output.
      version: The version.
      observe: Called with the bytes of each of its files that had to be read.
    """
    folder = storage.join(survey.output, layout.version_folder(version.name))
    manifest = version.manifest
    if manifest is None:
        place = storage.join(folder, layout.MANIFEST)
        what = UNREADABLE if storage.exists(place) else MISSING
        return Verified(version.name, 1, 0, [Problem(place, what)], [], [])
    found = {file.path: file.size for file in storage.walk(folder)}
    problems = list(_compare(folder, manifest, found, observe))
    listed = {file.path for file in manifest.listed} | {layout.MANIFEST}
    skipped = []
    for role, kinds in _INDEX_KINDS.items():
        if description := getattr(manifest, role, None):
            faults = _verify_index(description, kinds)
            problems += faults or []
            skipped += [description.path] if faults is None else []
    return Verified(
        version.name, len(listed), version.bytes, problems, sorted(found.keys() - listed), skipped
    )


def _compare(
    folder: str,
    manifest: Manifest,
    found: Mapping[str, int],
    observe: Callable[[int], None] | None,
) -> Iterator[Problem]:
    right = [file for file in manifest.listed if found.get(file.path) == file.bytes]
    sums = storage.checksums(folder, [file.path for file in right], observe)
    for file in manifest.listed:
        place = storage.join(folder, file.path)
        if file.path not in found:
            yield Problem(place, MISSING)
        elif found[file.path] != file.bytes:
            yield Problem(place, RESIZED)
        elif sums.get(file.path) != file.crc32c:
            yield Problem(place, DIFFERENT)


def _verify_index(description: IndexDescription, kinds: tuple[str, ...]) -> list[Problem] | None:
    """Problems of an index; None where it is not there."""
    folder = description.path
    name = storage.join(folder, index_manifest.NAME)
    if not storage.exists(name):
        return None
    try:
        files = storage.read_index_manifest(folder, kinds).files()
    except UsageError:
        return [Problem(name, UNREADABLE)]
    corrupt = storage.corrupt_files(folder, files)
    sizes = {file.path: file.size for file in storage.walk(folder)} if corrupt else {}
    expected = {file.path: file.bytes for file in files}
    return [
        Problem(storage.join(folder, path), _what(sizes.get(path), expected[path]))
        for path in corrupt
    ]


def _what(size: int | None, expected: int) -> str:
    if size is None:
        return MISSING
    return DIFFERENT if size == expected else RESIZED


@dataclasses.dataclass(frozen=True)
class Repaired:
    """What came of repairing a version.

    Attributes:
      restored: Paths, in the version, of files that were taken from another copy of theirs.
      rebuilt: Whether the version was made again of its units.
      removed: Keys of units that have the same faults, and were removed to be done again.
      left: What is still wrong.
    """

    restored: list[str]
    rebuilt: bool
    removed: list[str]
    left: list[Problem]


def repair_version(survey: Survey, version: VersionInfo) -> Repaired:
    """Rebuilds of a version what its units, or other versions, still have.

    Files of units are taken from the units or from another version that holds the same. If tables
    of all units or pages are left, the version is made again of its units, as a run does it, where
    their records tell all that it had: those of an older program may not.
    Units with a file that is corrupt itself are removed, so that a run does them again.
    """
    manifest = version.manifest
    if manifest is None:
        return Repaired([], False, [], verify_version(survey, version).problems)
    folder = storage.join(survey.output, layout.version_folder(version.name))
    _, corrupt = inspect_version(folder, thorough=True)
    records = read_records(survey.output, [unit.key for unit in manifest.units])
    of_units = [f for f in manifest.files if f.shard is not None and f.path in corrupt]
    restored = list(_restore(survey, manifest, of_units, records))
    removed = remove_corrupt_units(records, survey.output) if corrupt else []
    _, corrupt = inspect_version(folder, thorough=True)
    publication = publication_of(manifest)
    complete = not removed and len(records) == len(manifest.units)
    rebuilt = False
    if corrupt and complete and publication and _tell_all(records, manifest, publication.job):
        _rebuild(folder, manifest, records, survey.output, publication)
        rebuilt = True
    return Repaired(restored, rebuilt, removed, _left(survey, version))


def _tell_all(records: Mapping[str, UnitRecord], manifest: Manifest, job: Job) -> bool:
    """Whether records have the statistics of all tables that a version has of all units."""
    wanted = {file.table for file in manifest.files} & job.statistics_tables.keys()
    told = {
        table
        for kind in job.statistics
        if all(kind.name in record.statistics for record in records.values())
        for table in kind.tables
    }
    return wanted <= told


def _left(survey: Survey, version: VersionInfo) -> list[Problem]:
    """What is wrong with a version as it is now."""
    folder = storage.join(survey.output, layout.version_folder(version.name))
    kind = type(version.manifest) if version.manifest else Manifest
    manifest, _ = inspect_version(folder, kind=kind)
    return verify_version(survey, dataclasses.replace(version, manifest=manifest)).problems


def _restore(
    survey: Survey,
    manifest: Manifest,
    corrupt: Collection[TableFile],
    records: Mapping[str, UnitRecord],
) -> Iterator[str]:
    """Puts other copies in the place of corrupt files; returns the files' paths."""
    copies: dict[tuple[int, int], list[str]] = {}
    for place, size, crc in _copies(survey, manifest.version, records):
        copies.setdefault((size, crc), []).append(place)
    folder = storage.join(survey.output, layout.version_folder(manifest.version))
    for file in corrupt:
        for place in copies.get((file.bytes, file.crc32c), ()):
            if storage.checksums(survey.output, [place]).get(place) == file.crc32c:
                source, target = storage.join(survey.output, place), storage.join(folder, file.path)
                storage.copy_files([(source, target)])
                yield file.path
                break


def _copies(
    survey: Survey, version: str, records: Mapping[str, UnitRecord]
) -> Iterator[tuple[str, int, int]]:
    """Files of units and of other versions: path below the output, bytes, checksum."""
    for record in records.values():
        yield from ((file.path, file.bytes, file.crc32c) for file in record.files)
    for other in survey.versions:
        if other.manifest and other.name != version:
            folder = layout.version_folder(other.name)
            for file in other.manifest.files:
                yield f"{folder}/{file.path}", file.bytes, file.crc32c


def _rebuild(
    folder: str,
    manifest: Manifest,
    records: Mapping[str, UnitRecord],
    output: str,
    publication: Publication,
) -> None:
    """Makes a version's folder again, of its units."""
    summary = Summary.of(publication.job)
    for record in records.values():
        summary.update(record)
    of_units = [file for file in manifest.files if file.shard is not None]
    bare = msgspec.structs.replace(manifest, files=of_units, pages=[], seal="")
    with storage.new_folder(folder, is_complete) as made:
        write_version(made, bare, summary, output, publication)
