"""The manifest of an index: what it was built from and what it holds.

An index is a folder whose `index.json` is written last, so that a folder without one is an
interrupted build. `docs/index.schema.json` is its schema.
"""

import hashlib
import pathlib

import msgspec

from transforms.core.base.errors import UNREADABLE, UsageError, job, shown

NAME = "index.json"
FORMAT = 3
"""Part of every index's address: raised whenever readers or the layout of files change."""


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    """An input file.

    Attributes:
      role: What it was given as, such as `boxes`.
      path: The file, without secrets.
      size: Its bytes as stored.
      fingerprint: Of the file when it was read; changes when the file does.
      content: Changes when its content does, whatever the file's dates; empty where not known.
      given: What is known of it that its content does not say, such as its release.
    """

    role: str
    path: str
    size: int
    fingerprint: str
    content: str = ""
    given: str = ""

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]


class BucketFile(msgspec.Struct, frozen=True):
    """One file of a table: its rows of some keys.

    Attributes:
      name: Where it is below the index's folder.
      bucket: Number of the bucket of keys, from 0.
      rows: Rows in it.
      keys: Distinct keys in it.
      bytes: Its size.
      sha256: Its SHA-256, hexadecimal.
      crc32c: Its CRC32C.
    """

    name: str
    bucket: int
    rows: int
    keys: int
    bytes: int
    sha256: str
    crc32c: int

    @property
    def path(self) -> str:
        """Where it is below the index's folder."""
        return self.name


class TableManifest(msgspec.Struct, frozen=True):
    """One table.

    Attributes:
      buckets: Into how many buckets its keys are divided; one without rows has no file.
      terms: Of each column of terms, the sorted values.
      files: The buckets' files.
    """

    buckets: int
    terms: dict[str, list[str]]
    files: list[BucketFile]

    @property
    def rows(self) -> int:
        """Rows in all buckets."""
        return sum(file.rows for file in self.files)

    @property
    def keys(self) -> int:
        """Distinct keys in all buckets."""
        return sum(file.keys for file in self.files)


class IndexManifest(msgspec.Struct, frozen=True):
    """The whole index.

    Attributes:
      format: `FORMAT` of the code that built it.
      kind: `annotations`, `asr` or `words`.
      address: Hash of the inputs' contents and of the code that built it; names the folder.
      sources: The input files.
      tables: By name. A table without input files is left out; one without rows has no files.
      warnings: Sentences on what of the inputs a run does not use.
      seal: Hash of all other entries.
    """

    format: int
    kind: str
    address: str
    sources: list[Source]
    tables: dict[str, TableManifest]
    warnings: list[str] = []
    seal: str = ""

    @property
    def is_sealed(self) -> bool:
        """Whether nothing was changed since `sealed`."""
        return self.seal == self.sealed().seal

    def sealed(self) -> "IndexManifest":
        """The manifest with its seal."""
        unsealed = msgspec.structs.replace(self, seal="")
        return msgspec.structs.replace(self, seal=_hash(msgspec.to_builtins(unsealed)))

    def files(self) -> list[BucketFile]:
        """The files of all tables."""
        return [file for table in self.tables.values() for file in table.files]

    @property
    def fingerprint(self) -> str:
        """Hash of what the index holds: equal for equal rows, whatever their files' dates."""
        roles = sorted({source.role for source in self.sources})
        return _hash([self.format, self.kind, roles, msgspec.to_builtins(self.tables)])


def address_of(kind: str, sources: list[Source], code: str) -> str:
    """The name of the folder of an index of these sources that some code (its version) builds."""
    inputs = [
        [source.role, source.name, source.content or source.fingerprint]
        + ([source.given] if source.given else [])
        for source in sources
    ]
    return f"{kind}-{_hash([FORMAT, kind, code, inputs])[:20]}"


def _hash(value: object) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()


def encode_manifest(manifest: IndexManifest) -> bytes:
    """The manifest as JSON, sealed."""
    return msgspec.json.format(msgspec.json.encode(manifest.sealed()), indent=1)


def read_manifest(folder: str, kinds: tuple[str, ...]) -> IndexManifest:
    """Reads `index.json` of a local index.

    Raises:
      UsageError: There is none, it is of another kind, or of another version.
    """
    path = pathlib.Path(folder, NAME)
    data = path.read_bytes() if path.is_file() else None
    return decode_manifest(data, folder, kinds)


def decode_manifest(data: bytes | None, folder: str, kinds: tuple[str, ...]) -> IndexManifest:
    """Decodes the content of an index's `index.json`, None where there is none.

    Raises:
      UsageError: As `read_manifest`.
    """
    if data is None:
        raise UsageError(
            f"{folder}: holds no complete index (no {NAME}): build it with "
            f"{job('index_annotations')}"
        )
    path = f"{folder}/{NAME}"
    try:
        head = msgspec.json.decode(data, type=_Head)
        if head.format == FORMAT and head.kind in kinds:
            manifest = msgspec.json.decode(data, type=IndexManifest)
            if not manifest.is_sealed:
                raise UsageError(f"{path}: is corrupt, its seal differs: build it again")
            return manifest
    except UsageError:
        raise
    except UNREADABLE as error:
        message = f"{path}: is not an index's manifest ({shown(error)}): build it again"
        raise UsageError(message) from error
    if head.format > FORMAT:
        raise UsageError(
            f"{path}: is an index of {head.kind}, format {head.format}, written by a newer version "
            f"of this program (this one reads format {FORMAT}): upgrade it, or build it again"
        )
    raise UsageError(
        f"{path}: is an index of {head.kind}, format {head.format}; needed is "
        f"{' or '.join(kinds)}, format {FORMAT}: build it again"
    )


class _Head(msgspec.Struct):
    format: int
    kind: str
