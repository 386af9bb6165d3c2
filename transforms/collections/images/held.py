"""What an earlier version holds: pictures that need not be fetched, and failures that are final."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms import storage
from transforms.core.base.errors import UsageError
from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import TableFile
from transforms.core.stages.fetch.judging import Answer, md5_of
from transforms.units.publishing.read_version import read_manifest

Key = tuple[str | None, str]
"""Dataset and image id."""

_KEY = ["dataset", "image_id"]
_PICTURE = [*_KEY, "url", "offset", "file", "bytes", "md5", "redirected_to", "attempts"]
_FAILURE = [*_KEY, "url", "reason", "status", "message", "attempts", "retryable"]


class _Found(NamedTuple):
    file: TableFile
    row: Mapping[str, Any]


class Held:
    """What a version of this job holds.

    Args:
      folder: The version's folder.
      output: The output folder, below which pictures in folders are.
      with_final: Whether its final failures count, which they do where the rules are the same.
    """

    def __init__(self, folder: str, output: str, with_final: bool) -> None:
        self._folder, self._output = folder, output
        files = read_manifest(folder, Manifest).files
        self._pictures = _Rows(folder, files, "images", _PICTURE)
        self._failures = _Rows(folder, files if with_final else [], "failures", _FAILURE)

    def answers(self, keys: Sequence[Key]) -> dict[tuple[Key, str], Answer]:
        """What is known of images, by key and address.

        A picture is an answer with its bytes, a final failure one with its reason; both with the
        attempts that they took.
        """
        found = {}
        for key, (file, row) in self._pictures.find(keys):
            data = self._read(file, row)
            if data is not None and md5_of(data) == row["md5"]:
                sent = (row["redirected_to"],) if row["redirected_to"] else ()
                answer = Answer(row["url"], data, 200, redirects=sent, attempts=row["attempts"])
                found[key, row["url"]] = answer
        for key, (_, row) in self._failures.find(keys):
            if row["url"] and not row["retryable"]:
                answer = Answer(row["url"], status=row["status"], reason=row["reason"],
                                message=row["message"], attempts=row["attempts"])  # fmt: skip
                found[key, row["url"]] = answer
        return found

    def _read(self, file: TableFile, row: Mapping[str, Any]) -> bytes | None:
        """The bytes of a picture, None where they are gone."""
        if row["file"]:
            path, offset = storage.join(self._output, row["file"]), 0
        else:
            shard = file.path.replace("images", "samples").replace(".parquet", ".tar")
            path, offset = storage.join(self._folder, shard), row["offset"]
        try:
            with storage.open_binary(path) as opened:
                opened.seek(offset)
                return opened.read(row["bytes"])
        except (UsageError, OSError):
            return None


class _Rows:
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
        keys = [_keys_of(self._read(file, _KEY)) for file in self._files]
        self._keys = pa.chunked_array(keys, pa.string()).combine_chunks()
        self._ends = np.cumsum([file.rows for file in self._files])

    def find(self, keys: Sequence[Key]) -> Iterator[tuple[Key, _Found]]:
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
                yield (row["dataset"], row["image_id"]), _Found(file, row)

    def _read(self, file: TableFile, columns: Sequence[str]) -> pa.Table:
        data = pa.BufferReader(storage.read_bytes(storage.join(self._folder, file.path)))
        return pq.read_table(data, columns=list(columns), use_threads=False, pre_buffer=False)


def _keys_of(rows: pa.Table) -> pa.Array:
    parts = [rows[name].cast(pa.string()).fill_null("") for name in _KEY]
    return pc.binary_join_element_wise(*parts, "/").combine_chunks()


def _key(dataset: str | None, image_id: str) -> str:
    return f"{dataset or ''}/{image_id}"
