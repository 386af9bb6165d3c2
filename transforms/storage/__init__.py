"""The one seam to files: finding, reading, writing completely, creating once, swapping a pointer.

Everything that the user names (inputs, configurations, indexes, outputs) goes through these
functions; the beginning of a path chooses the store (`STORES`): `gs://` Google Cloud Storage, none
this machine. Each module beside this one but `files` is a store; all have the same functions.
"""

import glob
import gzip
import io
import json
import os
import tempfile
import types
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, BinaryIO

import pyarrow as pa

from transforms.core.base.errors import CHANGED, ChangedError, UsageError, shown
from transforms.core.base.lines import COMPRESSED
from transforms.core.sources.index import manifest as index_manifest
from transforms.storage.files import FileInfo, ListedFile, StoredFile

_LINE_BUFFER, _STREAM_BUFFER = 1 << 20, 8 << 20
"""Bytes that a remote store is asked for at a time: behind a unit, a line is all that is read."""


_THREADS = 8
"""Files that are read at a time, where many are."""


def _local() -> types.ModuleType:
    from transforms.storage import local

    return local


def _google_cloud() -> types.ModuleType:
    from transforms.storage import google_cloud

    return google_cloud


STORES: dict[str, Callable[[], types.ModuleType]] = {"": _local, "gs": _google_cloud}
"""What loads the store of each scheme; `` are paths of this machine.

A store has the functions of `local`, with the same parameters.
"""


def _store(path: str) -> types.ModuleType:
    scheme, separator, _ = path.partition("://")
    load = STORES.get(scheme if separator else "")
    if load is None:
        known = " or ".join(f"{name}://" for name in STORES if name)
        raise UsageError(f"{path!r}: {scheme}:// is not supported, name a local path or {known}")
    return load()


def match(patterns: Sequence[str]) -> list[FileInfo]:
    """The files that the patterns name, sorted by path, each once.

    Raises:
      UsageError: A file is missing, or a pattern matches nothing.
    """
    found: dict[str, str] = {}
    for pattern in patterns:
        files = _store(pattern).match(pattern)
        if not files:
            raise UsageError(_nothing_found(pattern))
        for same, path in files.items():  # however it is spelt: `a`, `./a` and `/…/a` are one
            if not path.isprintable() and any("\udc80" <= c <= "\udcff" for c in path):
                raise UsageError(f"{shown(path)}: the file's name is not UTF-8; rename it")
            found.setdefault(same, path)
    return [_store(path).describe(path) for path in sorted(found.values())]


def _nothing_found(pattern: str) -> str:
    if glob.has_magic(pattern):
        return f"no file matches {pattern!r}: check the folder and the pattern's spelling"
    if _store(pattern).is_folder(pattern):
        return f"{pattern!r} is a folder: name its files, for example {pattern.rstrip('/')}/*"
    return f"there is no file {pattern!r}: check the path"


def open_binary(path: str, fingerprint: str | None = None) -> BinaryIO:
    """The file's bytes as they are stored; can seek.

    Args:
      path: The file.
      fingerprint: Which it must have had when it was found; None takes it as it is.

    Raises:
      UsageError: It cannot be read, or is another file by now.
    """
    return _store(path).open_binary(path, fingerprint, _LINE_BUFFER)


def open_decompressed(path: str, fingerprint: str | None = None) -> BinaryIO:
    """The file's bytes, decompressed where its name ends in `.gz` or `.zst`.

    Reading raises UsageError where the file is corrupt or cut short, or compressed and empty, as a
    download or a command that failed leaves it.
    """
    compressed = path.endswith(COMPRESSED)
    buffer = _STREAM_BUFFER if compressed else _LINE_BUFFER
    file = _store(path).open_binary(path, fingerprint, buffer)
    if path.endswith(".gz"):
        return io.BufferedReader(_Decompressed(path, file, gzip.open(file)))
    if path.endswith(".zst"):
        # Not zstandard's reader: it takes the place where a file was cut for its end.
        stream = pa.CompressedInputStream(pa.PythonFile(file), "zstd")
        return io.BufferedReader(_Decompressed(path, file, stream))
    return file


class _Decompressed(io.RawIOBase):
    """A decompressed file whose errors name it."""

    def __init__(self, path: str, file: BinaryIO, stream: BinaryIO | pa.NativeFile) -> None:
        self._path, self._file, self._stream = path, file, stream
        self._is_empty = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            count = self._stream.readinto(buffer)  # type: ignore[union-attr]
            if not count and self._is_empty:
                raise EOFError("it is empty; leave it out if it is meant to be")
            self._is_empty = False
            return count
        except (OSError, EOFError, zlib.error) as error:
            raise UsageError(
                f"{self._path!r} is corrupt, cut short or not what its name says: get it again "
                f"({error})"
            ) from error

    def close(self) -> None:
        self._stream.close()
        self._file.close()
        super().close()


def check_unchanged(path: str, fingerprint: str, identity: str = "") -> None:
    """Checks that a file is still the one that was found.

    Raises:
      UsageError: It was changed, or another one is in its place.
    """
    if not is_unchanged(path, fingerprint, identity):
        raise ChangedError(CHANGED.format(path))


