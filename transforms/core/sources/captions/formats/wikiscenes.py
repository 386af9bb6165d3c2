"""WikiScenes' lists: `PATH:['CLASS', …]:CAPTION:CATEGORY, CATEGORY, …`, a line an image.

Format: https://github.com/tgxs002/wikiscenes. No part of a published line has a colon, and
captions are cut at 100 characters; they may be empty, and of any language.
"""

import re

from transforms.core.sources.captions.formats.form import Format
from transforms.core.sources.captions.records import Records
from transforms.core.sources.narratives.decoding import BadLine

_CLASSES = re.compile(r"\[('[^']*'(, *'[^']*')*)?\]")
_PARTS = 4


def read_line(record: bytes, place: int, records: Records) -> None:
    """Reads a line; an image is known by its path."""
    parts = record.decode().split(":")
    if len(parts) != _PARTS:
        raise BadLine(
            "malformed_line",
            f"has {len(parts) - 1} colons, and not the 3 of PATH:['CLASS', …]:CAPTION:CATEGORY, …",
        )
    path, classes, caption, _ = parts
    if not path or not _CLASSES.fullmatch(classes):
        raise BadLine("malformed_line", "does not begin with PATH:['CLASS', …]:")
    records.add(place, path, None, caption)


LISTS = Format(
    name="wikiscenes",
    title="WikiScenes' lists",
    names=r"(?P<split>train|val|val_easy|test)_\d+classes_.*\.txt",
    collection="wikiscenes",
    read=read_line,
    is_json=False,
)
