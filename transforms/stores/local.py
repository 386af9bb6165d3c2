"""Files on this machine's disks, or on a share that all workers have mounted."""

import contextlib
import fcntl
import glob
import os
import shutil
import tempfile
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import BinaryIO

import google_crc32c

from transforms.core.errors import CHANGED, UsageError
from transforms.types import FileInfo


def match(pattern: str) -> dict[str, str]:
    """Paths of the files that a pattern names, by what is the same however it is spelt."""
    paths = [pattern] if os.path.exists(pattern) else glob.glob(pattern)
    return {os.path.realpath(path): path for path in paths if os.path.isfile(path)}


def describe(path: str) -> FileInfo:
    """Size, and a fingerprint of size and modification time."""
    status = os.stat(path)
    return FileInfo(path, status.st_size, f"{status.st_size}-{status.st_mtime_ns}")


def is_folder(path: str) -> bool:
    """Whether there is a folder."""
    return os.path.isdir(path)


def open_binary(path: str, fingerprint: str | None, buffer_bytes: int) -> BinaryIO:
    """Opens a file, which must have the fingerprint."""
    try:
        file = open(path, "rb")
    except OSError as error:
        raise UsageError(
            f"cannot read {path!r}: {error.strerror}; check the path and its permissions"
        ) from error
    if fingerprint is not None and describe(path).fingerprint != fingerprint:
        file.close()
        raise UsageError(CHANGED.format(path))
    return file


def read_bytes(path: str) -> bytes:
    """All bytes of a file."""
    with open_binary(path, None, 0) as file:
        return file.read()


def exists(path: str) -> bool:
    """Whether there is a file or folder."""
    return os.path.exists(path)


def existing(paths: Collection[str]) -> set[str]:
    """Those of the files that are there."""
    return {path for path in paths if os.path.exists(path)}


def list_dir(path: str) -> list[str]:
    """Names in a folder, sorted; none where there is no such folder."""
    return sorted(os.listdir(path)) if os.path.isdir(path) else []


def sizes(folder: str, paths: Collection[str]) -> dict[str, int]:
    """Bytes of those of the files below a folder that are there."""
    found = {path: os.path.join(folder, path) for path in paths}
    return {path: os.path.getsize(file) for path, file in found.items() if os.path.isfile(file)}


def checksums(folder: str, paths: Collection[str]) -> dict[str, int]:
    """CRC32C of those of the files below a folder that are there."""
    return {
        path: google_crc32c.value(read_bytes(os.path.join(folder, path)))
        for path in sizes(folder, paths)
    }


def check_writable(folder: str) -> None:
    """Makes a folder where missing and writes there."""
    _make_dirs(folder)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(
            f"cannot write to {folder!r}: {error.strerror}; name another folder"
        ) from error


def _make_dirs(path: str) -> None:
    try:
        os.makedirs(path or ".", exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot make the folder {path!r}: {error.strerror}; name another or free the name"
        ) from error


def remove_file(path: str) -> None:
    """Removes a file, where it exists."""
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)


def remove_folder(path: str) -> None:
    """Removes a folder with all that is in it, where it exists."""
    shutil.rmtree(path, ignore_errors=True)


def remove_others(folder: str, kept: Mapping[str, Collection[str]]) -> None:
    """Removes what else is in some subfolders than the names that are kept there."""
    for name, names in kept.items():
        for other in set(list_dir(os.path.join(folder, name))) - set(names):
            path = os.path.join(folder, name, other)
            remove_folder(path) if os.path.isdir(path) else remove_file(path)


def write_bytes(path: str, data: bytes) -> None:
    """Writes a file whole: readers see the old content or the new one."""
    with _written_beside(path, data) as temporary:
        os.replace(temporary, path)


def create_exclusively(path: str, data: bytes) -> bool:
    """Creates a file whole unless it exists; answers whether it was created here."""
    with _written_beside(path, data) as temporary:
        try:
            os.link(temporary, path)  # fails when the name is taken, unlike a rename
        except FileExistsError:
            # The link may be this one: a share may lose its answer.
            return os.path.samefile(temporary, path)
    return True


@contextlib.contextmanager
def _written_beside(path: str, data: bytes) -> Iterator[str]:
    with _temporary_beside(path) as temporary:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield temporary


@contextlib.contextmanager
def _temporary_beside(path: str) -> Iterator[str]:
    _make_dirs(os.path.dirname(path))
    temporary = f"{path}.{uuid.uuid4().hex}.tmp"
    try:
        yield temporary
    finally:
        remove_file(temporary)


@contextlib.contextmanager
def new_file(path: str) -> Iterator[str]:
    """Where to write a file that is `path` when the block has ended."""
    with _temporary_beside(path) as temporary:
        yield temporary
        os.replace(temporary, path)


@contextlib.contextmanager
def new_folder(target: str) -> Iterator[str]:
    """Where to put files whose folder is `target` when the block has ended."""
    temporary = f"{target}.{uuid.uuid4().hex[:12]}.tmp"
    remove_folder(target)
    _make_dirs(temporary)
    try:
        yield temporary
        os.rename(temporary, target)  # fails where another one was there first
    finally:
        remove_folder(temporary)


def copy_files(pairs: Iterable[tuple[str, str]]) -> None:
    """Makes each second path the same file as the first, by a hard link where the disk can."""
    for source, target in pairs:
        _make_dirs(os.path.dirname(target))
        remove_file(target)
        try:
            os.link(source, target)
        except OSError:
            shutil.copyfile(source, target)


def swap_pointer(path: str, expected: bytes | None, new: bytes) -> bool:
    """Compare-and-swap of a small file under a lock beside it."""
    _make_dirs(os.path.dirname(path))
    with open(f"{path}.lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        held = read_bytes(path) if os.path.exists(path) else b""
        if held.strip() != (expected or b"").strip():  # a blank file names nothing
            return False
        write_bytes(path, new)
        return True


def local_folder(path: str) -> str:
    """The folder itself."""
    return path
