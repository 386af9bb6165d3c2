"""Decoding one line: strictly typed JSON, in every published dialect.

Format: https://google.github.io/localized-narratives (file formats). Integers stand for floats
and strings for ids in places; `_captions.jsonl` files hold captions alone.
"""

import dataclasses
import re
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from transforms.core.sources.narratives.limits import (
    MAX_COORDINATE,
    MAX_IMAGE_ID_BYTES,
    MAX_SECONDS,
)

Coordinate = Annotated[float, msgspec.Meta(ge=-MAX_COORDINATE, le=MAX_COORDINATE)]
Seconds = Annotated[float, msgspec.Meta(ge=-MAX_SECONDS, le=MAX_SECONDS)]


class Utterance(msgspec.Struct):
    """A word or group of words, times in seconds since the recording's start."""

    utterance: str
    start_time: Seconds
    end_time: Seconds


class Point(msgspec.Struct):
    """A trace point: normalised image coordinates, seconds."""

    x: Coordinate
    y: Coordinate
    t: Seconds


class NarrativeRecord(msgspec.Struct):
    """A line of a full file; `traces` may be missing or null."""

    dataset_id: str
    image_id: str | int
    annotator_id: int | str
    caption: str
    timed_caption: list[Utterance]
    voice_recording: str
    traces: list[list[Point]] | None = None


class CaptionOnly(msgspec.Struct):
    """A line of a `_captions.jsonl` file."""

    dataset_id: str
    image_id: str | int
    annotator_id: int | str
    caption: str
    timed_caption: list[Utterance] = []
    voice_recording: str | None = None
    traces: list[list[Point]] | None = None


@dataclasses.dataclass(frozen=True)
class Dialect:
    """A form of lines.

    Attributes:
      decoder: Decodes a line to a record with the attributes of `NarrativeRecord`.
      suffix: How names of files in this form end; empty for all other files.
      scanned: Whether the block scanner reads lines of the usual order of keys.
    """

    decoder: msgspec.json.Decoder
    suffix: str = ""
    scanned: bool = False


DIALECTS = {
    "full": Dialect(msgspec.json.Decoder(NarrativeRecord), scanned=True),
    "captions": Dialect(msgspec.json.Decoder(CaptionOnly), suffix="_captions.jsonl"),
}
"""The forms of lines by name; a unit of work names its own."""


def dialect_of(name: str) -> str:
    """The name of the dialect of a file, by the end of its name without `.gz` or `.zst`.

    >>> dialect_of("coco_val_captions.jsonl"), dialect_of("coco_val_localized_narratives.jsonl")
    ('captions', 'full')
    """
    special = (key for key, form in DIALECTS.items() if form.suffix and name.endswith(form.suffix))
    return next(special, "full")


_IDS = range(-(2**63), 2**63)
_LARGEST = 10**308
_BEYOND = re.compile(
    r"(Expected `float` [<>]=|Number out of range).*\.(x|y|t|start_time|end_time)`$"
)
FAILURES = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding a line raises."""


class BadLine(ValueError):
    """A line that cannot be taken.

    Attributes:
      code: `invalid_utf8`, `malformed_json`, `wrong_type`, `missing_key` or `out_of_range`; of
        lines that are no JSON `malformed_line`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def decode_line(line: memoryview, dialect: str = "full") -> NarrativeRecord | CaptionOnly:
    """Decodes one line.

    Raises:
      BadLine: It cannot be decoded, has a wrong type, lacks a key, or holds a value beyond
        `transforms.core.sources.narratives.limits`.
    """
    try:
        str(line, "utf-8")  # the decoder does not look into the text of keys that it skips
        record = DIALECTS[dialect].decoder.decode(line)
        record.image_id = _image_id(str(record.image_id))
        record.annotator_id = _annotator(record.annotator_id)
        return record
    except FAILURES as error:
        raise diagnose(line, error) from error


def _image_id(text: str) -> str:
    """An id that can be looked up: keys of indexes are of fixed width and padded with U+0000."""
    if "\0" in text:
        raise BadLine("out_of_range", "an image id cannot hold U+0000 - at `$.image_id`")
    size = len(text.encode())
    if size > MAX_IMAGE_ID_BYTES:
        message = f"an image id of {size:,} bytes is longer than {MAX_IMAGE_ID_BYTES}"
        raise BadLine("out_of_range", f"{message} - at `$.image_id`")
    return text


def _annotator(value: int | str) -> int:
    if isinstance(value, str):
        if not re.fullmatch(r"-?[0-9]{1,19}", value):
            raise BadLine(
                "wrong_type", f"expected an integer, got {value!r:.40} - at `$.annotator_id`"
            )
        value = int(value)
    if value not in _IDS:
        raise BadLine("wrong_type", "integer out of range - at `$.annotator_id`")
    return value


def diagnose(line: memoryview, error: Exception) -> BadLine:
    r"""What is wrong with a line of JSON whose decoding has raised an error.

    >>> diagnose(memoryview(b'{"a": "\xff"}'), ValueError()).code
    'invalid_utf8'
    """
    if isinstance(error, BadLine):
        return error
    message = str(error)
    try:
        bytes(line).decode()
    except UnicodeDecodeError as invalid:
        return BadLine("invalid_utf8", f"byte {invalid.start} of the line is not valid UTF-8")
    if not isinstance(error, msgspec.ValidationError):
        return BadLine("malformed_json", message)
    try:
        record = msgspec.json.decode(line)  # a type error met before the text ends hides a cut line
    except (msgspec.DecodeError, RecursionError) as malformed:
        return BadLine("malformed_json", str(malformed))
    if "missing required field" in message:
        return BadLine("missing_key", message)
    if _BEYOND.match(message):
        return BadLine("out_of_range", next(_beyond_limits(record), message))
    return BadLine("wrong_type", message)


def _beyond_limits(record: dict) -> Iterator[str]:
    """Messages on the numbers of a record that are out of range, in order."""
    for i, utterance in enumerate(_items(record.get("timed_caption"))):
        for key in ("start_time", "end_time"):
            yield from _beyond(utterance, key, MAX_SECONDS, f"timed_caption[{i}]")
    for i, segment in enumerate(_items(record.get("traces"))):
        for k, point in enumerate(_items(segment)):
            for key, limit in (("x", MAX_COORDINATE), ("y", MAX_COORDINATE), ("t", MAX_SECONDS)):
                yield from _beyond(point, key, limit, f"traces[{i}][{k}]")


def _items(value: Any) -> list:
    return value if isinstance(value, list) else []


def _beyond(item: Any, key: str, limit: float, place: str) -> Iterator[str]:
    value = item.get(key) if isinstance(item, dict) else None
    if isinstance(value, int | float) and abs(value) > limit:
        shown = float(value) if abs(value) < _LARGEST else f"a number of {len(str(value))} digits"
        yield f"{shown} is not between {-limit:,.0f} and {limit:,.0f} - at `$.{place}.{key}`"