def is_unchanged(path: str, fingerprint: str, identity: str = "") -> bool:
    """Whether a file is still the one that was found, by all signs but its bytes."""
    return _store(path).is_unchanged(path, fingerprint, identity)


def read_bytes(path: str) -> bytes:
    """All bytes of a file."""
    return _store(path).read_bytes(path)


def read_many(folder: str, paths: Collection[str]) -> dict[str, bytes]:
    """All bytes of those of the files below a folder that are there, some at a time."""

    def read(path: str) -> tuple[str, bytes | None]:
        place = join(folder, path)
        try:
            return path, read_bytes(place)
        except UsageError:
            if exists(place):
                raise
            return path, None  # removed meanwhile

    with ThreadPoolExecutor(_THREADS) as pool:
        return {path: data for path, data in pool.map(read, paths) if data is not None}


def read_json(path: str) -> dict | None:
    """A JSON object, None where there is no such file or it is corrupt."""
    try:
        value = json.loads(read_bytes(path)) if exists(path) else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def are_whole(folder: str, sizes: Mapping[str, int]) -> bool:
    """Whether all files (by their paths below the folder) are there in their sizes."""
    return _store(folder).sizes(folder, sizes) == sizes


def are_intact(
    folder: str,
    files: Collection[ListedFile],
    reference: str | None = None,
    always: Collection[str] = (),
) -> bool:
    """Whether all files are there with sizes and checksums; arguments as of `corrupt_files`."""
    return not corrupt_files(folder, files, reference, always)


def corrupt_files(
    folder: str,
    files: Collection[ListedFile],
    reference: str | None = None,
    always: Collection[str] = (),
) -> list[str]:
    """Paths of the files that are missing, or have not their size or checksum, sorted.

    Args:
      folder: The folder that they are below.
      files: All of them.
      reference: A file in the folder: of what was not modified after it, sizes alone are compared.
        None compares all checksums.
      always: Paths of files whose checksums are compared in any case.
    """
    sizes = {file.path: file.bytes for file in files}
    if resized := _differing(_store(folder).sizes(folder, sizes), sizes):
        return resized
    expected = {file.path: file.crc32c for file in files}
    if reference is not None:
        later = _store(folder).modified_since(folder, list(expected), reference)
        compared = {*later, *always}
        expected = {path: crc for path, crc in expected.items() if path in compared}
    return _differing(checksums(folder, expected), expected)


def _differing(found: Mapping[str, int], expected: Mapping[str, int]) -> list[str]:
    return sorted(path for path, value in expected.items() if found.get(path) != value)


def mark_modified(folder: str, paths: Collection[str]) -> None:
    """Makes the files below a folder, and what is linked to them, be compared in whole again."""
    _store(folder).mark_modified(folder, paths)


def is_intact_index(folder: str, kinds: tuple[str, ...], thorough: bool = False) -> bool:
    """Whether a folder holds an index of one of these kinds that is what its manifest says.

    Args:
      folder: The index's folder.
      kinds: As for `read_index_manifest`.
      thorough: Compares the checksums of all files, also of those that were not modified after the
        manifest was written.
    """
    try:
        files = read_index_manifest(folder, kinds).files()
    except UsageError:
        return False
    return are_intact(folder, files, None if thorough else index_manifest.NAME)


def read_index_manifest(folder: str, kinds: tuple[str, ...]) -> index_manifest.IndexManifest:
    """The manifest of an index of one of these kinds.

    Raises:
      UsageError: There is none, it is of another kind, or of another version.
    """
    path = join(folder, index_manifest.NAME)
    data = read_bytes(path) if exists(path) else None
    return index_manifest.decode_manifest(data, folder, kinds)


def stored_md5(path: str, fingerprint: str) -> str | None:
    """The MD5 (hexadecimal) that the store has of a file, None where it has none.

    Raises:
      UsageError: The file is another by now.
    """
    return _store(path).stored_md5(path, fingerprint)


def checksums(
    folder: str, paths: Collection[str], observe: Callable[[int], None] | None = None
) -> dict[str, int]:
    """CRC32C of those of the files below a folder that are there.

    Args:
      folder: The folder.
      paths: Below it.
      observe: Called with the bytes of each file that had to be read for it.
    """
    return _store(folder).checksums(folder, paths, observe)


def join(base: str, *parts: str) -> str:
    """A path below `base`."""
    return os.path.join(base, *parts)


def exists(path: str) -> bool:
    """Whether there is a file (or, on this machine, a folder)."""
    return _store(path).exists(path)


def existing(paths: Collection[str]) -> set[str]:
    """Those of the files, all of one store, that are there."""
    return _store(next(iter(paths))).existing(paths) if paths else set()


def list_dir(path: str) -> list[str]:
    """Names in a folder, sorted; none where there is no such folder."""
    return _store(path).list_dir(path)


def check_writable(folder: str) -> None:
    """Writes to a folder, made where missing, so that a run fails before its work does.

    Raises:
      UsageError: It cannot be written to.
    """
    _store(folder).check_writable(folder)


