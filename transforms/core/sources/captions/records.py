"""Captions and bad records in columns, as the readers of the formats find them."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec
import pyarrow as pa

from transforms.core.model import bad_lines
from transforms.core.model.columns import TERM
from transforms.core.sources.captions.schemas import READ_CAPTIONS, REGION
from transforms.core.sources.narratives.decoding import FAILURES, BadLine, diagnose
from transforms.core.sources.narratives.limits import KEPT_BYTES

Region = tuple[float, float, float, float]
"""Left, top, width and height, pixels."""

READER = "ReadCaptions"
"""The stage that rejects records."""


class BadRecord(NamedTuple):
    """A record that was rejected.

    Attributes:
      byte_offset: Where it begins in the (decompressed) shard.
      number: Records of the unit before it.
      code: Why.
      message: The same as a sentence.
      raw: Its bytes.
    """

    byte_offset: int
    number: int
    code: str
    message: str
    raw: bytes


@dataclasses.dataclass(slots=True)
class Records:
    """What was read: a list a column; and what was not.

    Attributes:
      blank: Records without a caption that are not wrong: blank lines, images with no sentence.
    """

    image_ids: list[str] = dataclasses.field(default_factory=list)
    caption_ids: list[str | None] = dataclasses.field(default_factory=list)
    captions: list[str] = dataclasses.field(default_factory=list)
    splits: list[str | None] = dataclasses.field(default_factory=list)
    regions: list[Region | None] = dataclasses.field(default_factory=list)
    byte_offsets: list[int] = dataclasses.field(default_factory=list)
    bad: list[BadRecord] = dataclasses.field(default_factory=list)
    blank: int = 0

    @property
    def number(self) -> int:
        """Records so far."""
        return len(self.captions) + len(self.bad) + self.blank

    def add(
        self,
        place: int,
        image_id: str,
        caption_id: str | None,
        caption: str,
        *,
        split: str | None = None,
        region: Region | None = None,
    ) -> None:
        """Adds a caption whose record begins at a byte of the shard.

        Raises:
          BadLine: It, or an id, holds U+0000, behind which other programs read no further.
        """
        if "\0" in caption or "\0" in image_id or (caption_id is not None and "\0" in caption_id):
            raise BadLine("nul_character", "a caption or an id holds U+0000")
        self.image_ids.append(image_id)
        self.caption_ids.append(caption_id)
        self.captions.append(caption)
        self.splits.append(split)
        self.regions.append(region)
        self.byte_offsets.append(place)

    def reject(self, place: int, raw: bytes, error: BadLine) -> None:
        """Adds a bad record that begins at a byte of the shard."""
        self.bad.append(BadRecord(place, self.number, error.code, str(error), raw[:KEPT_BYTES]))

    def caption_rows(self, shard: str, collection: str, split: str | None) -> pa.RecordBatch:
        """The captions.

        Args:
          shard: The file's name.
          collection: Whose they are.
          split: Of all of them, None where each says its own.
        """
        splits = self.splits if split is None else [split] * len(self.captions)
        columns = [
            _repeated(collection, len(self.captions)),
            pa.array(splits, pa.string()).cast(TERM),
            pa.array(self.image_ids, pa.string()),
            pa.array(self.caption_ids, pa.string()),
            pa.array(self.captions, pa.string()),
            self._region_column(),
            _repeated(shard, len(self.captions)),
            pa.array(self.byte_offsets, pa.int64()),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=READ_CAPTIONS)

    def _region_column(self) -> pa.StructArray:
        if not any(self.regions):
            return pa.nulls(len(self.regions), REGION)
        unknown = (None,) * len(REGION)
        edges = zip(*(region or unknown for region in self.regions), strict=True)
        return pa.StructArray.from_arrays(
            [pa.array(edge, pa.float64()) for edge in edges],
            fields=list(REGION),
            mask=pa.array([region is None for region in self.regions]),
        )

    def bad_rows(self, shard: str, unit: int) -> pa.RecordBatch:
        """The bad records of a unit, as the table `rejected` has them."""
        rows = [
            {
                "shard": shard,
                "byte_offset": bad.byte_offset,
                "unit": unit,
                "line_in_unit": bad.number,
                "stage": READER,
                "code": bad.code,
                "message": bad.message,
                "raw": bad.raw,
            }
            for bad in self.bad
        ]
        return pa.RecordBatch.from_pylist(rows, schema=bad_lines.SCHEMA)


def _repeated(value: str, n: int) -> pa.DictionaryArray:
    return pa.array([value], pa.string()).take(pa.array([0] * n, pa.int32())).cast(TERM)


def read_items(
    record: bytes,
    place: int,
    items: Sequence[msgspec.Raw],
    read: Callable[[bytes, int], None],
    records: Records,
) -> None:
    """Reads the captions of an image, each a record of its own; an image without one is blank.

    Args:
      record: The image.
      place: Where it begins in the shard.
      items: Its captions.
      read: Reads one that begins at a byte of the shard.
      records: Where bad ones are added.
    """
    if not items:
        records.blank += 1
    for at, text in places_of(record, items):
        try:
            read(text, place + at)
        except (*FAILURES, BadLine) as error:
            records.reject(place + at, text, diagnose(memoryview(text), error))


def places_of(record: bytes, items: Iterable[msgspec.Raw]) -> Iterator[tuple[int, bytes]]:
    """Where the items of a list begin in the record that holds it, and their bytes.

    >>> list(places_of(b'{"a": [1, 23]}', [msgspec.Raw(b"1"), msgspec.Raw(b"23")]))
    [(7, b'1'), (10, b'23')]
    """
    at = 0
    for item in items:
        text = bytes(item)
        at = record.index(text, at)
        yield at, text
        at += len(text)
