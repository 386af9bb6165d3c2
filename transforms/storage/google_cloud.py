"""Objects in Google Cloud Storage, by its own client.

A folder is a common beginning of names. Everything retries what the service calls transient
(429, 5xx, cut connections); where an answer is lost after the work was done, the attempt after it
finds its own work there and takes it for success.
https://cloud.google.com/storage/docs/request-preconditions
"""

import contextlib
import fcntl
import fnmatch
import functools
import hashlib
import io
import itertools
import json
import logging
import math
import os
import re
import shutil
import sys
import tempfile
import uuid
from base64 import b64decode
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO

import google.auth
import google_crc32c
import requests
from google.api_core import exceptions
from google.auth import exceptions as auth
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.transport.requests import Request
from google.cloud.storage import Blob, Bucket, Client
from google.cloud.storage.exceptions import DataCorruption
from google.cloud.storage.retry import DEFAULT_RETRY

from transforms.core.base.errors import CHANGED, ChangedError, EngineError, UsageError
from transforms.storage.files import FileInfo, StoredFile, content_of

SCHEME = "gs://"
CACHE_VARIABLE = "LOCALIZED_NARRATIVES_CACHE"
_MAGIC = re.compile(r"[*?[]")
_THREADS = 8
"""Requests at a time: fewer than the connections that the client keeps (10)."""

_TOKEN_SECONDS = 10.0
"""How long the service that makes credentials valid may take to answer."""

_PROBE_SECONDS = 3.0
"""How long the service may take to answer at all, where there are no credentials."""

_TOLD_AFTER, _TOLD_AGAIN_AFTER = 5.0, 30.0
"""Seconds of failing in a row before it is told that calls are tried again, and until the next."""

_LOGIN = (
    "log in with `gcloud auth application-default login`, or name a key file in "
    "GOOGLE_APPLICATION_CREDENTIALS"
)

_NEEDED = f"{SCHEME} needs Google credentials: {{}}; {_LOGIN}"


class _TellOfRetries(logging.Handler):
    """Says on standard error why nothing happens, where the client tries again and again."""

    def __init__(self) -> None:
        super().__init__()
        self._since = self._last = self._told = -math.inf

    def emit(self, record: logging.LogRecord) -> None:
        now = record.created
        if now - self._last > _TOLD_AGAIN_AFTER:  # it went well in between
            self._since = now
        self._last = now
        if now - self._since >= _TOLD_AFTER and now - self._told >= _TOLD_AGAIN_AFTER:
            self._told = now
            print(f"Google Cloud Storage: {record.getMessage()}", file=sys.stderr, flush=True)


@functools.cache
def _client() -> Client:
    """The process's client; with STORAGE_EMULATOR_HOST that of an emulator, without credentials."""
    # Else the client asks for each bucket in the background, to name it in traces.
    os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
    emulated = "STORAGE_EMULATOR_HOST" in os.environ
    client = Client(project=None, credentials=None if emulated else _credentials())
    retries = logging.getLogger("google.api_core.retry")
    retries.setLevel(logging.DEBUG)
    retries.propagate = False
    retries.addHandler(_TellOfRetries())
    return client


class _NoCredentials(AnonymousCredentials):
    """Reads public buckets.

    Attributes:
      reason: Why there are no others.
    """

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason

    def refresh(self, request: Any) -> None:
        """Does nothing: an answer that refuses them is then given as it is."""


@functools.cache
def _credentials() -> Credentials:
    """The user's or the machine's, made valid by one attempt: the client would try for minutes.

    Where there are none, those with which public buckets can be read.

    Raises:
      UsageError: They are not valid, or there are none and the service cannot be reached either.
      EngineError: Whoever could tell does not answer.
    """
    try:
        credentials, _ = google.auth.default(scopes=Client.SCOPE)
    except auth.DefaultCredentialsError as error:
        reason, _, _ = str(error).partition(". ")
        endpoint = os.environ.get("API_ENDPOINT_OVERRIDE", "https://storage.googleapis.com")
        try:
            requests.head(endpoint, timeout=_PROBE_SECONDS)
        except requests.RequestException:
            told = (
                f"{reason}, and without them {endpoint} does not answer either (is this machine "
                "offline, or does it need a proxy?)"
            )
            raise UsageError(_NEEDED.format(told)) from error
        return _NoCredentials(reason)
    try:
        with _explained(SCHEME):
            credentials.refresh(functools.partial(Request(), timeout=_TOKEN_SECONDS))
    except EngineError as error:
        raise EngineError(f"{error}; check the network of this machine") from error
    return credentials


