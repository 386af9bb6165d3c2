"""Files on this machine's disks, or on a share that all workers have mounted.

Links below an output are never followed: they are removed themselves, or refused. A file's data is
synced before it gets its name, and folders before what relies on them (`sync_folder`), so that a
power cut leaves nothing that is named but empty.
"""

import contextlib
import ctypes
import errno
import fcntl
import glob
import os
import platform
import shutil
import stat
import tempfile
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import BinaryIO

import google_crc32c

from transforms.core.base import unfinished
from transforms.core.base.errors import CHANGED, ChangedError, UsageError, option, telling_room
from transforms.storage.files import FileInfo, StoredFile

_PIECE_BYTES = 256 << 10
"""Read at once for a checksum, so that it stays in a processor's cache."""


def match(pattern: str) -> dict[str, str]:
    """Paths of the files that a pattern names, by what is the same however it is spelt."""
    paths = [pattern] if os.path.exists(pattern) else glob.glob(pattern)
    return {os.path.realpath(path): path for path in paths if os.path.isfile(path)}


def describe(path: str) -> FileInfo:
    """Size, and a fingerprint of size and modification time."""
    status = os.stat(path)
    identity = f"{platform.node()}:{status.st_ino}-{status.st_ctime_ns}"
    return FileInfo(path, status.st_size, f"{status.st_size}-{status.st_mtime_ns}", identity)


def is_unchanged(path: str, fingerprint: str, identity: str) -> bool:
    """Whether the file is still the one that was described.

    Inode and time of change are compared only on the machine that saw them: a share may number
    its files otherwise on another one.
    """
    try:
        now = describe(path)
    except OSError:
        return False
    node, _, _ = identity.partition(":")
    seen_here = node == platform.node() and bool(identity)
    return now.fingerprint == fingerprint and (not seen_here or now.identity == identity)


def is_folder(path: str) -> bool:
    """Whether there is a folder."""
    return os.path.isdir(path)


def is_real_folder(path: str) -> bool:
    """Whether there is a folder that is not a link."""
    return os.path.isdir(path) and not os.path.islink(path)


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
        raise ChangedError(CHANGED.format(path))
    return file


def read_bytes(path: str) -> bytes:
    """All bytes of a file."""
    with open_binary(path, None, 0) as file:
        return file.read()


def exists(path: str) -> bool:
    """Whether there is a file or folder."""
    return os.path.exists(path)


def existing(paths: Collection[str]) -> set[str]:
    """Those of the files that are there, none of them behind a link."""
    return {path for path in paths if os.path.exists(path) and not os.path.islink(path)}


def list_dir(path: str) -> list[str]:
    """Names in a folder, sorted; none where there is no such folder."""
    return sorted(os.listdir(path)) if os.path.isdir(path) else []


def sizes(folder: str, paths: Collection[str]) -> dict[str, int]:
    """Bytes of those of the files below a folder that are there."""
    found = {path: os.path.join(folder, path) for path in paths}
    return {
        path: os.path.getsize(file)
        for path, file in found.items()
        if os.path.isfile(file) and not os.path.islink(file)
    }


def stored_md5(path: str, fingerprint: str) -> None:
    """Disks have no checksums of files."""


def checksums(
    folder: str, paths: Collection[str], observe: Callable[[int], None] | None = None
) -> dict[str, int]:
    """CRC32C of those of the files below a folder that are there."""
    found = {}
    for path in sizes(folder, paths):
        found[path] = _checksum(os.path.join(folder, path), observe or (lambda _: None))
    return found


def _checksum(path: str, observe: Callable[[int], None]) -> int:
    checksum = 0
    with open_binary(path, None, 0) as file:
        while data := file.read(_PIECE_BYTES):
            checksum = google_crc32c.extend(checksum, data)
            observe(len(data))
    return checksum


def modified_since(folder: str, paths: Collection[str], reference: str) -> set[str]:
    """Those of the files below a folder that were modified after another one."""
    limit = os.stat(os.path.join(folder, reference)).st_mtime_ns
    return {path for path in paths if os.stat(os.path.join(folder, path)).st_mtime_ns > limit}


def mark_modified(folder: str, paths: Collection[str]) -> None:
    """Sets the files' modification time to now; what cannot be marked stays as it is."""
    for path in paths:
        with contextlib.suppress(OSError):
            os.utime(os.path.join(folder, path), follow_symlinks=False)


def check_writable(folder: str) -> None:
    """Makes a folder where missing and writes there."""
    for made in _make_dirs(folder):
        sync_folder(os.path.dirname(made.rstrip("/")))
    try:
        with telling_room(folder), tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(
            f"cannot write to {folder!r}: {error.strerror}; name another folder"
        ) from error


