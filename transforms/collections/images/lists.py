"""Lists of images: the distinct images of a version, a list a shard.

A list is what this job reads, line by line, as the main job reads its shards: so units, records and
the conservation law hold for images as they do for narratives. An image is in the list of the shard
that has it first, with all its captions, wherever these are.
"""

import collections
import dataclasses
import pathlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

import google_crc32c
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms import storage
from transforms.collections.images.sources import CAPTION, COLUMNS, KEY, ListedVersion
from transforms.core.base.errors import UNREADABLE
from transforms.core.base.versions import digest
from transforms.core.model.columns import set_columns
from transforms.core.model.manifest_entries import TableFile
from transforms.core.model.units import make_label
from transforms.core.stages.fetch.addresses import address_of
from transforms.core.stages.fetch.pictures.schemas import WANTED
from transforms.core.stages.fetch.pictures.wanted import encode_wanted
from transforms.storage.files import content_of

NAME = "lists.json"
"""What says of a folder that its lists are complete."""

BYTES = {"thumbnail": 60_000, "original": 200_000}
"""What a picture is taken for whose size no list tells: units of work are cut by it."""


class ImageList(msgspec.Struct, frozen=True):
    """A list of images.

    Attributes:
      name: Its file.
      bytes: Its size.
      crc32c: Its checksum.
      images: Lines in it.
      cuts: Where its units begin, and its end.
    """

    name: str
    bytes: int
    crc32c: int
    images: int
    cuts: list[int]

    @property
    def content(self) -> str:
        """Changes when its content does."""
        return content_of(self.bytes, self.crc32c)


@dataclasses.dataclass(frozen=True)
class Cutting:
    """How lists are cut into units.

    Attributes:
      size: `thumbnail` or `original`, which are of other sizes.
      fallback: Whether the original does where there is no thumbnail.
      unit_images: Images of a unit, at most.
      unit_bytes: Bytes of its pictures beyond which a unit ends, as far as lists tell.
    """

    size: str
    fallback: bool
    unit_images: int
    unit_bytes: int


def read_lists(folder: str) -> list[ImageList] | None:
    """The lists in a folder; None where they are not complete."""
    path = storage.join(folder, NAME)
    if not storage.exists(path):
        return None
    try:
        lists = msgspec.json.decode(storage.read_bytes(path), type=list[ImageList])
    except UNREADABLE:
        return None
    sizes = {one.name: one.bytes for one in lists}
    return lists if storage.are_whole(folder, sizes) else None


def make_lists(version: str, folder: str, cutting: Cutting) -> list[ImageList]:
    """Writes the lists of a version's images.

    Args:
      version: The folder of a version that has images (`sources.SOURCES`).
      folder: Where lists are written to.
      cutting: How they are cut into units.

    Raises:
      UsageError: It is no such version.
    """
    listed = ListedVersion.of(version)
    firsts, repeated = _first_rows(listed)
    captions = _captions_of(listed, repeated)
    lists: list[ImageList] = []
    start = 0
    for shard, own in _by_shard(listed.files):
        name = _name_of(shard, {one.name for one in lists})
        with storage.new_file(storage.join(folder, name)) as local:
            writer = _Writer(name, cutting)
            with pathlib.Path(local).open("wb") as opened:
                for file in own:
                    first = firsts[start : start + file.rows]
                    start += file.rows
                    writer.write(_rows(listed, file, first), captions, opened)
        lists.append(writer.end())
    storage.write_bytes(storage.join(folder, NAME), msgspec.json.encode(lists))
    return lists


def _name_of(shard: str, taken: Collection[str]) -> str:
    """The file name of a shard's list, which no other list has."""
    name = f"{make_label(shard.partition('.jsonl')[0])}.images.jsonl"
    return name if name not in taken else f"{digest({'shard': shard})[:8]}-{name}"


def _by_shard(files: Sequence[TableFile]) -> Iterator[tuple[str, list[TableFile]]]:
    shards: dict[str, list[TableFile]] = {}
    for file in files:
        shards.setdefault(file.shard or "images", []).append(file)
    return iter(shards.items())


