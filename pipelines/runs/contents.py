"""What input files hold, told by a fingerprint of their content, however old they are.

A bucket knows the CRC32C of an object. A file on a disk is read once for it, several at a time, and
what was found is kept below the output beside the file's size, time of modification, identity
(inode and time of change) and a sample of its bytes. As long as all of these are what they were,
only the sample is read; where one is another, the file is read again, and its content decides.
"""

import concurrent.futures
import contextlib
import dataclasses
import hashlib
import json
import os
import threading
from collections.abc import Callable, Sequence
from typing import BinaryIO, Protocol, TypeVar

import google_crc32c
import msgspec

from pipelines.cli import log
from transforms import storage
from transforms.core.base.errors import UNREADABLE, UsageError
from transforms.core.base.versions import digest
from transforms.core.model import layout
from transforms.storage.files import content_of

_BLOCK = 8 << 20
_SAMPLE = 64 << 10
"""Bytes of each of the three blocks (head, middle, tail) that are read of a file that was known."""

_THREADS = 8
"""Files that are read at a time, at most."""

_TOLD_BYTES = 1 << 30
"""From how many bytes on it is told that they are read."""


class Described(Protocol):
    """A file as it was found (`FileInfo`), or what was planned of it."""

    @property
    def path(self) -> str:
        """Where it is."""

    @property
    def size(self) -> int:
        """Its bytes."""

    @property
    def fingerprint(self) -> str:
        """Changes when the file does."""

    @property
    def identity(self) -> str:
        """Tells it from one that took its place."""

    @property
    def content(self) -> str:
        """Changes when its content does; empty where that is not known without reading it."""


File = TypeVar("File", bound=Described)


class Found(msgspec.Struct, frozen=True):
    """What was found of a file by reading it; kept as `OUT/checksums/KEY.json`.

    Attributes:
      shard: The file's name.
      fingerprint: Its size and time.
      identity: Machine, inode and time of change (`FileInfo`).
      sample: Hash of its head, middle and tail.
      content: Its size and CRC32C, in the form in which a bucket's files have it.
      md5: Its MD5, hexadecimal; empty where nobody has asked for it.
    """

    shard: str
    fingerprint: str
    identity: str
    sample: str
    content: str
    md5: str = ""


class _Stopped(Exception):
    """Reading was given up, since another file failed or the command is to end."""


@dataclasses.dataclass
class Contents:
    """The contents of files, from what earlier runs have found, or by reading them.

    Attributes:
      output: The output folder, where what was found is kept.
      verify: Reads all files, whatever is known of them.
      keep: Whether what is found is kept for later runs.
    """

    output: str
    verify: bool = False
    keep: bool = True
    _read: dict[str, Found] = dataclasses.field(default_factory=dict)

    def described(self, files: Sequence[File]) -> list[File]:
        """The files, each with the fingerprint of its content.

        Raises:
          UsageError: One was changed in the meantime, or cannot be read.
        """
        unknown = [file for file in files if not file.content]
        unread = [file for file in unknown if self.known(file) is None]
        if sum(file.size for file in unread) >= _TOLD_BYTES:
            tell_reading("Reading {}, to know their content.", unread)
        found = {**self.read(unread), **{file.path: self.known(file) for file in unknown}}
        return [
            file if file.content else dataclasses.replace(file, content=found[file.path].content)  # type: ignore[type-var,union-attr]
            for file in files
        ]

    def known(self, file: Described, with_md5: bool = False) -> Found | None:
        """What was found of a file that is still the same; None where it is to be read.

        Args:
          file: The file.
          with_md5: Whether its MD5 must be known too.
        """
        found = self._read.get(file.path)
        if found is None and not self.verify:
            found = self._recorded(file)
        if found is None or found.fingerprint != file.fingerprint or (with_md5 and not found.md5):
            return None
        self._read[file.path] = found
        return found

    def read(self, files: Sequence[Described], with_md5: bool = False) -> dict[str, Found]:
        """Reads files, several at a time (hashing lets other threads run); by path.

        Raises:
          UsageError: One was changed in the meantime, or cannot be read.
        """
        size = sum(file.size for file in files)
        if size < _TOLD_BYTES:
            return self._read_all(files, with_md5, lambda _: None)
        from pipelines.cli.progress.counting import Tally
        from pipelines.cli.progress.showing import show_bytes

        with show_bytes("Reading", tally := Tally(size)):
            return self._read_all(files, with_md5, tally.add)

    def _read_all(
        self, files: Sequence[Described], with_md5: bool, observe: Callable[[int], None]
    ) -> dict[str, Found]:
        stop = threading.Event()
        workers = max(1, min(len(files), os.cpu_count() or 1, _THREADS))
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            try:
                read = [pool.submit(_read, file, with_md5, stop, observe) for file in files]
                for file, future in zip(files, read, strict=True):
                    self._note(file, future.result())
            finally:
                stop.set()
        return {file.path: self._read[file.path] for file in files}

    def _note(self, file: Described, found: Found) -> None:
        self._read[file.path] = found
        before = self._record(file)
        if before and before.fingerprint == file.fingerprint and before.content != found.content:
            sentence = (
                f"{file.path!r} was edited though its size and time are as they were: what "
                "was made of it is made again; if nobody edited it, look after the disk"
            )
            log.tell("input_edited", sentence, "warning", text=sentence, path=file.path)
        if self.keep:
            record = json.dumps(msgspec.to_builtins(found)).encode()
            storage.write_bytes(self._path(file), record)

    def _recorded(self, file: Described) -> Found | None:
        """What an earlier run has found of a file that has not changed since, by all signs."""
        found = self._record(file)
        if found is None or found.fingerprint != file.fingerprint:
            return None
        if not storage.is_unchanged(file.path, file.fingerprint, found.identity):
            return None
        with storage.open_binary(file.path, file.fingerprint) as stream:
            return found if _sample(stream, file.size) == found.sample else None

    def _record(self, file: Described) -> Found | None:
        with contextlib.suppress(*UNREADABLE):
            return msgspec.convert(storage.read_json(self._path(file)), Found)
        return None

    def _path(self, file: Described) -> str:
        return storage.join(self.output, layout.checksum_path(digest({"path": file.path})[:24]))