def _make_dirs(path: str) -> list[str]:
    """Makes a folder and those above it; returns those that were missing."""
    unfinished.refuse_when_stopping()
    missing, above = [], path or "."
    while above and not os.path.lexists(above):
        missing.append(above)
        above = os.path.dirname(above.rstrip("/"))
    try:
        with telling_room(path):
            os.makedirs(path or ".", exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot make the folder {path!r}: {error.strerror}; name another or free the name"
        ) from error
    return missing


def sync_folder(path: str) -> None:
    """Makes the names in a folder survive a power cut; its files' data is synced already."""
    descriptor = os.open(path or ".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some shares sync no folders
            raise
    finally:
        os.close(descriptor)


def _sync_file(path: str) -> None:
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def remove_file(path: str) -> None:
    """Removes a file, where it exists."""
    with contextlib.suppress(FileNotFoundError), telling_room(path):
        os.remove(path)


def remove_folder(path: str) -> None:
    """Removes a folder with all that is in it, where it exists.

    Of a link only the link goes, and a file that has the name goes too.
    """
    if os.path.islink(path) or os.path.isfile(path):
        remove_file(path)
    else:
        shutil.rmtree(path, ignore_errors=True)


def remove_links(folder: str) -> None:
    """Removes links directly in a folder; what they lead to stays."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink():
                remove_file(entry.path)


def refuse_links(paths: Iterable[str]) -> None:
    """Raises UsageError where one of the paths is a link."""
    for path in paths:
        if os.path.islink(path):
            raise UsageError(
                f"{path!r} is a link, and links below an output are not followed: remove it, or "
                f"name another folder with {option('output')}"
            )


def remove_others(
    folder: str, kept: Mapping[str, Collection[str]], is_ours: Callable[[str], bool]
) -> None:
    """Removes what else of ours is in some subfolders than the names that are kept there."""
    for name, names in kept.items():
        subfolder = os.path.join(folder, name)
        if os.path.islink(subfolder):
            continue
        for other in filter(is_ours, set(list_dir(subfolder)) - set(names)):
            remove_folder(os.path.join(subfolder, other))
        if not names:
            with contextlib.suppress(OSError):  # it is not empty, or not there
                os.rmdir(subfolder)


def write_bytes(path: str, data: bytes) -> None:
    """Writes a file completely: readers see the old content or the new one."""
    with _written_beside(path, data) as temporary:
        os.replace(temporary, path)


def create_exclusively(path: str, data: bytes) -> bool:
    """Creates a complete file unless it exists; returns whether it was created here."""
    with _written_beside(path, data) as temporary:
        try:
            os.link(temporary, path)  # fails when the name is taken, unlike a rename
        except FileExistsError:
            # The link may be this one: a share may lose its answer.
            return os.path.samefile(temporary, path)
    return True


@contextlib.contextmanager
def _written_beside(path: str, data: bytes) -> Iterator[str]:
    with _temporary_beside(path, len(data)) as temporary:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield temporary


@contextlib.contextmanager
def _temporary_beside(path: str, size: int | None = None) -> Iterator[str]:
    _make_dirs(os.path.dirname(path))
    temporary = f"{path}.{uuid.uuid4().hex}.tmp"
    with unfinished.removed_at_stop(temporary):
        try:
            with telling_room(path, size):
                yield temporary
        finally:
            remove_file(temporary)


@contextlib.contextmanager
def new_file(path: str) -> Iterator[str]:
    """Where to write a file that is `path` when the block has ended."""
    with _temporary_beside(path) as temporary:
        yield temporary
        _sync_file(temporary)
        os.replace(temporary, path)


@contextlib.contextmanager
def new_folder(target: str, is_complete: Callable[[str], bool]) -> Iterator[str]:
    """Where to put files whose folder is `target` when the block has ended.

    Where a complete one has got the name by then, that one stays.
    """
    temporary = f"{target}.{uuid.uuid4().hex[:12]}.tmp"
    with unfinished.removed_at_stop(temporary), telling_room(target):
        _make_dirs(temporary)
        try:
            yield temporary
            for folder, _, _ in os.walk(temporary):
                sync_folder(folder)
            _put_in_place(temporary, target, is_complete)
        finally:
            remove_folder(temporary)


_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)


def _put_in_place(temporary: str, target: str, is_complete: Callable[[str], bool]) -> None:
    """Renames a folder to a name that an incomplete one, a file or a link may have.

    Whoever takes the name holds a lock, the first one too: else a complete folder could come
    between another's look and its setting aside. Where the system can, the two change names in one
    step: a process that is killed leaves one of them, and a reader finds one.
    """
    aside = f"{target}.{uuid.uuid4().hex[:12]}.tmp"
    with unfinished.removed_at_stop(aside):
        with _locked(os.path.dirname(target)):
            try:
                os.rename(temporary, target)
            except OSError as error:
                if error.errno not in _TAKEN:
                    raise
                if is_complete(target) and not os.path.islink(target):
                    return
                if not _exchange(temporary, target):
                    os.rename(target, aside)
                    os.rename(temporary, target)
        remove_folder(aside)


_HERE, _RENAME_EXCHANGE = -100, 2  # AT_FDCWD, and the flag, of Linux


def _exchange(path: str, other: str) -> bool:
    """Exchanges two names in one step; returns whether the system and the disk can."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    names = os.fsencode(path), os.fsencode(other)
    return rename is not None and rename(_HERE, names[0], _HERE, names[1], _RENAME_EXCHANGE) == 0


@contextlib.contextmanager
def _locked(path: str) -> Iterator[None]:
    """Holds the lock beside a path."""
    name = f"{path}.lock"
    try:
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        if error.errno == errno.ELOOP:
            refuse_links([name])
        raise
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def copy_files(pairs: Iterable[tuple[str, str]]) -> None:
    """Makes each second path the same file as the first, by a hard link where the disk can."""
    for source, target in pairs:
        _make_dirs(os.path.dirname(target))
        remove_file(target)
        try:
            os.link(source, target, follow_symlinks=False)
        except OSError:
            with telling_room(target, os.path.getsize(source)):
                shutil.copyfile(source, target)
                _sync_file(target)


def swap_pointer(path: str, expected: bytes | None, new: bytes, unless: str | None) -> bool:
    """Compare-and-swap of a small file under a lock beside it; a link there names nothing."""
    folder = os.path.dirname(path) or "."
    _make_dirs(folder)
    with _locked(path):
        there = os.path.isfile(path) and not os.path.islink(path)
        held = read_bytes(path) if there else b""
        if held.strip() != (expected or b"").strip():  # a blank file names nothing
            return False
        if unless is not None and os.path.lexists(unless):
            return False
        sync_folder(folder)  # what the pointer names is in it before the pointer is
        write_bytes(path, new)
        sync_folder(folder)
        return True


def remove_pointer(path: str, expected: bytes) -> bool:
    """Removes a small file, likewise under the lock beside it."""
    with _locked(path):
        there = os.path.isfile(path) and not os.path.islink(path)
        if not there or read_bytes(path) != expected:
            return False
        remove_file(path)
        return True


def walk(folder: str) -> Iterator[StoredFile]:
    """All files below a folder; nothing behind a link."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not os.path.islink(os.path.join(place, name))]
        for name in names:
            path = os.path.join(place, name)
            with contextlib.suppress(FileNotFoundError):  # removed meanwhile
                status = os.lstat(path)
                if stat.S_ISREG(status.st_mode):
                    yield _stored(os.path.relpath(path, folder), status)


def _stored(path: str, status: os.stat_result) -> StoredFile:
    identity = f"{status.st_dev}:{status.st_ino}"
    return StoredFile(path, status.st_size, status.st_mtime, identity, status.st_nlink)


def remove_files(folder: str, files: Iterable[StoredFile]) -> None:
    """Removes files where they are still what was found, and folders that are empty then."""
    for file in files:
        path = os.path.join(folder, file.path)
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if _stored(file.path, os.lstat(path)).identity == file.identity:
                remove_file(path)
        _remove_empty(os.path.dirname(path), folder)


def _remove_empty(path: str, top: str) -> None:
    while len(path) > len(top.rstrip("/")):
        try:
            os.rmdir(path)
        except OSError:  # it is not empty, or gone
            return
        path = os.path.dirname(path)


def remove_empty(folder: str, before: float, is_ours: Callable[[str], bool]) -> None:
    """Removes subfolders without a file, and folders in these, that were not changed since."""
    for name in filter(is_ours, list_dir(folder)):
        path = os.path.join(folder, name)
        found = [place for place, _, _ in os.walk(path)] if is_real_folder(path) else []
        with contextlib.suppress(OSError):  # gone, or not empty any more
            if all(os.stat(place).st_mtime < before for place in found):
                for place in reversed(found):
                    os.rmdir(place)


def remove_stale_copies(before: float) -> int:
    """There are none of what is on this machine."""
    return 0


def local_folder(path: str) -> str:
    """The folder itself."""
    return path
