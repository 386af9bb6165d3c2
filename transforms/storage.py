"""The one seam to files: finding, reading, writing whole, creating once, swapping a pointer.

Everything that the user names (inputs, indexes, outputs) goes through these functions, so that
another store is one more branch here and nothing elsewhere.
"""

import contextlib
import glob
import gzip
import io
import json
import os
import shutil
import tempfile
import uuid
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO

import pyarrow as pa

from transforms.core import layout
from transforms.core.errors import UsageError
from transforms.types import FileInfo


def match(patterns: Sequence[str]) -> list[FileInfo]:
    """The files that the patterns name, sorted by path, each once.

    Raises:
      UsageError: A file is missing, or a pattern matches nothing.
    """
    found: dict[str, str] = {}
    for pattern in patterns:
        _refuse_other_stores(pattern)
        paths = [pattern] if os.path.exists(pattern) else glob.glob(pattern)
        files = [path for path in paths if os.path.isfile(path)]
        if not files:
            raise UsageError(_nothing_found(pattern))
        for path in files:  # however it is spelt: `a`, `./a` and `/…/a` are one file
            found.setdefault(os.path.realpath(path), path)
    return [_describe(path) for path in sorted(found.values())]


def _nothing_found(pattern: str) -> str:
    if glob.has_magic(pattern):
        return f"no file matches {pattern!r}: check the folder and the pattern's spelling"
    if os.path.isdir(pattern):
        return f"{pattern!r} is a folder: name its files, for example {pattern.rstrip('/')}/*"
    return f"there is no file {pattern!r}: check the path"


def _refuse_other_stores(path: str) -> None:
    scheme, separator, _ = path.partition("://")
    if separator:
        raise UsageError(f"{path!r}: {scheme}:// is not supported, name a local path")


def _describe(path: str) -> FileInfo:
    status = os.stat(path)
    return FileInfo(path, status.st_size, f"{status.st_size}-{status.st_mtime_ns}")


def open_binary(path: str) -> BinaryIO:
    """The file's bytes as they are stored; can seek."""
    try:
        return open(path, "rb")
    except OSError as error:
        raise UsageError(
            f"cannot read {path!r}: {error.strerror}; check the path and its permissions"
        ) from error


def open_decompressed(path: str) -> BinaryIO:
    """The file's bytes, decompressed where its name ends in `.gz` or `.zst`.

    Reading raises UsageError where the file is damaged or cut short.
    """
    file = open_binary(path)
    if path.endswith(".gz"):
        return io.BufferedReader(_Decompressed(path, file, gzip.open(file)))
    if path.endswith(".zst"):
        # Not zstandard's reader: it takes the place where a file was cut for its end.
        stream = pa.CompressedInputStream(pa.PythonFile(file), "zstd")
        return io.BufferedReader(_Decompressed(path, file, stream))
    return file


class _Decompressed(io.RawIOBase):
    """A decompressed file whose errors name it."""

    def __init__(self, path: str, file: BinaryIO, stream: BinaryIO | pa.NativeFile):
        self._path, self._file, self._stream = path, file, stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        try:
            return self._stream.readinto(buffer)
        except (OSError, EOFError, zlib.error) as error:
            raise UsageError(
                f"{self._path!r} is damaged, cut short or not what its name says: get it again "
                f"({error})"
            ) from error

    def close(self) -> None:
        self._stream.close()
        self._file.close()
        super().close()


def read_bytes(path: str) -> bytes:
    """All bytes of a file."""
    with open_binary(path) as file:
        return file.read()


def read_json(path: str) -> dict | None:
    """A JSON object, None where there is no such file or it is damaged."""
    try:
        value = json.loads(read_bytes(path)) if exists(path) else None
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def are_whole(folder: str, files: Iterable[Mapping]) -> bool:
    """Whether all files (`path` below the folder, `bytes`) are there in their sizes."""
    paths = ((join(folder, file["path"]), file["bytes"]) for file in files)
    return all(os.path.isfile(path) and os.path.getsize(path) == size for path, size in paths)