def tell_reading(sentence: str, files: Sequence[Described]) -> None:
    """Says that files are read, which takes its time.

    Args:
      sentence: A sentence, with `{}` where number and size of the files go.
      files: The files.
    """
    number, size = len(files), sum(file.size for file in files)
    named = f"{'1 file' if number == 1 else f'{number} files'}, {size:,} bytes"
    log.tell("input_reading", sentence.format(named), files=number, bytes=size)


def _sample(stream: BinaryIO, size: int) -> str:
    hashed = hashlib.blake2b(digest_size=16)
    for place in (0, max(0, size // 2 - _SAMPLE // 2), max(0, size - _SAMPLE)):
        stream.seek(place)
        hashed.update(stream.read(_SAMPLE))
    return hashed.hexdigest()


def _read(
    file: Described, with_md5: bool, stop: threading.Event, observe: Callable[[int], None]
) -> Found:
    checksum = google_crc32c.Checksum()
    md5 = hashlib.md5(usedforsecurity=False) if with_md5 else None
    with storage.open_binary(file.path, file.fingerprint) as stream:
        while block := stream.read(_BLOCK):
            if stop.is_set():
                raise _Stopped
            checksum.update(block)
            observe(len(block))
            if md5:
                md5.update(block)
        sample = _sample(stream, file.size)
    storage.check_unchanged(file.path, file.fingerprint, file.identity)
    return Found(
        shard=file.path.rsplit("/", 1)[-1],
        fingerprint=file.fingerprint,
        identity=file.identity,
        sample=sample,
        content=content_of(file.size, int.from_bytes(checksum.digest(), "big")),
        md5=md5.hexdigest() if md5 else "",
    )


def refuse_below(files: Sequence[Described], output: str) -> None:
    """Refuses input that is below the output folder.

    Raises:
      UsageError: A file is.
    """
    for file in files:
        if _is_below(file.path, output):
            raise UsageError(
                f"{file.path!r} is below the output folder {output!r}: give --input a pattern that "
                "does not cover the output, or --output another folder"
            )


def _is_below(path: str, folder: str) -> bool:
    if "://" in path or "://" in folder:
        return path.startswith(folder.rstrip("/") + "/")
    return os.path.realpath(path).startswith(os.path.realpath(folder).rstrip("/") + "/")


def check_output(output: str) -> None:
    """Checks that the output folder can be written to, and that no link leads out of it.

    Links in the place of a unit or a version are removed: what they lead to stays.

    Raises:
      UsageError: It cannot be written to, or a link is in the place of one of its folders.
    """
    storage.check_writable(output)
    storage.refuse_links(output, [*layout.FOLDERS, *layout.LOCKS])
    for name in (layout.UNITS, layout.VERSIONS):
        storage.remove_links(storage.join(output, name))
