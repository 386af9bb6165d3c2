"""The manifest of a version: what made it and what it holds. What it does not list does not exist.

It is JSON with the fields of `Manifest` in their order, and a seal: a checksum of all other
entries. The seal is made in the same way in every format, so that the manifest of a newer program
can be told from a corrupt one. `docs/manifest.schema.json` is its schema.
"""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from transforms.core.base.errors import UNREADABLE, UsageError, shown
from transforms.core.base.versions import digest
from transforms.core.model.manifest_entries import (
    BadLineRow,
    CheckRow,
    ExpectedRow,
    IndexDescription,
    InputRow,
    PageFile,
    Repeats,
    ShardRow,
    SplitRow,
    TableFile,
    Threshold,
    UnitRow,
)
from transforms.core.model.units import Counts

FORMAT = 1
"""Version of the manifest's form: raised when an entry changes its meaning or is left out. One that
is added leaves it as it is, since readers skip what they do not know."""

_Kind = TypeVar("_Kind", bound=msgspec.Struct)


class Manifest(msgspec.Struct, frozen=True):
    """A version: what made it and what it holds.

    Attributes:
      format: Version of the manifest's form.
      version: The version's name: the same for the same units.
      created: When the version was made, ISO 8601 with the time zone.
      previous: The version that was current when the run was planned, null for none.
      configuration: All options by name, without secrets.
      code: Hash of the code that made the units' results.
      packages: Versions of what can change results, by name.
      annotations: The index of annotations, null for a run without one.
      transcripts: The index of transcripts, null for a run without one.
      threshold: The threshold of D, null where none was set.
      warnings: Sentences on what is not used or not compared, as they were printed.
      inputs: All shards as they were found.
      shards: The conservation law for each shard.
      expected: Catalogued splits, with what was published and read of them.
      splits: Numbers of each dataset and split.
      counts: Numbers of all units together.
      units: All units, by shard and position.
      bad_lines: The first bad lines.
      repeated_keys: Narratives that share their key.
      files: All files of tables.
      checks: Shares by which the run was judged, with their limits.
      pages: All files that are no tables, but for the manifest itself.
      seal: Checksum of all other entries; empty until the manifest is encoded.
    """

    format: int
    version: str
    created: str
    previous: str | None
    configuration: dict[str, Any]
    code: str
    packages: dict[str, str]
    annotations: IndexDescription | None
    transcripts: IndexDescription | None
    threshold: Threshold | None
    warnings: list[str]
    inputs: list[InputRow]
    shards: list[ShardRow]
    expected: list[ExpectedRow]
    splits: list[SplitRow]
    counts: Counts
    units: list[UnitRow]
    bad_lines: list[BadLineRow]
    repeated_keys: Repeats
    files: list[TableFile]
    checks: list[CheckRow]
    pages: list[PageFile]
    seal: str

    @property
    def listed(self) -> list[TableFile | PageFile]:
        """All files that it describes."""
        return [*self.files, *self.pages]


class BaselineCounts(msgspec.Struct, frozen=True):
    """Counts of a version with which a later run is compared.

    Attributes:
      narratives: Narratives kept.
      discarded_narratives: Narratives discarded.
      flags: Narratives kept, by flag.
    """

    narratives: int
    discarded_narratives: int
    flags: dict[str, int]


class BaselineSplit(msgspec.Struct, frozen=True):
    """Numbers of a dataset and split with which a later run is compared.

    Attributes:
      dataset: None where it is not known.
      split: None where it is not known.
      narratives: Narratives kept.
      captions: Of these, with a caption.
      discarded: Narratives discarded.
    """

    dataset: str | None
    split: str | None
    narratives: int
    captions: int
    discarded: int


class Baseline(msgspec.Struct, frozen=True):
    """What of a version a later run is compared with; every format has had it.

    Attributes:
      counts: Of all units.
      splits: By dataset and split; the oldest manifests have none.
      configuration: All options by name.
    """

    counts: BaselineCounts
    splits: list[BaselineSplit] = []
    configuration: dict[str, Any] = {}

    def __post_init__(self) -> None:
        if len({(row.dataset, row.split) for row in self.splits}) < len(self.splits):
            raise ValueError("a split is there twice")


class NewerFormatError(UsageError):
    """A manifest of a format that this version of the program does not know yet."""


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest as JSON, sealed."""
    values = msgspec.to_builtins(manifest)
    values["seal"] = _seal_of(values)
    return json.dumps(values, indent=1, ensure_ascii=False).encode()


def decode_manifest(data: bytes, place: str) -> Manifest:
    """What `encode_manifest` made.

    Args:
      data: The file's content.
      place: Its path, for messages.

    Raises:
      NewerFormatError: A newer version of this program wrote it.
      UsageError: It is corrupt, or of a format that is no longer read.
    """
    values = _decode(data, place)
    if not _is_sealed(values):
        raise UsageError(f"{place}: is corrupt, its seal differs: {_AGAIN}")
    _refuse_newer(values, place)
    if values.get("format") != FORMAT:
        raise UsageError(
            f"{place}: is of format {shown(values.get('format'))}, which this version of the "
            f"program does not read: {_AGAIN}"
        )
    return _convert(values, Manifest, place)


def decode_baseline(data: bytes, place: str) -> Baseline:
    """What of a manifest, of this format or an older one, a later run is compared with.

    Args:
      data: The file's content.
      place: Its path, for messages.

    Raises:
      NewerFormatError: A newer version of this program wrote it.
      UsageError: It is corrupt, or lacks what is compared.
    """
    values = _decode(data, place)
    if "seal" in values:  # the oldest manifests have none
        if not _is_sealed(values):
            raise UsageError(f"{place}: is corrupt, its seal differs: {_AGAIN}")
        _refuse_newer(values, place)
    return _convert(values, Baseline, place)


_AGAIN = "make the version again, with the command that made it"


def _decode(data: bytes, place: str) -> dict:
    try:
        values = json.loads(data)
    except UNREADABLE as error:
        raise UsageError(f"{place}: is not JSON ({shown(error)}): {_AGAIN}") from error
    if not isinstance(values, dict):
        raise UsageError(f"{place}: is not a manifest, which is a JSON object: {_AGAIN}")
    return values


def _convert(values: dict, kind: type[_Kind], place: str) -> _Kind:
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