def read_whole_manifest(folder: str) -> dict | None:
    """A version's manifest, None where it is damaged or a file that it lists is not whole."""
    manifest = read_json(join(folder, layout.MANIFEST))
    return manifest if manifest and are_whole(folder, manifest["files"]) else None


def join(base: str, *parts: str) -> str:
    """A path below `base`."""
    return os.path.join(base, *parts)


def exists(path: str) -> bool:
    """Whether there is a file or folder."""
    return os.path.exists(path)


def make_dirs(path: str) -> None:
    """Makes a folder and those above it, where missing."""
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot make the folder {path!r}: {error.strerror}; name another or free the name"
        ) from error


def check_writable(folder: str) -> None:
    """Makes a folder where missing and writes there, so that a run fails before its work does.

    Raises:
      UsageError: It cannot be written to.
    """
    _refuse_other_stores(folder)
    make_dirs(folder)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(
            f"cannot write to {folder!r}: {error.strerror}; name another folder"
        ) from error


def list_dir(path: str) -> list[str]:
    """Names in a folder, sorted; none where there is no such folder."""
    return sorted(os.listdir(path)) if os.path.isdir(path) else []


def rename(source: str, target: str) -> None:
    """Gives a file or folder another name, at once."""
    os.rename(source, target)


def remove(path: str) -> None:
    """Removes a file, or a folder with all that is in it, where it exists."""
    if os.path.isdir(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)


def write_bytes(path: str, data: bytes) -> None:
    """Writes a file whole: readers see the old content or the new one."""
    make_dirs(os.path.dirname(path) or ".")
    with _temporary_beside(path) as temporary:
        _write_synced(temporary, data)
        os.replace(temporary, path)


def create_exclusively(path: str, data: bytes) -> bool:
    """Creates a file whole unless it exists; answers whether it was created here."""
    make_dirs(os.path.dirname(path) or ".")
    with _temporary_beside(path) as temporary:
        _write_synced(temporary, data)
        try:
            os.link(temporary, path)  # fails when the name is taken, unlike a rename
        except FileExistsError:
            return False
    return True


@contextlib.contextmanager
def _temporary_beside(path: str) -> Iterator[str]:
    temporary = f"{path}.{uuid.uuid4().hex}.tmp"
    try:
        yield temporary
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(temporary)


def _write_synced(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def link_or_copy(source: str, target: str) -> None:
    """Makes `target` the same file as `source`, by a hard link where the store can."""
    with contextlib.suppress(FileNotFoundError):
        os.remove(target)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


@contextlib.contextmanager
def new_file(path: str) -> Iterator[str]:
    """Where on this machine to write a file that shall be `path` when the block has ended.

    What is here when the block fails is for the caller to remove.
    """
    make_dirs(os.path.dirname(path) or ".")
    yield path


@contextlib.contextmanager
def local_scratch() -> Iterator[str]:
    """A temporary folder on this machine."""
    with tempfile.TemporaryDirectory(prefix="localized-narratives-") as folder:
        yield folder


def upload(local_path: str, path: str) -> None:
    """Brings a finished local file to its place."""
    make_dirs(os.path.dirname(path) or ".")
    shutil.move(local_path, path)


def swap_pointer(path: str, expected: bytes | None, new: bytes) -> bool:
    """Compare-and-swap of a small file; answers whether `new` was put there.

    Args:
      path: The pointer file.
      expected: What it must hold now, None where it must not exist.
      new: What it shall hold.
    """
    import fcntl

    make_dirs(os.path.dirname(path) or ".")
    with open(f"{path}.lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        held = read_bytes(path) if exists(path) else b""
        if held.strip() != (expected or b"").strip():  # a blank file names nothing
            return False
        write_bytes(path, new)
        return True
