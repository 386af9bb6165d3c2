"""What is asked for and what becomes of it: requests, reasons for failures, outcomes."""

import dataclasses
import enum
from collections.abc import Callable
from typing import Literal

from transforms.core.base.errors import shown

MESSAGE_CHARACTERS = 300


class Reason(enum.StrEnum):
    """Why a file has not come."""

    NOT_FOUND = "not_found"
    GONE = "gone"
    FORBIDDEN = "forbidden"
    REFUSED = "refused"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    PROXY = "proxy"
    TLS = "tls"
    REDIRECTS = "redirects"
    BAD_ADDRESS = "bad_address"
    BAD_ANSWER = "bad_answer"
    TRUNCATED = "truncated"
    CHANGED = "changed"
    WRONG_SIZE = "wrong_size"
    WRONG_MD5 = "wrong_md5"
    PLACEHOLDER = "placeholder"
    NOT_WRITTEN = "not_written"
    BY_HAND = "by_hand"


RETRYABLE = frozenset(
    {
        Reason.RATE_LIMITED,
        Reason.UNAVAILABLE,
        Reason.TIMEOUT,
        Reason.UNREACHABLE,
        Reason.PROXY,
        Reason.BAD_ANSWER,
        Reason.TRUNCATED,
        Reason.CHANGED,
    }
)
"""Reasons for which another attempt at the same address may succeed."""


@dataclasses.dataclass(frozen=True)
class Head:
    """The beginning of an answer, for those who judge whether it is the file.

    Attributes:
      address: What was asked, before redirects.
      content_type: As the server calls it, without parameters and in lower case; may be empty.
      size: Bytes of the complete file, None where the server does not say.
    """

    address: str
    content_type: str
    size: int | None


Judge = Callable[[Head], str]
"""Says in a clause why an answer is not the file (a placeholder, a login page), else nothing."""


@dataclasses.dataclass(frozen=True)
class Request:
    """A file that is wanted.

    Attributes:
      addresses: Where it is: `https://`, `http://`, `gs://` or `file:`; mirrors in their order.
      size: Bytes that it must have, None where that is not known.
      md5: Its checksum (hexadecimal), None where that is not known.
      judge: Looks at each answer; None takes all.
    """

    addresses: tuple[str, ...]
    size: int | None = None
    md5: str | None = None
    judge: Judge | None = None


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What has become of a request.

    Attributes:
      path: Where the file is, or would be.
      reason: Why it is not there; None where it is.
      message: Of a failure, in a sentence with the remedy.
      address: From which it came.
      size: Its bytes.
      md5: Its checksum (hexadecimal).
      received: Bytes that came over the network for it.
      attempts: Requests that were made.
      is_resumable: Whether a part of it is kept, from which the next attempt goes on.
    """

    path: str
    reason: Reason | None = None
    message: str = ""
    address: str = ""
    size: int = 0
    md5: str = ""
    received: int = 0
    attempts: int = 0
    is_resumable: bool = False

    @property
    def status(self) -> Literal["failed", "fetched", "kept"]:
        """What has become of the file, in a word: kept, if it was there before."""
        if self.reason is not None:
            return "failed"
        return "fetched" if self.attempts else "kept"


class Failure(Exception):
    """An attempt failed.

    Args:
      reason: Why.
      message: In a sentence with the remedy.
      wait: Seconds for which the server asked to be left alone, None where it did not.
    """

    def __init__(self, reason: Reason, message: str, wait: float | None = None) -> None:
        super().__init__(shown(message, MESSAGE_CHARACTERS))
        self.reason, self.wait = reason, wait

    @property
    def is_retryable(self) -> bool:
        """Whether another attempt may succeed."""
        return self.reason in RETRYABLE
