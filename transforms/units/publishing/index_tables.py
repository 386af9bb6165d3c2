"""The tables of indexes, of what all records have."""

from collections.abc import Iterable, Mapping

import pyarrow as pa

from transforms.core.model import layout
from transforms.core.model.columns import as_type, sorted_by
from transforms.core.output.commit_records import UnitRecord
from transforms.core.output.row_indexes.row_index import FILE, RowIndex


def merge_places(
    indexes: Mapping[str, RowIndex], records: Iterable[UnitRecord]
) -> dict[str, pa.Table]:
    """The tables of the indexes.

    Args:
      indexes: By name.
      records: In the version's order.
    """
    numbered = list(enumerate(records))
    return {
        name: _merge(index, [_named(name, index, *pair) for pair in numbered if pair[1].places])
        for name, index in indexes.items()
    }


def _named(name: str, index: RowIndex, position: int, record: UnitRecord) -> pa.Table:
    """What a unit's record has, with the name of its file in the version."""
    with pa.ipc.open_stream(record.places[name]) as stream:
        table = stream.read_all()
    [file] = (file for file in record.files if file.table == index.table)
    path = layout.version_file(index.table, position, file.path)
    return table.append_column(FILE, pa.array([path] * len(table), pa.string()))


def _merge(index: RowIndex, parts: list[pa.Table]) -> pa.Table:
    if not parts:
        return index.schema.empty_table()
    table = pa.concat_tables(parts)
    keys = sorted_by(index.schema)
    table = table.sort_by([(key, "ascending") for key in keys])  # stable: files stay in order
    columns = [as_type(table[field.name].combine_chunks(), field.type) for field in index.schema]
    return pa.Table.from_arrays(columns, schema=index.schema)
