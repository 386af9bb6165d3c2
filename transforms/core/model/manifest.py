"""The manifest of a version: what made it and what it holds. What it does not list does not exist.

It is JSON with the fields of `Manifest` in their order, and a seal: a checksum of all other
entries. The seal is made in the same way in every format, so that the manifest of a newer program
can be told from a corrupt one. `docs/manifest.schema.json` is its schema.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from transforms.core.base.errors import UNREADABLE, UsageError, shown
from transforms.core.base.versions import digest
from transforms.core.model.manifest_entries import (
    BadLineRow,
    CheckRow,
    InputRow,
    MadeBy,
    NotCompared,
    PageFile,
    ShardRow,
    TableFile,
    UnitRow,
)
from transforms.core.model.units import LineCounts

FORMAT = 1
"""Version of the manifest's form: raised when an entry changes its meaning or is left out. One that
is added leaves it as it is, since readers skip what they do not know."""

Kind = TypeVar("Kind", bound=msgspec.Struct)


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A version: what made it and what it holds. Jobs add entries of their own.

    Attributes:
      format: Version of the manifest's form.
      job: The job that made the version.
      version: The version's name: the same for the same units.
      created: When the version was made, ISO 8601 with the time zone.
      previous: The version that was current when the run was planned, null for none.
      configuration: All options by name, without secrets.
      code: Hash of the code that made the units' results.
      packages: Versions of what can change results, by name.
      warnings: Sentences on what is not used or not compared, as they were printed.
      inputs: All shards as they were found.
      shards: The conservation law for each shard.
      counts: Numbers of all units together.
      units: All units, by shard and position.
      bad_lines: The first bad lines.
      files: All files of tables.
      checks: Shares and rules by which the run was judged, with their limits.
      not_compared: Rules by which it was not, and why.
      made_by: The run that made the version, null where it left no record.
      columns: Types of the columns of each table, by name; empty in versions of older programs.
      pages: All files that are no tables, but for the manifest itself.
      seal: Checksum of all other entries; empty until the manifest is encoded.
    """

    format: int
    job: str = "build"
    version: str
    created: str
    previous: str | None
    configuration: dict[str, Any]
    code: str
    packages: dict[str, str]
    warnings: list[str]
    inputs: list[InputRow]
    shards: Sequence[ShardRow]
    counts: LineCounts
    units: list[UnitRow]
    bad_lines: list[BadLineRow]
    files: list[TableFile]
    checks: list[CheckRow]
    not_compared: list[NotCompared] = []
    made_by: MadeBy | None = None
    columns: dict[str, dict[str, str]] = {}
    pages: list[PageFile]
    seal: str

    @property
    def listed(self) -> list[TableFile | PageFile]:
        """All files that it describes."""
        return [*self.files, *self.pages]


class NewerFormatError(UsageError):
    """A manifest of a format that this version of the program does not know yet."""


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest as JSON, sealed."""
    values = msgspec.to_builtins(manifest)
    values["seal"] = _seal_of(values)
    return json.dumps(values, indent=1, ensure_ascii=False).encode()


def decode_manifest(data: bytes, place: str, kind: type[Kind]) -> Kind:
    """What `encode_manifest` made.

    Args:
      data: The file's content.
      place: Its path, for messages.
      kind: Whose entries are wanted: a job's manifest, or `Manifest` for those of every job.

    Raises:
      NewerFormatError: A newer version of this program wrote it.
      UsageError: It is corrupt, or of a format that is no longer read.
    """
    values = decode_sealed(data, place)
    if values.get("format") != FORMAT:
        raise UsageError(
            f"{place}: is of format {shown(values.get('format'))}, which this version of the "
            f"program does not read: {_AGAIN}"
        )
    return convert(values, kind, place)


_AGAIN = "make the version again, with the command that made it"


def decode_sealed(data: bytes, place: str, unsealed: bool = False) -> dict:
    """The entries of a manifest of any format.

    Args:
      data: The file's content.
      place: Its path, for messages.
      unsealed: Whether one without a seal will do, as the oldest ones are.

    Raises:
      NewerFormatError: A newer version of this program wrote it.
      UsageError: It is corrupt.
    """
    values = _decode(data, place)
    if unsealed and "seal" not in values:
        return values
    if not _is_sealed(values):
        raise UsageError(f"{place}: is corrupt, its seal differs: {_AGAIN}")
    _refuse_newer(values, place)
    return values


def _decode(data: bytes, place: str) -> dict:
    try:
        values = json.loads(data)
    except UNREADABLE as error:
        raise UsageError(f"{place}: is not JSON ({shown(error)}): {_AGAIN}") from error
    if not isinstance(values, dict):
        raise UsageError(f"{place}: is not a manifest, which is a JSON object: {_AGAIN}")
    return values


def convert(values: dict, kind: type[Kind], place: str) -> Kind:
    """Entries of a manifest as a type.

    Raises:
      UsageError: They are others.
    """
    try:
        return msgspec.convert(values, kind)
    except UNREADABLE as error:
        raise UsageError(
            f"{place}: is not what this version of the program writes ({shown(error)}): {_AGAIN}"
        ) from error


def _refuse_newer(values: Mapping, place: str) -> None:
    found = values.get("format")
    if isinstance(found, int) and found > FORMAT:
        raise NewerFormatError(
            f"{place}: was written by a newer version of this program (format {found}; this one "
            f"reads up to {FORMAT}): upgrade it"
        )


def _seal_of(values: Mapping) -> str:
    """Checksum of all entries but the seal, as JSON holds them."""
    rest = {name: value for name, value in values.items() if name != "seal"}
    return digest(json.loads(json.dumps(rest)))


def _is_sealed(values: Mapping) -> bool:
    return values.get("seal") == _seal_of(values)
