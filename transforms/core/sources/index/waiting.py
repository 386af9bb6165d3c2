"""Where rows are between parsing and writing an index: the engine's shuffle, or files.

An engine of several machines sorts elements on its own disks, so that rows may go through it. The
local one holds in memory what it groups: there rows are in files, one a parsed part, and only where
they lie is grouped (decision 0029).
"""

import abc
import dataclasses
import itertools
import pathlib
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa

from transforms.core.base.errors import telling_room
from transforms.core.sources.index.buckets import build_bucket, split_by_bucket
from transforms.core.sources.index.records import (
    build_from_records,
    codes_of,
    record_type,
    to_records,
    to_rows,
)

Terms = Mapping[str, list[str]]
"""Of each column of terms of a table, the sorted values."""

_TERMS = ".terms"

Piece = tuple
"""Rows of a part that belong to one bucket: the part's place (two numbers) comes first."""


class Waiting(abc.ABC):
    """Keeps rows by bucket until all are parsed. It goes to workers, so it can be pickled."""

    @abc.abstractmethod
    def keep(
        self, rows: pa.RecordBatch, place: tuple[int, int], schema: pa.Schema, buckets: int
    ) -> Iterator[tuple[int, Piece]]:
        """Takes a part's rows and its place; yields a piece for each bucket that has any."""

    @abc.abstractmethod
    def build(
        self, pieces: Iterable[Piece], schema: pa.Schema, terms: Terms
    ) -> tuple[bytes, int, int]:
        """A bucket's file from all its pieces, in any order: as `buckets.build_bucket`."""


class InShuffle(Waiting):
    """Pieces are the rows themselves, as compressed Arrow IPC."""

    def keep(
        self, rows: pa.RecordBatch, place: tuple[int, int], schema: pa.Schema, buckets: int
    ) -> Iterator[tuple[int, Piece]]:
        """Yields the rows."""
        del schema  # IPC has its own
        for bucket, data in split_by_bucket(rows, buckets):
            yield bucket, (*place, data)

    def build(
        self, pieces: Iterable[Piece], schema: pa.Schema, terms: Terms
    ) -> tuple[bytes, int, int]:
        """Decodes them."""
        ordered = sorted(pieces, key=lambda piece: piece[:2])
        return build_bucket([data for *_, data in ordered], schema, terms)


class _PartOfRecords(NamedTuple):
    """The records of a file, and by column what to write for the codes of its terms."""

    type: np.dtype
    codes: dict[str, np.ndarray]


@dataclasses.dataclass
class InFiles(Waiting):
    """Pieces say where rows lie in a folder of this machine, which its owner removes.

    A part that is parsed twice has two files of the same content; each piece names its own.

    Attributes:
      folder: Where files are written.
    """

    folder: str
    _parts: dict[str, _PartOfRecords] = dataclasses.field(default_factory=dict, repr=False)

    def keep(
        self, rows: pa.RecordBatch, place: tuple[int, int], schema: pa.Schema, buckets: int
    ) -> Iterator[tuple[int, Piece]]:
        """Writes the rows to a file.

        Raises:
          RoomError: The disk is full.
        """
        name = uuid.uuid4().hex
        packed = to_records(rows, schema, buckets)
        if packed is None:
            pieces = dict(split_by_bucket(rows, buckets))
            bounds = list(itertools.accumulate(map(len, pieces.values()), initial=0))
            self._write(name, pieces.values())
            ranges = zip(pieces, bounds, bounds[1:], strict=False)
        else:
            records, starts, terms = packed
            self._write(name, [records.view(np.uint8)])
            values = {column: own.to_pylist() for column, own in terms.items()}
            self._write(f"{name}{_TERMS}", [msgspec.msgpack.encode(values)])
            bounds = (starts * records.itemsize).tolist()
            ranges = zip(range(buckets), bounds, bounds[1:], strict=False)
        for bucket, first, end in ranges:
            if end > first:
                yield bucket, (*place, name, first, end - first, packed is not None)

    def _write(self, name: str, data: Iterable[Any]) -> None:
        path, views = pathlib.Path(self.folder, name), [memoryview(piece) for piece in data]
        needed = sum(view.nbytes for view in views)
        with telling_room(str(path), needed), path.open("wb", buffering=0) as file:
            for view in views:
                while len(view):
                    view = view[file.write(view) :]  # what is left of it

    def build(
        self, pieces: Iterable[Piece], schema: pa.Schema, terms: Terms
    ) -> tuple[bytes, int, int]:
        """Reads them back."""
        ordered = sorted(pieces, key=lambda piece: piece[:2])
        found = [(name, self._read(name, at, size), coded) for *_, name, at, size, coded in ordered]
        if all(piece[-1] for piece in found):
            own = [self._part(name, schema, terms) for name, *_ in found]
            records = [
                np.frombuffer(data, part.type)
                for (_, data, _), part in zip(found, own, strict=True)
            ]
            return build_from_records(records, [part.codes for part in own], schema)
        parts = [self._as_ipc(*piece[:2], schema) if piece[-1] else piece[1] for piece in found]
        return build_bucket(parts, schema, terms)

    def _as_ipc(self, name: str, data: bytes, schema: pa.Schema) -> bytes:
        """Records in the form of the rows beside them, some of which do not fit into records."""
        terms = self._terms_of(name)
        records = np.frombuffer(data, record_type(schema, terms))
        ((_, encoded),) = split_by_bucket(to_rows(records, terms, schema), 1)
        return encoded

    def _read(self, name: str, at: int, size: int) -> bytes:
        with pathlib.Path(self.folder, name).open("rb", buffering=0) as file:
            file.seek(at)
            data = file.read(size)
        if len(data) != size:
            raise OSError(f"{self.folder}/{name}: {len(data)} bytes at {at}, not {size}")
        return data

    def _terms_of(self, name: str) -> dict[str, pa.Array]:
        """What the codes of a file's terms stand for."""
        data = pathlib.Path(self.folder, name + _TERMS).read_bytes()
        own = msgspec.msgpack.decode(data, type=dict[str, list[str]])
        return {column: pa.array(values, pa.string()) for column, values in own.items()}

    def _part(self, name: str, schema: pa.Schema, terms: Terms) -> _PartOfRecords:
        if name not in self._parts:  # needed by every bucket, and small
            own = self._terms_of(name)
            self._parts[name] = _PartOfRecords(record_type(schema, own), codes_of(own, terms))
        return self._parts[name]