def _keys(rows: pa.RecordBatch) -> pa.Array:
    """Keys of images: dataset and id."""
    dataset = rows["dataset"].cast(pa.string()).fill_null("")
    return pc.binary_join_element_wise(dataset, rows["image_id"], "/")


def _first_rows(listed: ListedVersion) -> tuple[np.ndarray, pa.Array]:
    """Which rows are the first of their image, shape `(n_rows,)` bool.

    And the keys of images that have several.
    """
    parts = [_keys(rows) for file in listed.files for rows in listed.batches(file, KEY)]
    keys = pa.chunked_array(parts, pa.string()).combine_chunks().dictionary_encode()
    _, first, numbers = np.unique(keys.indices, return_index=True, return_counts=True)
    is_first = np.zeros(len(keys), bool)
    is_first[first] = True
    return is_first, keys.dictionary.filter(pa.array(numbers > 1))


def _captions_of(listed: ListedVersion, repeated: pa.Array) -> Mapping[str, list[dict[str, Any]]]:
    """All captions of the images that have several, by key."""
    found: dict[str, list[dict[str, Any]]] = collections.defaultdict(list)
    for file in listed.files if len(repeated) else ():
        for rows in listed.batches(file, [*KEY, *CAPTION]):
            several = set_columns(rows, key=_keys(rows))
            several = several.filter(pc.is_in(several["key"], value_set=repeated))
            for row in several.select(["key", *CAPTION]).to_pylist():
                if row["narrative_id"] is not None:
                    found[row.pop("key")].append(row)
    return found


def _rows(listed: ListedVersion, file: TableFile, first: np.ndarray) -> Iterator[pa.RecordBatch]:
    """The rows of a file that are the first of their images, with their keys."""
    start = 0
    for rows in listed.batches(file, COLUMNS):
        own = rows.filter(pa.array(first[start : start + len(rows)]))
        start += len(rows)
        yield set_columns(own, key=_keys(own))


class _Writer:
    """Writes one list, and sees where its units begin."""

    def __init__(self, name: str, cutting: Cutting) -> None:
        self._name, self._cutting = name, cutting
        self._size = self._crc32c = self._images = 0
        self._cuts: list[int] = [0]
        self._unit_images = self._unit_bytes = 0

    def write(
        self,
        batches: Iterator[pa.RecordBatch],
        captions: Mapping[str, list[dict[str, Any]]],
        file: BinaryIO,
    ) -> None:
        """Appends rows; an image has its own caption where it has no others."""
        for rows in batches:
            for row in rows.to_pylist():
                has_caption = row["narrative_id"] is not None
                own = [{name: row[name] for name in CAPTION}] if has_caption else []
                row["captions"] = captions.get(row["key"], own)
                row["boxes"] = row["boxes"] or []
                self._append({name: row[name] for name in WANTED.names}, file)

    def _append(self, row: dict[str, Any], file: BinaryIO) -> None:
        expected = self._expect(row)
        is_full = self._unit_images >= self._cutting.unit_images
        if self._unit_images and (
            is_full or self._unit_bytes + expected > self._cutting.unit_bytes
        ):
            self._cuts.append(self._size)
            self._unit_images = self._unit_bytes = 0
        line = encode_wanted(row)
        file.write(line)
        self._crc32c = google_crc32c.extend(self._crc32c, line)
        self._size += len(line)
        self._images += 1
        self._unit_images += 1
        self._unit_bytes += expected

    def _expect(self, row: Mapping[str, Any]) -> int:
        """Bytes of an image's picture, as far as is known."""
        address = address_of(row, self._cutting.size, self._cutting.fallback)
        if address is None:
            return 0
        known = (row["image"] or {}).get("original_size")
        return (known if address.fetched_as == "original" else None) or BYTES[address.fetched_as]

    def end(self) -> ImageList:
        """The list."""
        cuts = [*self._cuts, self._size]
        return ImageList(self._name, self._size, self._crc32c, self._images, cuts)
