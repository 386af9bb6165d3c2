"""A version as files in a folder of its own, which is complete when `export.json` is there.

What differs between systems is a `FileWriter`. A file of the version becomes files that the writer
names, then a record, `parts/PATH.json`, by which another attempt knows that it is done. At the end
come the files that are made of all of them, and last the seal, `export.json`, which lists every
file with bytes and checksum. What it does not list does not exist, and is removed.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import msgspec

from transforms import storage
from transforms.core.base.errors import UNREADABLE, ChangedError, UsageError, option
from transforms.core.base.versions import digest
from transforms.core.model.manifest_entries import PageFile, TableFile
from transforms.versions.exports.export import Outcome
from transforms.versions.exports.files.folder import ExportFolder
from transforms.versions.exports.version import ExportedVersion

SEAL = "export.json"
"""What is written last: all files, with their bytes and checksums."""

PARTS = "parts"
"""Folder of records: what each file of the version became."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What a file of the version became.

    Attributes:
      files: What was written.
      more: What else the writer has to know of it at the end, as JSON has it.
    """

    files: list[PageFile]
    more: dict[str, Any] = {}


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """What is there when all parts are.

    Attributes:
      files: What was made of all parts.
      rows: Rows of each table, as the system calls the tables; null for the version's own.
      notes: Sentences on what is there otherwise than in the version.
      keeps_parts: Whether the parts' files belong to the export. Others were made of them if not.
    """

    files: list[PageFile]
    rows: dict[str, int] | None = None
    notes: list[str] = []
    keeps_parts: bool = True


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """What `export.json` holds.

    Attributes:
      key: Changes with whatever changes the files.
      target: Its name.
      version: The version.
      job: The job that made it.
      rows: Rows of each table.
      notes: Sentences on what is there otherwise than in the version.
      files: All other files.
    """

    key: str
    target: str = "bigquery"
    version: str
    job: str
    rows: dict[str, int]
    notes: list[str] = []
    files: list[PageFile]


class _Record(msgspec.Struct, frozen=True):
    key: str
    part: Part


@runtime_checkable  # Beam looks whether what it passes is one
class FileWriter(Protocol):
    """What a system's files are; a value that pickles. The same input gives the same bytes."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def settings(self) -> dict[str, Any]:
        """All but the version that changes the files, as JSON has it, with the format's number."""

    def check(self) -> None:
        """Looks whether the version can be written, before any work is done.

        Raises:
          UsageError: It cannot.
        """

    def write(self, file: TableFile, folder: ExportFolder) -> Part:
        """Writes what becomes of a file of the version, below paths that only it knows."""

    def complete(self, parts: Sequence[tuple[TableFile, Part]], folder: ExportFolder) -> Completion:
        """Writes what is made of all parts, which come in the order of the manifest's files."""


@dataclasses.dataclass(frozen=True)
class FolderTarget:
    """A folder, on this machine or in a bucket, in which each version has one of its own.

    Attributes:
      version: What is exported.
      output: The folder.
      writer: Writes the files.
    """

    version: ExportedVersion
    output: str
    writer: FileWriter

    @property
    def folder(self) -> ExportFolder:
        """The version's folder."""
        return ExportFolder(storage.join(self.output, self.version.name))

    @property
    def key(self) -> str:
        """Changes with whatever changes the files."""
        files = [[file.path, file.crc32c, file.rows] for file in self.version.files]
        settings = {"target": self.writer.name, **self.writer.settings}
        return digest({"settings": settings, "version": self.version.name, "files": files})[:16]

    def find(self) -> Outcome | None:
        """As of `Target`."""
        seal = self._seal()
        if seal is None or seal.key != self.key:
            return None
        if storage.corrupt_files(self.folder.path, seal.files, SEAL):
            return None
        return Outcome(place=self.folder.path, rows=seal.rows, notes=seal.notes)

    def prepare(self) -> None:
        """As of `Target`.

        Raises:
          UsageError: The version cannot be written so, or the folder cannot be written to, or holds
            what no export of this kind has made.
        """
        self.writer.check()
        self._refuse_others()
        storage.check_writable(self.output)
        # Until all files are there, the folder is not complete.
        storage.remove_file(self.folder.place(SEAL))

    def put(self, file: TableFile) -> bool:
        """As of `Target`."""
        if self._part(file) is not None:
            return False
        record = _Record(self.key, self.writer.write(file, self.folder))
        self.folder.write(_record_of(file), msgspec.json.encode(record))
        return True

    def finish(self) -> None:
        """As of `Target`."""
        if self.find() is not None:
            return
        self._refuse_others()
        parts = [(file, self._part(file)) for file in self.version.files]
        there = [(file, part) for file, part in parts if part is not None]
        if len(there) < len(parts):
            raise ChangedError(
                f"files in {self.folder.path!r} were removed meanwhile: run the same command again"
            )
        completion = self.writer.complete(there, self.folder)
        files = list(completion.files)
        if completion.keeps_parts:
            files += [listed for _, part in there for listed in part.files]
            files += self.folder.listed([_record_of(file) for file, _ in there])
        self._seal_with(completion, files)

    def _seal_with(self, completion: Completion, files: list[PageFile]) -> None:
        rows = self.version.rows if completion.rows is None else completion.rows
        seal = Seal(
            key=self.key,
            target=self.writer.name,
            version=self.version.name,
            job=self.version.job,
            rows=rows,
            notes=completion.notes,
            files=files,
        )
        self.folder.write(SEAL, msgspec.json.format(msgspec.json.encode(seal), indent=1))
        self.folder.remove_others({SEAL, *(file.path for file in files)})

    def _part(self, file: TableFile) -> Part | None:
        """What a file became, where that is done and still there."""
        path = _record_of(file)
        held = storage.read_json(self.folder.place(path))
        try:
            record = msgspec.convert(held, _Record)
        except UNREADABLE:
            return None
        if record.key != self.key:
            return None
        corrupt = storage.corrupt_files(self.folder.path, record.part.files, path)
        return None if corrupt else record.part

    def _seal(self) -> Seal | None:
        held = storage.read_json(self.folder.place(SEAL))
        try:
            return msgspec.convert(held, Seal)
        except UNREADABLE:
            return None

    def _refuse_others(self) -> None:
        seal = self._seal()
        if seal is not None and seal.target != self.writer.name:
            raise UsageError(
                f"{self.folder.path!r} holds an export for `{seal.target}`: give another folder "
                f"with {option('output')}"
            )
        names = storage.list_dir(self.folder.path)
        if names and not {SEAL, PARTS}.intersection(names):
            raise UsageError(
                f"{self.folder.path!r} has files that no export has made, such as {names[0]}: give "
                f"another folder with {option('output')}"
            )


def _record_of(file: TableFile) -> str:
    return f"{PARTS}/{file.path}.json"
