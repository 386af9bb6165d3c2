"""What a server's answer is taken for: a picture, verified or not, or the reason why it is none."""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from transforms.core.stages.fetch.pictures.headers import Picture, inspect_picture
from transforms.core.stages.fetch.reasons import reason_of_status


class Answer(msgspec.Struct, frozen=True):
    """What came of asking for a picture.

    Attributes:
      url: The address that was asked first.
      data: The bytes of the body.
      status: Of HTTP, None where there was no answer.
      content_type: As the server says.
      redirects: Addresses to which the server sent, in order.
      reason: Why there is no body (`REASONS`), None where there is one.
      message: One sentence on that.
      attempts: Requests for it, those that failed included.
    """

    url: str
    data: bytes = b""
    status: int | None = None
    content_type: str = ""
    redirects: tuple[str, ...] = ()
    reason: str | None = None
    message: str = ""
    attempts: int = 1


class Expected(msgspec.Struct, frozen=True):
    """What is known of a picture beforehand.

    Attributes:
      bytes: How many, None where that is not known.
      md5: Of these, hexadecimal; None where that is not known.
    """

    bytes: int | None = None
    md5: str | None = None


class Rules(msgspec.Struct, frozen=True):
    """By what answers are judged.

    Attributes:
      placeholders: MD5 sums, hexadecimal, of pictures that say that there is none.
      keep_unverified: Whether a picture with another size or MD5 than expected is kept.
    """

    placeholders: tuple[str, ...] = ()
    keep_unverified: bool = False


class Judged(msgspec.Struct, frozen=True):
    """What an answer is.

    Attributes:
      reason: Why it is no picture (`REASONS`); None where it is one.
      message: One sentence on that.
      picture: What its headers say.
      verified: `md5`, `size` or `none`: by what it is what the list says; `failed` where it is not
        and is kept nevertheless.
    """

    reason: str | None = None
    message: str = ""
    picture: Picture | None = None
    verified: str = "none"


def expect(image: Mapping[str, Any] | None, fetched_as: str) -> Expected:
    """What a list says of a picture's bytes: nothing of thumbnails, which servers make on demand.

    `OriginalMD5` is the MD5 in base64, as Open Images has it.

    Args:
      image: A row's `image`.
      fetched_as: `thumbnail` or `original`.

    >>> expect({"original_size": 3, "original_md5": "kAFQmDzST7DWlj99KOF/cg=="}, "original")
    Expected(bytes=3, md5='900150983cd24fb0d6963f7d28e17f72')
    """
    if fetched_as != "original" or not image:
        return Expected()
    return Expected(image.get("original_size"), _hexadecimal(image.get("original_md5")))


def _hexadecimal(md5: str | None) -> str | None:
    try:
        found = base64.b64decode(md5 or "", validate=True)
    except (binascii.Error, ValueError):
        return None
    return found.hex() if len(found) == 16 else None


def judge_answer(answer: Answer, expected: Expected, rules: Rules) -> Judged:
    """Says what an answer is.

    Args:
      answer: The answer.
      expected: What is known of the picture beforehand.
      rules: By what it is judged.
    """
    if answer.reason:
        return Judged(answer.reason, answer.message)
    if is_placeholder(answer, rules.placeholders):
        return Judged("placeholder", "the host's picture for one that is not there any more")
    if answer.status is not None and (reason := reason_of_status(answer.status)):
        return Judged(reason, f"HTTP status {answer.status}")
    if not answer.data:
        return Judged("empty", "an answer of no bytes")
    picture = inspect_picture(answer.data)
    if picture is None:
        return Judged("not_an_image", f"{len(answer.data):,} bytes of {_described(answer)}")
    if not picture.is_complete:
        text = f"{len(answer.data):,} bytes of a {picture.format} without its end"
        return Judged("truncated", text, picture)
    return _verify(answer.data, picture, expected, rules)


def _described(answer: Answer) -> str:
    return answer.content_type.partition(";")[0].strip()[:80] or "no content type"


def _verify(data: bytes, picture: Picture, expected: Expected, rules: Rules) -> Judged:
    wrong = ""
    if expected.bytes is not None and len(data) != expected.bytes:
        wrong, message = "wrong_size", f"{len(data):,} bytes where the list says {expected.bytes:,}"
    elif expected.md5 and (md5 := md5_of(data)) != expected.md5:
        wrong, message = "wrong_md5", f"MD5 {md5} where the list says {expected.md5}"
    if wrong and not rules.keep_unverified:
        return Judged(wrong, message, picture)
    by = "md5" if expected.md5 else "size" if expected.bytes is not None else "none"
    return Judged(picture=picture, verified="failed" if wrong else by)


def md5_of(data: bytes) -> str:
    """MD5, hexadecimal; here a published checksum, not a means of security."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


_UNAVAILABLE = re.compile(r"/photo_unavailable[^/]*\.(png|gif|jpg)$", re.IGNORECASE)
FLICKR_PLACEHOLDER_BYTES = 2_051
"""Bytes of the PNG that Flickr has sent for dead addresses since 2016, at the latest."""


def is_placeholder(answer: Answer, placeholders: Sequence[str] = ()) -> bool:
    """Whether an answer is a picture that says that there is none.

    That is where the server sent to a `photo_unavailable` picture, where it is a PNG of as many
    bytes as Flickr's for an address of a JPEG, or where its MD5 is one of those given.

    >>> gone = "https://s.yimg.com/pw/images/en-us/photo_unavailable.png"
    >>> is_placeholder(Answer("https://a/b.jpg", status=200, redirects=(gone,)))
    True
    """
    if any(_UNAVAILABLE.search(_path(url)) for url in (answer.url, *answer.redirects)):
        return True
    is_png = answer.data.startswith(b"\x89PNG")
    if is_png and len(answer.data) == FLICKR_PLACEHOLDER_BYTES:
        return not _path(answer.url).lower().endswith(".png")
    return bool(placeholders) and md5_of(answer.data) in placeholders


def _path(url: str) -> str:
    return re.split(r"[?#]", url, maxsplit=1)[0]