@contextlib.contextmanager
def _explained(path: str) -> Iterator[None]:
    """Turns the client's errors into ours, which name the path and the remedy."""
    try:
        yield
    except exceptions.NotFound as error:
        raise UsageError(f"there is no {path!r}: check the bucket and the name") from error
    except exceptions.PreconditionFailed as error:
        raise ChangedError(CHANGED.format(path)) from error
    except (exceptions.Forbidden, exceptions.Unauthorized) as error:
        if reason := _reason_for_none():
            raise UsageError(_NEEDED.format(f"{reason}, and {path!r} is not public")) from error
        raise UsageError(
            f"no permission for {path!r}: {_reason(error)}; ask for the role Storage Object User "
            "on its bucket, or use other credentials"
        ) from error
    except auth.RefreshError as error:
        raise UsageError(f"{path!r}: the Google credentials are not valid: {_LOGIN}") from error
    except (
        exceptions.GoogleAPIError,
        auth.GoogleAuthError,
        requests.RequestException,
        ConnectionError,
        DataCorruption,
    ) as error:
        raise EngineError(f"Google Cloud Storage failed at {path!r}: {_reason(error)}") from error


def _reason_for_none() -> str | None:
    """Why there are no credentials; None where there are, and for an emulator, which asks none."""
    if "STORAGE_EMULATOR_HOST" in os.environ:
        return None
    return getattr(_credentials(), "reason", None)


def _reason(error: Exception) -> str:
    if isinstance(error, exceptions.RetryError):
        return f"{error.message}: {error.cause}"
    return getattr(error, "message", "") or str(error)


def _split(path: str) -> tuple[str, str]:
    """Bucket and object of a path.

    Raises:
      UsageError: It names no bucket.
    """
    bucket, _, name = path.removeprefix(SCHEME).partition("/")
    if not bucket or _MAGIC.search(bucket):
        raise UsageError(f"{path!r} names no bucket: write {SCHEME}BUCKET/NAME")
    return bucket, name


def _bucket(path: str) -> Bucket:
    name, _ = _split(path)
    client = _client()
    try:
        return client.bucket(name)
    except ValueError as error:
        raise UsageError(f"{path!r}: no bucket can be called {name!r}: {error}") from error


def _blob(path: str) -> Blob:
    return _bucket(path).blob(_split(path)[1])


def _listed(folder: str, prefix: str = "") -> Iterator[tuple[str, Blob]]:
    """Objects below a folder whose names there begin with `prefix`, each with that name."""
    _, name = _split(folder)
    base = f"{name.rstrip('/')}/" if name else ""
    with _explained(folder):
        for blob in _bucket(folder).list_blobs(prefix=base + prefix):
            yield blob.name[len(base) :], blob


def _files(folder: str) -> Iterator[tuple[str, Blob]]:
    """As `_listed`, without the empty objects that consoles put there for folders."""
    return (item for item in _listed(folder) if not item[0].endswith("/") and item[0])


def match(pattern: str) -> dict[str, str]:
    """Paths of the objects that a pattern names; `*` and `?` do not go beyond a `/`."""
    if exists(pattern):
        return {pattern: pattern}
    bucket, name = _split(pattern)
    magic = _MAGIC.search(name)
    if not magic:
        return {}
    parts = name.split("/")
    found = (
        blob.name
        for _, blob in _listed(f"{SCHEME}{bucket}", name[: magic.start()])
        if not blob.name.endswith("/") and _matches(blob.name.split("/"), parts)
    )
    return {path: path for path in (f"{SCHEME}{bucket}/{name}" for name in found)}


def _matches(names: list[str], patterns: list[str]) -> bool:
    return len(names) == len(patterns) and all(map(fnmatch.fnmatchcase, names, patterns))


def describe(path: str) -> FileInfo:
    """Size, a fingerprint of generation and CRC32C, and that of the content."""
    with _explained(path):
        blob = _blob(path)
        blob.reload()
    crc32c = _crc32c(blob)
    content = content_of(blob.size, crc32c)
    return FileInfo(path, blob.size, f"{blob.generation}-{crc32c}", content=content)


