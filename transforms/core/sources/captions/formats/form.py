"""What a format is: how its files are called, where its records are, and how one is read."""

import dataclasses
import re
from collections.abc import Callable

from transforms.core.sources.captions.records import Records
from transforms.core.sources.kinds import plain_name

Read = Callable[[bytes, int, Records], None]
"""Reads a record, which begins at a byte of the shard, into columns.

Raises:
  BadLine: It cannot be taken.
  msgspec.DecodeError: It is not the JSON of this format.
"""

_SPLITS = {"val": "validation", "training": "train"}


@dataclasses.dataclass(frozen=True)
class Format:
    """A form of files.

    Attributes:
      name: As the option `format` has it.
      title: What it is.
      names: What its files are called, without `.gz` or `.zst`: a regular expression whose groups
        `collection` and `split`, if it has them, tell these.
      collection: Whose captions they are, where the name does not tell.
      read: Reads a record.
      is_document: Whether a file is one JSON value, and a record an item of its list; otherwise a
        record is a line.
      key: Of that list in the document's object; None where the document is the list.
      is_json: Whether records are JSON.
    """

    name: str
    title: str
    names: str
    collection: str
    read: Read
    is_document: bool = False
    key: str | None = None
    is_json: bool = True

    def recognises(self, path: str) -> bool:
        """Whether a file's name is one of this format."""
        return re.fullmatch(self.names, name_of(path)) is not None

    def collection_and_split(self, path: str) -> tuple[str, str | None]:
        """What a file's name tells of its captions; the split None where it does not."""
        found = re.fullmatch(self.names, name_of(path))
        told = found.groupdict() if found else {}
        return told.get("collection") or self.collection, split_of(told.get("split"))


def name_of(path: str) -> str:
    """A file's name as it is when decompressed.

    >>> name_of("data/results_20130124.token.gz")
    'results_20130124.token'
    """
    return plain_name(path).rpartition("/")[2]


def split_of(name: str | None) -> str | None:
    """A split as all collections call it.

    >>> split_of("Val"), split_of("restval"), split_of(None)
    ('validation', 'restval', None)
    """
    return _SPLITS.get(name.lower(), name.lower()) if name else None