def remove_file(path: str) -> None:
    """Removes a file, where it exists."""
    _store(path).remove_file(path)


def remove_folder(path: str) -> None:
    """Removes a folder with all that is in it, where it exists."""
    _store(path).remove_folder(path)


def remove_others(
    folder: str,
    kept: Mapping[str, Collection[str]],
    is_ours: Callable[[str], bool] = lambda name: True,
) -> None:
    """Removes what else there is in subfolders; nothing behind a link.

    Args:
      folder: The folder above them.
      kept: By subfolder, the names in it that are kept; other subfolders are not looked at.
      is_ours: Whether a name is one of those that may be removed.
    """
    _store(folder).remove_others(folder, kept, is_ours)


def remove_links(folder: str) -> None:
    """Removes links directly in a folder; what they lead to stays."""
    _store(folder).remove_links(folder)


def refuse_links(folder: str, names: Iterable[str]) -> None:
    """Refuses links of these names in a folder.

    Raises:
      UsageError: One of them is a link.
    """
    _store(folder).refuse_links(join(folder, name) for name in names)


def sync_folders(paths: Iterable[str]) -> None:
    """Makes the names in folders, all of one store, survive a power cut."""
    for path in paths:
        _store(path).sync_folder(path)


def is_folder(path: str) -> bool:
    """Whether there is a folder of this name that is not a link."""
    return _store(path).is_real_folder(path)


def write_bytes(path: str, data: bytes) -> None:
    """Writes a file completely: readers see the old content or the new one."""
    _store(path).write_bytes(path, data)


def create_exclusively(path: str, data: bytes) -> bool:
    """Creates a complete file unless it exists; returns whether it was created here.

    What two writers create must differ, since a store may lose its answer: then what is there
    tells who created it.
    """
    return _store(path).create_exclusively(path, data)


def new_file(path: str) -> AbstractContextManager[str]:
    """Returns where on this machine to write a file, which is `path` when the block has ended.

    A block that fails leaves nothing.
    """
    return _store(path).new_file(path)


def new_folder(
    target: str, is_complete: Callable[[str], bool] = lambda folder: False
) -> AbstractContextManager[str]:
    """Returns a folder to fill, which is `target` when the block has ended.

    What has the name then is taken for corrupt, and goes, unless it is complete: then it stays and
    the new one goes. Where a store cannot rename a folder, files appear in `target` one by one:
    write the one that says that the others are complete last.

    Args:
      target: The folder.
      is_complete: Whether a folder is what this one shall be.
    """
    return _store(target).new_folder(target, is_complete)


def copy_files(pairs: Iterable[tuple[str, str]]) -> None:
    """Copies files, each to a second path in the same store, by links where the store can."""
    pairs = list(pairs)
    if pairs:
        _store(pairs[0][0]).copy_files(pairs)


def swap_pointer(path: str, expected: bytes | None, new: bytes, unless: str | None = None) -> bool:
    """Compare-and-swap of a small file; returns whether `new` was put there.

    Args:
      path: The pointer file.
      expected: What it must hold now, None where it must not exist.
      new: What it shall hold.
      unless: A file beside the pointer that forbids the swap where it is there. Who creates that
        file and swaps the pointer afterwards is not overtaken by anyone who has not seen it.
    """
    return _store(path).swap_pointer(path, expected, new, unless)


def remove_pointer(path: str, expected: bytes) -> bool:
    """Removes a small file if it still holds what is expected; returns whether it was removed."""
    return _store(path).remove_pointer(path, expected)


def walk(folder: str) -> list[StoredFile]:
    """All files below a folder, sorted by path; nothing behind a link."""
    return sorted(_store(folder).walk(folder), key=lambda file: file.path)


def remove_files(folder: str, files: Iterable[StoredFile]) -> None:
    """Removes files that `walk` has found below a folder, in their order, and what is empty then.

    What has been written under the name of one since then stays.
    """
    _store(folder).remove_files(folder, files)


def remove_empty(folder: str, before: float, is_ours: Callable[[str], bool]) -> None:
    """Removes subfolders without a file that were not changed since; nothing behind a link.

    Args:
      folder: The folder above them.
      before: Seconds since 1970.
      is_ours: Whether a subfolder of the name may be removed.
    """
    _store(folder).remove_empty(folder, before, is_ours)


def remove_stale_copies(folder: str, before: float) -> int:
    """Removes this machine's copies of folders of a store that nobody has used since.

    Args:
      folder: A folder of the store.
      before: Seconds since 1970.

    Returns:
      Bytes that are free now.
    """
    return _store(folder).remove_stale_copies(before)


def local_folder(path: str) -> str:
    """The folder on this machine: itself, or a copy that is made once and kept."""
    return _store(path).local_folder(path)


def temporary_parent(folder: str) -> str:
    """Where on this machine large temporary files go, of what is made in a folder.

    That is the folder itself, which has room for the result; of a bucket, $TMPDIR.
    """
    return folder if _store(folder) is _local() else tempfile.gettempdir()
