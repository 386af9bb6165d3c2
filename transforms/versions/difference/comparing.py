"""What differs between two tables: rows by key, and values column by column, as array programs."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

KEYS = {
    "narratives": ("narrative_id",),
    "discarded": ("narrative_id",),
    "mentions": ("narrative_id", "char_start", "class_id"),
    "words": ("narrative_id", "word"),
    "rejected": ("shard", "byte_offset"),
    "localization": ("dataset", "split", "class_id", "name"),
    "localization_histogram": ("dataset", "split", "class_id", "name", "bin_x", "bin_y"),
    "richness": ("dataset", "split"),
    "noun_counts": ("dataset", "split", "nouns"),
    "distances": ("dataset", "split", "distance"),
    "images": ("dataset", "image_id"),
    "failures": ("dataset", "image_id"),
    "samples": ("member",),
    "outcomes": ("dataset", "split", "host", "outcome"),
}
"""Columns by which a row of a table is the same in another version."""

PLACES = frozenset({"shard", "byte_offset", "unit", "line_in_unit"})
"""Columns that say where in the input a row was found."""


def key_columns(table: str, schema: pa.Schema) -> list[str]:
    """Columns by which a table's rows are compared; of tables not known here, those of words."""
    known = [name for name in KEYS.get(table, ()) if name in schema.names]
    return known or [field.name for field in schema if _is_word(field.type)]


def _is_word(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def row_keys(table: pa.Table, columns: Sequence[str], seen: dict[tuple, int]) -> list[tuple]:
    """The key of each row: its values, and the how manieth row with these it is.

    Args:
      table: The rows.
      columns: The key's columns.
      seen: How many rows had each key before; is updated.
    """
    keys = []
    for values in zip(*(table[name].to_pylist() for name in columns), strict=True):
        number = seen.get(values, 0)
        seen[values] = number + 1
        keys.append((*values, number))
    return keys


def differing(old: pa.Array, new: pa.Array) -> np.ndarray:
    """Which values differ, of equally many; shape `(n,)`. Two nulls are the same, and two NaNs.

    Nested values are compared as wholes, by their flattened children. Values of different types
    are compared as Python has them.
    """
    old, new = _decoded(old), _decoded(new)
    if old.type != new.type:
        pairs = zip(old.to_pylist(), new.to_pylist(), strict=True)
        return np.fromiter((a != b for a, b in pairs), bool, len(old))
    nulls = [np.asarray(array.is_null()) for array in (old, new)]
    both = ~nulls[0] & ~nulls[1]
    return (nulls[0] != nulls[1]) | (_values_differ(old, new, both) & both)


def _decoded(array: pa.Array) -> pa.Array:
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _values_differ(old: pa.Array, new: pa.Array, both: np.ndarray) -> np.ndarray:
    if pa.types.is_struct(old.type):
        found = np.zeros(len(old), bool)
        for index in range(old.type.num_fields):
            found |= differing(old.field(index), new.field(index))
        return found
    if pa.types.is_list(old.type) or pa.types.is_large_list(old.type):
        return _lists_differ(old, new, both)
    equal = np.asarray(pc.equal(old, new).fill_null(True))
    if pa.types.is_floating(old.type):
        nan = [np.asarray(pc.is_nan(array).fill_null(False)) for array in (old, new)]
        equal = equal | (nan[0] & nan[1])
    return ~equal


def _lists_differ(old: pa.Array, new: pa.Array, both: np.ndarray) -> np.ndarray:
    """Lists of other lengths differ; children of the others are compared all at once."""
    lengths = [np.asarray(pc.list_value_length(array).fill_null(0)) for array in (old, new)]
    found = lengths[0] != lengths[1]
    rows = np.flatnonzero(both & ~found)
    taken = pa.array(rows)
    child = differing(old.take(taken).flatten(), new.take(taken).flatten())
    found[np.repeat(rows, lengths[0][rows])[child]] = True
    return found


def compare_rows(old: pa.Table, new: pa.Table) -> Mapping[str, np.ndarray]:
    """Of equally many rows of both, which differ in each column that both have; shape `(n,)`."""
    return {
        name: differing(old[name], new[name])
        for name in old.column_names
        if name in new.column_names
    }
