"""Two versions compared: rows by key, columns, statistics, and what made them.

Files that both versions hold, by their checksums, are not read: their rows are the same. Of the
others the keys are read first, then rows that both have are compared file by file.
"""

import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import fastavro
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from transforms import storage
from transforms.core.model import layout
from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import TableFile
from transforms.core.stages.fetch.pictures.tar_files import read_tar
from transforms.units.publishing.read_version import read_listed
from transforms.versions.difference.comparing import PLACES, compare_rows, key_columns, row_keys
from transforms.versions.jobs import index_tables

SHOWN_KEYS = 10
SHOWN_VALUES = 40


class Value(msgspec.Struct, frozen=True):
    """A number of a statistic that moved.

    Attributes:
      table: The table.
      key: Whose number.
      column: Which.
      old: In the first version.
      new: In the second one.
    """

    table: str
    key: list[Any]
    column: str
    old: Any
    new: Any


class TableDiff(msgspec.Struct, frozen=True, kw_only=True):
    """A table in two versions.

    Attributes:
      table: Its name.
      old_rows: Rows in the first version.
      new_rows: Rows in the second one.
      added: Rows whose key only the second one has.
      removed: Rows whose key only the first one has.
      changed: Rows that both have, with other values.
      moved: Rows that both have, whose place in the input alone is another.
      columns: Rows by column in which they differ.
      only_old: Columns that only the first one has.
      only_new: Columns that only the second one has.
      first: The first keys that were added, removed and changed.
    """

    table: str
    old_rows: int
    new_rows: int
    added: int
    removed: int
    changed: int
    moved: int
    columns: dict[str, int]
    only_old: list[str]
    only_new: list[str]
    first: dict[str, list[list[Any]]]

    @property
    def is_same(self) -> bool:
        """Whether both versions have the same rows."""
        return not (self.added or self.removed or self.changed or self.moved)


class Change(msgspec.Struct, frozen=True):
    """Something that made the versions and is another one.

    Attributes:
      name: What, such as `option max_distance` or `input a.jsonl`.
      old: In the first version, null for nothing.
      new: In the second one, likewise.
    """

    name: str
    old: Any
    new: Any


class VersionDiff(msgspec.Struct, frozen=True, kw_only=True):
    """Two versions compared.

    Attributes:
      old: The first one.
      new: The second one.
      made: What made them and differs.
      tables: All tables of both.
      values: Numbers of statistics that moved, those that moved most first.
      more_values: How many more moved.
    """

    old: str
    new: str
    made: list[Change]
    tables: list[TableDiff]
    values: list[Value]
    more_values: int


def _compared(manifest: Manifest) -> list[TableFile]:
    """Its files, but for those of tables that only say where rows are."""
    indexes = index_tables(manifest)
    return [file for file in manifest.files if file.table not in indexes]


def bytes_to_read(old: Manifest, new: Manifest) -> int:
    """Bytes that a comparison reads at most: of each file that differs, keys and then rows."""
    differing = _without_common(_compared(old), _compared(new))
    return 2 * sum(file.bytes for side in differing for file in side)


def diff_versions(
    output: str, old: Manifest, new: Manifest, observe: Callable[[int], None] = lambda _: None
) -> VersionDiff:
    """Compares two versions of an output.

    Args:
      output: Where both are.
      old: The first one.
      new: The second one.
      observe: Called with bytes that are done; all together are those of `bytes_to_read`.

    Raises:
      UsageError: A file that has to be read is not what its manifest says.
    """
    names = dict.fromkeys(file.table for file in [*_compared(old), *_compared(new)])
    diffs, values = [], []
    for name in names:
        made = _TableDiffer(output, name, old, new, observe)
        diffs.append(made.diff())
        values += made.values
    values.sort(key=_weight, reverse=True)
    return VersionDiff(
        old=old.version,
        new=new.version,
        made=list(_changes(old, new)),
        tables=diffs,
        values=values[:SHOWN_VALUES],
        more_values=max(0, len(values) - SHOWN_VALUES),
    )