def _crc32c(blob: Blob) -> int:
    return int.from_bytes(b64decode(blob.crc32c), "big")


def is_folder(path: str) -> bool:
    """Whether there are objects below the path."""
    return next(_listed(path), None) is not None


is_real_folder = is_folder


def is_unchanged(path: str, fingerprint: str, identity: str) -> bool:
    """True: a generation is opened and read, and no other one."""
    return True


def modified_since(folder: str, paths: Collection[str], reference: str) -> set[str]:
    """All of the paths: the service knows checksums, so that comparing them costs nothing."""
    return set(paths)


def mark_modified(folder: str, paths: Collection[str]) -> None:
    """Nothing: checksums are compared whenever an object was modified."""


def sync_folder(path: str) -> None:
    """Nothing: an object that was written is kept."""


def remove_links(folder: str) -> None:
    """Nothing: there are no links."""


def refuse_links(paths: Iterable[str]) -> None:
    """Nothing: there are no links."""


def open_binary(path: str, fingerprint: str | None, buffer_bytes: int) -> BinaryIO:
    """Opens the object's generation that has the fingerprint, or the newest one."""
    with _explained(path):
        blob = _blob(path)
        blob.reload()
    if fingerprint not in (None, f"{blob.generation}-{_crc32c(blob)}"):
        raise ChangedError(CHANGED.format(path))
    return io.BufferedReader(_ObjectReader(path, blob), buffer_bytes)


class _ObjectReader(io.RawIOBase):
    """One generation of an object; each read is one request for a range of bytes."""

    def __init__(self, path: str, blob: Blob) -> None:
        self._path, self._blob, self._at = path, blob, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + (0, self._at, self._blob.size)[whence]
        return self._at

    def readall(self) -> bytes:
        buffer = bytearray(max(0, self._blob.size - self._at))
        self.readinto(buffer)
        return bytes(buffer)

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self._blob.size - self._at)
        if wanted <= 0:
            return 0
        sink = _Sink(memoryview(buffer).cast("B"))
        with _explained(self._path):
            self._blob.download_to_file(
                sink,
                start=self._at,
                end=self._at + wanted - 1,
                raw_download=True,
                checksum=None,  # the service has one of whole objects only
                if_generation_match=self._blob.generation,
            )
            if sink.size != wanted:
                raise ConnectionError(f"{sink.size} bytes came in place of {wanted}")
        self._at += wanted
        return wanted


class _Sink:
    """A file to write to whose content is a given buffer."""

    def __init__(self, buffer: memoryview) -> None:
        self._buffer, self.size = buffer, 0

    def write(self, data: bytes) -> int:
        self._buffer[self.size : self.size + len(data)] = data
        self.size += len(data)
        return len(data)


def read_bytes(path: str) -> bytes:
    """All bytes of an object, checked against its CRC32C."""
    with _explained(path):
        return _blob(path).download_as_bytes(raw_download=True)


def exists(path: str) -> bool:
    """Whether there is an object of this name."""
    _, name = _split(path)
    with _explained(path):
        return bool(name) and _blob(path).exists()


def existing(paths: Collection[str]) -> set[str]:
    """Those of the objects that are there, by one listing of the folder above them all."""
    if not paths:
        return set()
    folder, _, _ = os.path.commonprefix(list(paths)).rpartition("/")
    return {f"{folder}/{name}" for name, _ in _listed(folder)} & set(paths)


def list_dir(path: str) -> list[str]:
    """Names of objects and folders directly below a path, sorted."""
    return sorted({name.partition("/")[0] for name, _ in _files(path)})


def sizes(folder: str, paths: Collection[str]) -> dict[str, int]:
    """Bytes of those of the objects below a folder that are there."""
    return {name: blob.size for name, blob in _listed_of(folder, paths)}


def stored_md5(path: str, fingerprint: str) -> str | None:
    """The MD5 of an object that was uploaded whole; one that was composed has none."""
    with _explained(path):
        blob = _blob(path)
        blob.reload()
    if fingerprint != f"{blob.generation}-{_crc32c(blob)}":
        raise ChangedError(CHANGED.format(path))
    return blob.md5_hash and b64decode(blob.md5_hash).hex()


