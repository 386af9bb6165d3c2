"""Rows of a version of images by image, and the pictures that they are of."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms import storage
from transforms.core.base.errors import UsageError
from transforms.core.model.manifest_entries import TableFile

Key = tuple[str | None, str]
"""Dataset and image id."""

KEY_COLUMNS = ["dataset", "image_id"]


class FoundRow(NamedTuple):
    """A row, and the file that it is in."""

    file: TableFile
    row: Mapping[str, Any]


class ImageRows:
    """Rows of a version's table by image; in memory are only their keys.

    Args:
      folder: The version's folder.
      files: All files of the version.
      table: The table.
      columns: What is read of the rows that are looked for.
    """

    def __init__(
        self, folder: str, files: Iterable[TableFile], table: str, columns: Sequence[str]
    ) -> None:
        self._folder, self._columns = folder, columns
        self._files = [file for file in files if file.table == table and file.rows]
        keys = [_keys_of(self._read(file, KEY_COLUMNS)) for file in self._files]
        self._keys = pa.chunked_array(keys, pa.string()).combine_chunks()
        self._ends = np.cumsum([file.rows for file in self._files])

    def find(self, keys: Sequence[Key]) -> Iterator[tuple[Key, FoundRow]]:
        """The rows of those of the images that are there."""
        if not self._files:
            return
        wanted = pa.array([_key(*key) for key in keys], pa.string())
        places = pc.index_in(wanted, value_set=self._keys).drop_null().to_numpy()
        in_file = np.searchsorted(self._ends, places, side="right")
        for number in np.unique(in_file).tolist():
            file = self._files[number]
            rows = places[in_file == number] - (self._ends[number] - file.rows)
            for row in self._read(file, self._columns).take(pa.array(rows)).to_pylist():
                yield (row["dataset"], row["image_id"]), FoundRow(file, row)

    def _read(self, file: TableFile, columns: Sequence[str]) -> pa.Table:
        data = pa.BufferReader(storage.read_bytes(storage.join(self._folder, file.path)))
        return pq.read_table(data, columns=list(columns), use_threads=False, pre_buffer=False)


def _keys_of(rows: pa.Table) -> pa.Array:
    parts = [rows[name].cast(pa.string()).fill_null("") for name in KEY_COLUMNS]
    return pc.binary_join_element_wise(*parts, "/").combine_chunks()


def _key(dataset: str | None, image_id: str) -> str:
    return f"{dataset or ''}/{image_id}"


def place_of(folder: str, output: str, file: TableFile, row: Mapping[str, Any]) -> tuple[str, int]:
    """The file that a picture is in, and where it begins there.

    Args:
      folder: The version's folder.
      output: The output folder, below which pictures in folders are.
      file: The file of `images` that the row is in.
      row: With `file` and `offset`.
    """
    if row["file"]:
        return storage.join(output, row["file"]), 0
    shard = file.path.replace("images", "samples").replace(".parquet", ".tar")
    return storage.join(folder, shard), row["offset"]


def read_picture(path: str, offset: int, size: int) -> bytes | None:
    """The bytes of a picture, None where they are gone."""
    try:
        with storage.open_binary(path) as opened:
            opened.seek(offset)
            data = opened.read(size)
    except (UsageError, OSError):
        return None
    return data if len(data) == size else None