def _weight(value: Value) -> float:
    """By how much of itself a number moved."""
    old, new = (0 if number is None else number for number in (value.old, value.new))
    return abs(new - old) / (abs(old) + abs(new)) if old or new else 0.0


def _changes(old: Manifest, new: Manifest) -> Iterator[Change]:
    yield from _differences("option ", old.configuration, new.configuration)
    yield from _differences("package ", old.packages, new.packages)
    code = ({"code": manifest.code} for manifest in (old, new))
    yield from _differences("", *code)
    inputs = ({row.shard: row.fingerprint for row in manifest.inputs} for manifest in (old, new))
    yield from _differences("input ", *inputs)


def _differences(what: str, old: Mapping, new: Mapping) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield Change(f"{what}{name}", old.get(name), new.get(name))


Place = tuple[int, int]
"""A file among those of its version, and a row in it."""


class _TableDiffer:
    """Compares a table of two versions.

    Attributes:
      values: Numbers that moved, of a table that is made of all units.
    """

    def __init__(
        self,
        output: str,
        table: str,
        old: Manifest,
        new: Manifest,
        observe: Callable[[int], None],
    ) -> None:
        self._observe = observe
        self._table, self._output = table, output
        self._manifests = (old, new)
        files = [[file for file in manifest.files if file.table == table]
                 for manifest in self._manifests]  # fmt: skip
        self._rows = [sum(file.rows for file in group) for group in files]
        self._files = _without_common(*files)
        self._is_statistic = any(
            file.shard is None and file.rows for group in files for file in group
        )
        self._unread = {
            (side, file.path): file.bytes for side in (0, 1) for file in self._files[side]
        }
        self._cached: dict[int, tuple[str, pa.Table]] = {}
        self._columns: Counter[str] = Counter()
        self._first: dict[str, list[list[Any]]] = {"added": [], "removed": [], "changed": []}
        self._schemas: list[set[str]] = [set(), set()]
        self.values: list[Value] = []

    def diff(self) -> TableDiff:
        """The comparison."""
        places = [self._places(side) for side in (0, 1)]
        old, new = places
        added, removed = ([key for key in a if key not in b] for a, b in ((new, old), (old, new)))
        pairs: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for key, (file, row) in old.items():
            if key in new:
                other, position = new[key]
                pairs[file, other].append((row, position))
        counts = [0, 0]
        for (file, other), rows in sorted(pairs.items()):
            for index, number in enumerate(self._compare(file, other, rows)):
                counts[index] += number
        self._observe(sum(self._unread.values()))  # of which no row is in both
        for name, keys in (("added", added), ("removed", removed)):
            self._first[name] = [list(key[:-1]) for key in keys[:SHOWN_KEYS]]
        both = all(self._schemas)
        return TableDiff(
            table=self._table,
            old_rows=self._rows[0],
            new_rows=self._rows[1],
            added=len(added),
            removed=len(removed),
            changed=counts[0],
            moved=counts[1],
            columns=dict(self._columns.most_common()),
            only_old=sorted(self._schemas[0] - self._schemas[1]) if both else [],
            only_new=sorted(self._schemas[1] - self._schemas[0]) if both else [],
            first=self._first,
        )

    def _places(self, side: int) -> dict[tuple, Place]:
        """Where each key is of the files that only one version has."""
        found: dict[tuple, Place] = {}
        seen: dict[tuple, int] = {}
        for number, file in enumerate(self._files[side]):
            schema, keys = _read_keys(self._folder(side), file)
            self._schemas[side] |= set(schema.names)
            for row, key in enumerate(row_keys(keys, keys.column_names, seen)):
                found[key] = number, row
            self._observe(file.bytes)
        return found

    def _read(self, side: int, file: TableFile) -> pa.Table:
        """All rows of a file; the last one of each version is kept."""
        if side in self._cached and self._cached[side][0] == file.path:
            return self._cached[side][1]
        table = _read_table(self._folder(side), file)
        self._cached[side] = file.path, table
        self._observe(self._unread.pop((side, file.path), 0))
        return table

    def _folder(self, side: int) -> str:
        return storage.join(self._output, layout.version_folder(self._manifests[side].version))

    def _compare(self, file: int, other: int, rows: Sequence[tuple[int, int]]) -> tuple[int, int]:
        """Compares rows of two files; how many have changed, and how many have only moved."""
        positions = zip(*rows, strict=True)
        old, new = (
            self._read(side, self._files[side][number]).take(pa.array(position))
            for side, (number, position) in enumerate(zip((file, other), positions, strict=True))
        )
        found = compare_rows(old, new)
        nothing = np.zeros(len(rows), bool)
        changed = np.logical_or.reduce([nothing, *(m for n, m in found.items() if n not in PLACES)])
        moved = np.logical_or.reduce([nothing, *(m for n, m in found.items() if n in PLACES)])
        for name, mask in found.items():
            if number := int(np.count_nonzero(mask)):
                self._columns[name] += number
        self._note(old, new, changed, found)
        return int(np.count_nonzero(changed)), int(np.count_nonzero(moved & ~changed))

    def _note(
        self, old: pa.Table, new: pa.Table, changed: np.ndarray, found: Mapping[str, np.ndarray]
    ) -> None:
        """Keeps the first keys of rows that changed, and numbers of statistics."""
        columns = key_columns(self._table, old.schema)
        rows = np.flatnonzero(changed)
        room = SHOWN_KEYS - len(self._first["changed"])
        keys = old.select(columns).take(pa.array(rows[:room] if not self._is_statistic else rows))
        listed = [list(row.values()) for row in keys.to_pylist()]
        self._first["changed"] += listed[:room]
        for name, mask in found.items() if self._is_statistic else ():
            if not _is_number(old.schema.field(name).type):
                continue
            for key, row in zip(listed, rows.tolist(), strict=True):
                if mask[row]:
                    pair = old[name][row].as_py(), new[name][row].as_py()
                    self.values.append(Value(self._table, key, name, *pair))


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind)