def checksums(
    folder: str, paths: Collection[str], observe: Callable[[int], None] | None = None
) -> dict[str, int]:
    """CRC32C of those of the objects below a folder that are there: none is read."""
    return {name: _crc32c(blob) for name, blob in _listed_of(folder, paths)}


def _listed_of(folder: str, paths: Collection[str]) -> Iterator[tuple[str, Blob]]:
    common = os.path.commonprefix(list(paths))
    return (item for item in _listed(folder, common) if item[0] in paths)


def check_writable(folder: str) -> None:
    """Writes an object below the folder and removes it; without credentials refuses to."""
    if reason := _reason_for_none():
        raise UsageError(_NEEDED.format(f"{reason}, and to write to {folder!r} takes them"))
    path = f"{folder.rstrip('/')}/{uuid.uuid4().hex}.tmp"
    write_bytes(path, b"")
    remove_file(path)


def remove_file(path: str) -> None:
    """Removes an object, where it exists."""
    _remove(_blob(path))


def _remove(blob: Blob) -> None:
    with (
        _explained(f"{SCHEME}{blob.bucket.name}/{blob.name}"),
        contextlib.suppress(
            exceptions.NotFound  # also where the answer to an attempt before was lost
        ),
    ):
        blob.delete(retry=DEFAULT_RETRY)


def remove_folder(path: str) -> None:
    """Removes all objects below a path."""
    _each(_remove, (blob for _, blob in _listed(path)))


def remove_others(
    folder: str, kept: Mapping[str, Collection[str]], is_ours: Callable[[str], bool]
) -> None:
    """Removes what else of ours is in some subfolders than the names that are kept there."""
    _each(_remove, (blob for name, blob in _listed(folder) if _is_other(name, kept, is_ours)))


def _is_other(
    name: str, kept: Mapping[str, Collection[str]], is_ours: Callable[[str], bool]
) -> bool:
    subfolder, _, rest = name.partition("/")
    below, _, _ = rest.partition("/")
    return subfolder in kept and below not in kept[subfolder] and is_ours(below)


def _each(function: Callable, arguments: Iterable) -> None:
    """Calls it for all arguments, some at a time."""
    with ThreadPoolExecutor(_THREADS) as pool:
        for _ in pool.map(function, arguments):
            pass


def write_bytes(path: str, data: bytes) -> None:
    """Writes a complete object."""
    with _explained(path):
        _blob(path).upload_from_string(data, checksum="crc32c", retry=DEFAULT_RETRY)


def create_exclusively(path: str, data: bytes) -> bool:
    """Creates an object unless it exists; returns whether it was created here.

    That is: whether the object there is this one. What two writers create must therefore differ.
    """
    return _write_over(path, 0, data)


def swap_pointer(path: str, expected: bytes | None, new: bytes, unless: str | None) -> bool:
    """Compare-and-swap of a small object, by the generation that was compared."""
    with _explained(path):
        blob = _bucket(path).get_blob(_split(path)[1])
        generation, held = 0, b""
        if blob is not None:
            generation = blob.generation
            try:
                held = blob.download_as_bytes(raw_download=True, if_generation_match=generation)
            except (exceptions.PreconditionFailed, exceptions.NotFound):
                return False  # another one is swapping it
    if held.strip() != (expected or b"").strip():  # a blank object names nothing
        return False
    if unless is not None and exists(unless):  # after the generation is known: see storage
        return False
    return _write_over(path, generation, new)


def remove_pointer(path: str, expected: bytes) -> bool:
    """Removes a small object in the generation that was compared."""
    with _explained(path):
        blob = _bucket(path).get_blob(_split(path)[1])
        if blob is None:
            return False
        with contextlib.suppress(exceptions.NotFound, exceptions.PreconditionFailed):
            held = blob.download_as_bytes(raw_download=True, if_generation_match=blob.generation)
            if held == expected:
                blob.delete(if_generation_match=blob.generation, retry=DEFAULT_RETRY)
                return True
    return False


def _write_over(path: str, generation: int, data: bytes) -> bool:
    """Writes an object in place of a generation of it (0: of none); returns whether it is there."""
    with _explained(path), contextlib.suppress(exceptions.PreconditionFailed):
        _blob(path).upload_from_string(
            data, if_generation_match=generation, checksum="crc32c", retry=DEFAULT_RETRY
        )
        return True
    return read_bytes(path) == data  # the answer to an own try before may have been lost


