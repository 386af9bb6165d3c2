"""What a source answers: bytes from a place on, of which version of the file, and how many."""

import base64
import binascii
import dataclasses
import datetime
import email.utils
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from transforms.transfer.outcomes import Head


@dataclasses.dataclass(frozen=True)
class Validator:
    """Tells a version of a file from another one.

    Attributes:
      generation: A store's number for it.
      etag: A strong entity tag, in its quotation marks.
      modified: A date that is as good as one (RFC 9110, 8.8.2.2).
    """

    generation: str = ""
    etag: str = ""
    modified: str = ""

    def matches(self, other: "Validator") -> bool:
        """Whether both are certainly of the same version.

        >>> Validator(etag='"a"').matches(Validator("7", '"a"')), Validator().matches(Validator())
        (True, False)
        """
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)
        return next((mine == theirs for mine, theirs in pairs if mine and theirs), False)

    def __bool__(self) -> bool:
        return any(dataclasses.astuple(self))


NO_VALIDATOR = Validator()


@dataclasses.dataclass(frozen=True)
class Answer:
    """An answer whose bytes are about to be read.

    Attributes:
      start: Where in the file the first of its bytes belongs.
      size: Bytes of the complete file, None where that is not said.
      validator: The version of the file.
      md5: The server's own checksum of the complete file (hexadecimal), None where it has none.
      content_type: Without parameters, in lower case; may be empty.
      read: Returns some of the next bytes; none at the end.
    """

    start: int
    size: int | None
    validator: Validator
    md5: str | None
    content_type: str
    read: Callable[[], bytes]

    def head_of(self, address: str) -> Head:
        """What is known of it before its bytes are read."""
        return Head(address, self.content_type, self.size)


class Source(Protocol):
    """Where files of a scheme come from."""

    def open(
        self, address: str, start: int, validator: Validator
    ) -> AbstractContextManager[Answer]:
        """Asks for a file.

        Args:
          address: Of the file.
          start: The first byte that is wanted; the answer may begin at 0 nonetheless.
          validator: The version that is wanted from there on; another one begins at 0.

        Raises:
          Failure: It cannot be had, now or in the course of reading.
        """


def validator_of(headers: Mapping[str, str]) -> Validator:
    """The version that an answer of a server is of, by its headers.

    Weak tags tell nothing of bytes. A date does where the server's clock has gone on since
    (RFC 9110, 8.8.2.2): within the same second the file may have changed again.

    >>> validator_of({"ETag": 'W/"a"'})
    Validator(generation='', etag='', modified='')
    >>> validator_of({"ETag": '"a"', "x-goog-generation": "7"}).etag
    '"a"'
    """
    etag = headers.get("ETag", "").strip()
    modified, now = headers.get("Last-Modified", ""), headers.get("Date", "")
    age = _seconds_between(modified, now)
    return Validator(
        headers.get("x-goog-generation", ""),
        "" if etag.startswith("W/") else etag,
        modified if age is not None and age >= 1 else "",
    )


def _seconds_between(earlier: str, later: str) -> float | None:
    try:
        moments = [email.utils.parsedate_to_datetime(text) for text in (earlier, later)]
        begin, end = (m if m.tzinfo else m.replace(tzinfo=datetime.UTC) for m in moments)
    except (ValueError, TypeError):
        return None
    return (end - begin).total_seconds()


def md5_of(headers: Mapping[str, str]) -> str | None:
    """The MD5 (hexadecimal) that an answer's headers have of the complete file.

    https://cloud.google.com/storage/docs/xml-api/reference-headers#xgooghash

    >>> md5_of({"x-goog-hash": "crc32c=AAAAAA==, md5=1B2M2Y8AsgTpgAmY7PhCfg=="})
    'd41d8cd98f00b204e9800998ecf8427e'
    >>> md5_of({"x-goog-hash": "md5=?"}), md5_of({})
    (None, None)
    """
    found = _MD5.search(headers.get("x-goog-hash", ""))
    try:
        return base64.b64decode(found[1], validate=True).hex() if found else None
    except binascii.Error:
        return None


_MD5 = re.compile(r"\bmd5=([A-Za-z0-9+/]{22}==)")

_CONTENT_RANGE = re.compile(r"\s*bytes\s+(\d{1,18})-(\d{1,18})/(\d{1,18}|\*)\s*", re.IGNORECASE)


def content_range(value: str) -> tuple[int, int | None] | None:
    """Where the bytes of a `Content-Range` begin, and how many the file has, if it says so.

    >>> content_range("bytes 5-9/10"), content_range("bytes 5-9/*"), content_range("lines 1-2/3")
    ((5, 10), (5, None), None)
    """
    found = _CONTENT_RANGE.fullmatch(value)
    if not found:
        return None
    return int(found[1]), None if found[3] == "*" else int(found[3])
