"""Lists of images: the distinct images of a version of narratives, a list a shard.

A list is what this job reads, line by line, as the main job reads its shards: so units, records and
the conservation law hold for images as they do for narratives. An image is in the list of the shard
that has it first, with all its captions, wherever these are.
"""

import collections
import contextlib
import dataclasses
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

import google_crc32c
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms import storage
from transforms.core.base.errors import UNREADABLE, UsageError, option
from transforms.core.model.columns import set_columns
from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import TableFile
from transforms.core.stages.fetch.addresses import address_of
from transforms.core.stages.fetch.pictures.schemas import WANTED
from transforms.core.stages.fetch.pictures.wanted import encode_wanted
from transforms.storage.files import content_of
from transforms.units.publishing.read_version import read_manifest

NAME = "lists.json"
"""What says of a folder that its lists are complete."""

TABLE = "narratives"

_KEY = ["dataset", "split", "image_id"]
_COLUMNS = [*_KEY, "image", "boxes"]
_CAPTION = ["narrative_id", "caption"]
_BATCH = 1 << 12
_FIRST = "first"

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
      version: The folder of a version of the main job.
      folder: Where lists are written to.
      cutting: How they are cut into units.

    Raises:
      UsageError: It is no such version.
    """
    files = _narratives_of(version)
    firsts, repeated = _first_rows(version, files)
    captions = _captions_of(version, files, repeated)
    lists, start = [], 0
    for shard, own in _by_shard(files):
        name = f"{shard.partition('.jsonl')[0]}.images.jsonl"
        with storage.new_file(storage.join(folder, name)) as local:
            writer = _Writer(name, cutting)
            with pathlib.Path(local).open("wb") as opened:
                for file in own:
                    first = firsts[start : start + file.rows]
                    start += file.rows
                    writer.write(_rows(version, file, first), captions, opened)
        lists.append(writer.end())
    storage.write_bytes(storage.join(folder, NAME), msgspec.json.encode(lists))
    return lists


def _narratives_of(version: str) -> list[TableFile]:
    manifest = read_manifest(version, Manifest)
    if manifest.job != "build":
        raise UsageError(
            f"{version}: is a version of job {manifest.job!r}, and images are those of narratives: "
            f"give the output of the main job with {option('input')}"
        )
    return [file for file in manifest.files if file.table == TABLE and file.rows]


def _by_shard(files: Sequence[TableFile]) -> Iterator[tuple[str, list[TableFile]]]:
    shards: dict[str, list[TableFile]] = {}
    for file in files:
        shards.setdefault(file.shard or TABLE, []).append(file)
    return iter(shards.items())


def _batches(version: str, file: TableFile, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    with contextlib.closing(storage.open_binary(storage.join(version, file.path))) as opened:
        table = pq.ParquetFile(opened)
        yield from table.iter_batches(_BATCH, columns=list(columns), use_threads=False)


def _keys(rows: pa.RecordBatch) -> pa.Array:
    """Keys of images: dataset and id."""
    dataset = rows["dataset"].cast(pa.string()).fill_null("")
    return pc.binary_join_element_wise(dataset, rows["image_id"], "/")


def _first_rows(version: str, files: Sequence[TableFile]) -> tuple[np.ndarray, pa.Array]:
    """Which narratives are the first of their image, shape `(n_narratives,)` bool.

    And the keys of images that have several.
    """
    parts = [_keys(rows) for file in files for rows in _batches(version, file, _KEY)]
    keys = pa.chunked_array(parts, pa.string()).combine_chunks().dictionary_encode()
    _, first, numbers = np.unique(keys.indices, return_index=True, return_counts=True)
    is_first = np.zeros(len(keys), bool)
    is_first[first] = True
    return is_first, keys.dictionary.filter(pa.array(numbers > 1))


def _captions_of(
    version: str, files: Sequence[TableFile], repeated: pa.Array
) -> Mapping[str, list[dict[str, Any]]]:
    """All captions of the images that have several, by key."""
    found: dict[str, list[dict[str, Any]]] = collections.defaultdict(list)
    for file in files if len(repeated) else ():
        for rows in _batches(version, file, [*_KEY, *_CAPTION]):
            several = set_columns(rows, key=_keys(rows))
            several = several.filter(pc.is_in(several["key"], value_set=repeated))
            for row in several.select(["key", *_CAPTION]).to_pylist():
                found[row.pop("key")].append(row)
    return found


def _rows(version: str, file: TableFile, first: np.ndarray) -> Iterator[pa.RecordBatch]:
    """The rows of a file that are the first of their images, with their keys."""
    start = 0
    for rows in _batches(version, file, [*_COLUMNS, *_CAPTION]):
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
                own = [{name: row[name] for name in _CAPTION}]
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