@contextlib.contextmanager
def new_file(path: str) -> Iterator[str]:
    """Where on this machine to write a file that is the object when the block has ended."""
    with tempfile.TemporaryDirectory(prefix="localized-narratives-") as scratch:
        local = os.path.join(scratch, os.path.basename(path))
        yield local
        with _explained(path):
            _blob(path).upload_from_filename(local, checksum="crc32c", retry=DEFAULT_RETRY)


@contextlib.contextmanager
def new_folder(target: str, is_complete: Callable[[str], bool]) -> Iterator[str]:
    """The folder itself: objects have no folder that could be renamed.

    So the object that says that the others are complete must be written last.
    """
    yield target


def copy_files(pairs: Iterable[tuple[str, str]]) -> None:
    """Copies objects within the service."""
    _each(_copy, pairs)


def _copy(pair: tuple[str, str]) -> None:
    source, target = map(_blob, pair)
    with _explained(pair[0]):
        token, _, _ = target.rewrite(source, retry=DEFAULT_RETRY)
        while token is not None:
            token, _, _ = target.rewrite(source, token=token, retry=DEFAULT_RETRY)


def walk(folder: str) -> Iterator[StoredFile]:
    """All objects below a folder."""
    for name, blob in _files(folder):
        yield StoredFile(name, blob.size, blob.updated.timestamp(), str(blob.generation))


def remove_files(folder: str, files: Iterable[StoredFile]) -> None:
    """Removes objects in the generations that were found, those of one folder at a time."""
    for _, group in itertools.groupby(files, key=lambda file: os.path.dirname(file.path)):
        _each(functools.partial(_remove_generation, folder), group)


def _remove_generation(folder: str, file: StoredFile) -> None:
    path = os.path.join(folder, file.path)
    with _explained(path), contextlib.suppress(exceptions.NotFound, exceptions.PreconditionFailed):
        _blob(path).delete(if_generation_match=int(file.identity), retry=DEFAULT_RETRY)


def remove_empty(folder: str, before: float, is_ours: Callable[[str], bool]) -> None:
    """Nothing: there are no folders without objects."""


def remove_stale_copies(before: float) -> int:
    """Removes copies that `local_folder` has made, unless a process is making or choosing them.

    Who has mapped one into memory keeps it.
    """
    freed = 0
    for name in os.listdir(_cache()):
        lock = os.path.join(_cache(), name)
        copy = lock.removesuffix(".lock")
        if not name.endswith(".lock") or os.path.getmtime(lock) >= before:
            continue
        with open(lock, "rb") as held:  # opening it to write is what `local_folder` does to use it
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            for path in (copy, f"{copy}.part"):
                freed += sum(
                    os.path.getsize(os.path.join(place, file))
                    for place, _, found in os.walk(path)
                    for file in found
                )
                shutil.rmtree(path, ignore_errors=True)
    return freed


def local_folder(path: str) -> str:
    """A copy of the folder on this machine, made once for as long as it holds the same."""
    objects = dict(_files(path))
    state = [path, sorted((name, _crc32c(blob)) for name, blob in objects.items())]
    copy = os.path.join(_cache(), hashlib.sha256(json.dumps(state).encode()).hexdigest()[:24])
    with open(f"{copy}.lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(copy):
            _download(path, objects, copy)
    return copy


def _cache() -> str:
    default = os.path.join(tempfile.gettempdir(), f"localized-narratives-{os.getuid()}")
    folder = os.environ.get(CACHE_VARIABLE, default)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return folder


def _download(path: str, objects: Mapping[str, Blob], copy: str) -> None:
    """Makes the copy; what a killed process has left of it goes."""
    unfinished = f"{copy}.part"
    shutil.rmtree(unfinished, ignore_errors=True)
    os.makedirs(unfinished)

    def download(item: tuple[str, Blob]) -> None:
        name, blob = item
        expected = _crc32c(blob)
        target = os.path.join(unfinished, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with _explained(path):
            blob.download_to_filename(target, raw_download=True, checksum="crc32c")
        with open(target, "rb") as file:
            if google_crc32c.value(file.read()) != expected:
                raise ChangedError(CHANGED.format(f"{path}/{name}"))

    _each(download, objects.items())
    os.rename(unfinished, copy)
