"""Published versions: reading their manifests, and whether they are what these say."""

from typing import TypeVar

import google_crc32c
import pyarrow as pa

from transforms import storage
from transforms.core.base.errors import UsageError, job, option
from transforms.core.model import layout
from transforms.core.model.manifest import Manifest, NewerFormatError, decode_manifest
from transforms.core.model.manifest_entries import TableFile

ManifestKind = TypeVar("ManifestKind", bound=Manifest)


def read_manifest(folder: str, kind: type[ManifestKind] = Manifest) -> ManifestKind:  # type: ignore[assignment]
    """A version's manifest, whatever its files are.

    Args:
      folder: The version's folder.
      kind: Whose entries are wanted: a job's manifest, or those of every job.

    Raises:
      UsageError: It is missing, corrupt, or of a format that is not read.
    """
    path = storage.join(folder, layout.MANIFEST)
    return decode_manifest(storage.read_bytes(path), path, kind)


def read_listed(folder: str, file: TableFile) -> bytes:
    """The bytes of a version's file.

    Raises:
      UsageError: They are not what the manifest says, or it is not there.
    """
    path = storage.join(folder, file.path)
    data = storage.read_bytes(path)
    if google_crc32c.value(data) != file.crc32c:
        raise UsageError(
            f"{path!r} is not what its manifest says: {job('versions')}, `verify` with "
            f"{option('repair')}, rebuilds what the units still have"
        )
    return data


def read_table(path: str) -> pa.Table:
    """All rows of a Parquet file."""
    import pyarrow.parquet as pq

    # In this thread: one of Arrow's that still holds Python's bytes when the process ends aborts
    # it.
    data = pa.BufferReader(storage.read_bytes(path))
    return pq.read_table(data, use_threads=False, pre_buffer=False)


def read_complete(
    folder: str,
    thorough: bool = False,
    kind: type[ManifestKind] = Manifest,  # type: ignore[assignment]
) -> ManifestKind | None:
    """A version's manifest, None where the version is to be made again.

    That is where it is not what its manifest says, or the manifest is of an older format.
    Arguments and errors as of `inspect_version`.
    """
    manifest, corrupt = inspect_version(folder, thorough, kind)
    return None if corrupt else manifest


def inspect_version(
    folder: str,
    thorough: bool = False,
    kind: type[ManifestKind] = Manifest,  # type: ignore[assignment]
) -> tuple[ManifestKind | None, list[str]]:
    """A version's manifest, None where it cannot be read, and the files that are not as it says.

    Args:
      folder: The version's folder; what is behind a link is none.
      thorough: Compares the checksums of all files. Otherwise their sizes, and the checksums of
        the statistics, which a summary reads, and of files that were modified after the manifest
        was written.
      kind: Whose entries are wanted.

    Raises:
      NewerFormatError: A newer version of this program wrote it.
    """
    if not storage.is_folder(folder):
        return None, []
    try:
        manifest = read_manifest(folder, kind)
    except NewerFormatError:
        raise
    except UsageError:
        return None, []
    reference = None if thorough else layout.MANIFEST
    statistics = [file.path for file in manifest.files if file.shard is None]
    return manifest, storage.corrupt_files(folder, manifest.listed, reference, statistics)


def is_complete(folder: str) -> bool:
    """Whether a version's folder is what its manifest says, by all checksums."""
    return read_complete(folder, thorough=True) is not None
