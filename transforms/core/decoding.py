"""Decoding one line: strictly typed JSON, in every published dialect.

Format: https://google.github.io/localized-narratives (file formats). Integers stand for floats
and strings for ids in places; `_captions.jsonl` files hold captions alone.
"""

import re

import msgspec


class Utterance(msgspec.Struct):
    """A word or group of words, times in seconds since the recording's start."""

    utterance: str
    start_time: float
    end_time: float


class Point(msgspec.Struct):
    """A trace point: normalised image coordinates, seconds."""

    x: float
    y: float
    t: float


class Narrative(msgspec.Struct):
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


_DECODERS = {
    "full": msgspec.json.Decoder(Narrative),
    "captions": msgspec.json.Decoder(CaptionOnly),
}
_IDS = range(-(2**63), 2**63)
_FAILURES = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class BadLine(ValueError):
    """A line that cannot be taken.

    Attributes:
      code: `invalid_utf8`, `malformed_json`, `wrong_type` or `missing_key`.
    """

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


def decode_line(line: memoryview, dialect: str = "full") -> Narrative | CaptionOnly:
    """Decodes one line.

    Raises:
      BadLine: It cannot be decoded, has a wrong type, or lacks a key.
    """
    try:
        str(line, "utf-8")  # the decoder does not look into the text of keys that it skips
        record = _DECODERS[dialect].decode(line)
        record.image_id = str(record.image_id)
        record.annotator_id = _annotator(record.annotator_id)
        return record
    except _FAILURES as error:
        raise _diagnose(line, error) from error


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


def _diagnose(line: memoryview, error: Exception) -> BadLine:
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
        msgspec.json.decode(line)  # a type error met before the text ends hides a cut line
    except (msgspec.DecodeError, RecursionError) as malformed:
        return BadLine("malformed_json", str(malformed))
    return BadLine("missing_key" if "missing required field" in message else "wrong_type", message)
