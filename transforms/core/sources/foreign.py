"""Tells by its first bytes what kind of file something is, to say how it is to be given."""

import csv
import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from transforms.core.base.errors import option, shown

HEAD_BYTES = 1 << 16
"""First bytes of a file that are enough."""


MOST_FILES = 100
"""Of more files only so many are looked at: there may be a million, each a request to a bucket."""


class Kind(NamedTuple):
    """A kind of file.

    Attributes:
      title: What it is called, with its article.
      remedy: What to do with it.
    """

    title: str
    remedy: str


NARRATIVES = Kind("a file of narratives", f"give it with {option('input')}")
CAPTIONS = Kind("a file of captions alone", "rename it so that it ends in _captions.jsonl")
ASR = Kind(
    "a file of transcriptions",
    f"give it with {option('transcripts')} asr and {option('transcript_files')}",
)
WORDS = Kind(
    "a file of word times",
    f"give it with {option('transcripts')} words and {option('transcript_files')}",
)
BOXES = Kind("a file of boxes", f"give it with {option('boxes')} as a .csv file")
LABELS = Kind("a file of labels", f"give it with {option('labels')}")
IMAGES = Kind("an image list", f"give it with {option('images')}")
CLASSES = Kind("a file of class names", f"give it with {option('classes')}")
COCO = Kind("a file of COCO instances", f"give it with {option('boxes')} as a .json file")
HIERARCHY = Kind("a class hierarchy", f"give it with {option('hierarchy')}")

_CONTAINERS = (
    (b"\x1f\x8b", Kind("compressed with gzip", "let its name end in .gz")),
    (b"\x28\xb5\x2f\xfd", Kind("compressed with zstd", "let its name end in .zst")),
    (b"BZh", Kind("compressed with bzip2", "decompress it first")),
    (b"\xfd7zXZ\x00", Kind("compressed with xz", "decompress it first")),
    (b"PK\x03\x04", Kind("a zip archive", "unpack it first")),
    (b"PAR1", Kind("a Parquet file", "give the JSON Lines or CSV file that was published")),
    (b"Obj\x01", Kind("an Avro file", "give the JSON Lines or CSV file that was published")),
)
"""First bytes of files that are not text."""

TABLE = Kind("a CSV file", "give the file that its option asks for")
_COCO = re.compile(rb'\{\s*"(info|licenses|images|annotations|categories)"\s*:')
_HIERARCHY = re.compile(rb'\{\s*"(LabelName|Subcategory|Part)"\s*:')
_CLASS_IDS = ("/m/", "/g/", "/t/", "/j/")
_CAPTION_KEYS = {"dataset_id", "image_id", "annotator_id", "caption"}


def recognise(head: bytes) -> Kind | None:
    """What kind of file begins with these bytes; None where that is not plain.

    Args:
      head: The first `HEAD_BYTES` of a file, or all of a shorter one.
    """
    for mark, kind in _CONTAINERS:
        if head.startswith(mark):
            return kind
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"{"):
        return _recognise_json(text, is_all=len(head) < HEAD_BYTES)
    return _recognise_table(text)


def _recognise_json(text: bytes, is_all: bool) -> Kind | None:
    if _COCO.match(text):
        return None if is_too_deep(text) else COCO
    if _HIERARCHY.match(text):
        return HIERARCHY
    lines = text.split(b"\n") if is_all else text.split(b"\n")[:-1]
    records = [record for line in lines if (record := _record(line)) is not None]
    for kind, fits in (
        (NARRATIVES, lambda record: "timed_caption" in record),
        (CAPTIONS, lambda record: "caption" in record and record.keys() <= _CAPTION_KEYS),
        (ASR, lambda record: "asr" in record and "caption" not in record),
        (WORDS, lambda record: "recording" in record and "caption" not in record),
    ):
        if records and all(map(fits, records)):
            return kind
    return None


MOST_LEVELS = 64
"""Of objects and lists within each other: no published file has more than some ten."""

_LOOKED_AT = 1 << 20
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


def is_too_deep(text: bytes) -> bool:
    """Whether JSON text has more than `MOST_LEVELS`, somewhere in its first MiB."""
    depth = 0
    for byte in _STRING.sub(b"", text[:_LOOKED_AT]):
        depth += (byte in b"[{") - (byte in b"]}")
        if depth > MOST_LEVELS:
            return True
    return False


def json_problem(error: Exception, text: bytes) -> str:
    """Why JSON cannot be read: it is nested too deeply, or what the decoder says."""
    if isinstance(error, RecursionError) or is_too_deep(text):
        return f"its objects and lists are nested more than {MOST_LEVELS} levels deep"
    return shown(error)


def _record(line: bytes) -> Mapping | None:
    try:
        value = msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _recognise_table(text: bytes) -> Kind | None:
    lines = text.decode(errors="replace").splitlines()[:20]
    try:
        rows = list(csv.reader(lines))
    except csv.Error:
        return None
    header = {column.strip() for column in rows[0]} if rows else set()
    if "ImageID" in header:
        for column, kind in (("XMin", BOXES), ("Confidence", LABELS), ("OriginalURL", IMAGES)):
            if column in header:
                return kind
    whole = rows if len(text) < HEAD_BYTES else rows[:-1]
    named = whole[1:] or whole  # the first may be a header
    if named and all(len(row) == 2 and row[0].startswith(_CLASS_IDS) for row in named):
        return CLASSES
    widths = {len(row) for row in whole}
    is_table = len(whole) > 2 and len(widths) == 1 and widths.pop() > 2 and b"{" not in text
    return TABLE if is_table else None
