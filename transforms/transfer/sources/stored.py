"""Files of buckets (`gs://`) and disks (`file:`), by the seam to files."""

import contextlib
from collections.abc import Iterator
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from transforms import storage
from transforms.core.base.errors import ChangedError, EngineError, UsageError
from transforms.storage.files import FileInfo
from transforms.transfer.outcomes import Failure, Reason
from transforms.transfer.sources.answers import Answer, Validator

_BLOCK = 8 << 20
"""Bytes that are read at a time: in a bucket each read is a request."""


class StoredSource:
    """Files that `transforms.storage` reads; of public buckets without credentials."""

    @contextlib.contextmanager
    def open(self, address: str, start: int, validator: Validator) -> Iterator[Answer]:
        """Asks for a file, as `Source.open`."""
        with _explained(address):
            path = path_of(address)
            if not storage.exists(path):
                raise Failure(Reason.NOT_FOUND, f"{address}: there is no such file; check the path")
            (info,) = storage.match([path])
            found = Validator(generation=info.fingerprint)
            begin = start if found.matches(validator) and start <= info.size else 0
            md5 = storage.stored_md5(path, info.fingerprint)
            with storage.open_binary(path, info.fingerprint) as file:
                file.seek(begin)
                yield Answer(begin, info.size, found, md5, "", _Reader(file, path, info).read)


class _Reader:
    """A file that must still be the one that was found when its end is read."""

    def __init__(self, file: BinaryIO, path: str, info: FileInfo) -> None:
        self._file, self._path, self._info = file, path, info

    def read(self) -> bytes:
        data = self._file.read(_BLOCK)
        if not data:
            storage.check_unchanged(self._path, self._info.fingerprint, self._info.identity)
        return data


def path_of(address: str) -> str:
    """The path of an address, as `transforms.storage` knows it.

    Raises:
      Failure: It names another machine, or nothing.

    >>> path_of("file:///a/b%20c"), path_of("file:a/b"), path_of("gs://bucket/a")
    ('/a/b c', 'a/b', 'gs://bucket/a')
    """
    if address.startswith("gs://"):
        return address
    parts = urlsplit(address)
    path = unquote(parts.path)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or not path:
        raise Failure(Reason.BAD_ADDRESS, f"{address!r}: write file:///PATH or gs://BUCKET/NAME")
    return path


@contextlib.contextmanager
def _explained(address: str) -> Iterator[None]:
    """Turns what the seam raises into failures."""
    try:
        yield
    except ChangedError as error:
        raise Failure(Reason.CHANGED, str(error)) from error
    except UsageError as error:
        raise Failure(Reason.FORBIDDEN, f"{address}: {error}") from error
    except EngineError as error:
        raise Failure(Reason.UNAVAILABLE, f"{address}: {error}") from error