def _without_common(
    old: Iterable[TableFile], new: Iterable[TableFile]
) -> tuple[list[TableFile], list[TableFile]]:
    """Files of both sides but for those that both hold; those without rows are left out."""
    sides = [[file for file in side if file.rows] for side in (old, new)]
    counts = [Counter((file.bytes, file.crc32c) for file in side) for side in sides]
    common = counts[0] & counts[1]
    left = []
    for side in sides:
        skip, kept = Counter(common), []
        for file in side:
            if skip[file.bytes, file.crc32c] > 0:
                skip[file.bytes, file.crc32c] -= 1
            else:
                kept.append(file)
        left.append(kept)
    return left[0], left[1]


def _read_keys(folder: str, file: TableFile) -> tuple[pa.Schema, pa.Table]:
    """The columns of a table's file, and the key of all its rows."""
    if file.path.endswith(tuple(_READERS)):
        table = _read_table(folder, file)
        return table.schema, table.select(key_columns(file.table, table.schema))
    parquet = pq.ParquetFile(pa.BufferReader(read_listed(folder, file)), pre_buffer=False)
    columns = key_columns(file.table, parquet.schema_arrow)
    return parquet.schema_arrow, parquet.read(columns, use_threads=False)


def _read_table(folder: str, file: TableFile) -> pa.Table:
    read = _READERS.get(file.path[file.path.rfind(".") :], _read_parquet)
    return read(read_listed(folder, file))


def _read_parquet(data: bytes) -> pa.Table:
    return pq.read_table(pa.BufferReader(data), use_threads=False, pre_buffer=False)


def _read_avro(data: bytes) -> pa.Table:
    return pa.Table.from_pylist(list(fastavro.reader(io.BytesIO(data))))


_READERS = {".avro": _read_avro, ".tar": read_tar}
"""What reads a table's file that is no Parquet, by its ending."""
