"""Arrow columns: types that all tables share, and their values as arrays."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

TERM = pa.dictionary(pa.int32(), pa.string())
"""A string from a small vocabulary: class ids, names, sources."""


SCHEMA_VERSION = "2"
"""Version of the tables' form: raised when a column is renamed, moved, left out or means another
thing. One that is added leaves it as it is."""

PUBLISHED = "Localized Narratives"
ANNOTATIONS = "Open Images or COCO"
OPEN_IMAGES = "Open Images"
COMPUTED = "computed"
RUN = "the run"
"""Where values of columns are from: what is published, or what this program found."""

WIDTHS, HEIGHTS = "image widths", "image heights"
"""Units of normalised coordinates, from the image's upper left corner."""

CORNERS = ("x_min", "y_min", "x_max", "y_max")
"""Columns of a box, in their order in every table."""


def column(
    name: str,
    type_: pa.DataType,
    description: str,
    unit: str = "",
    source: str = "",
    required: bool = False,
) -> pa.Field:
    """A column with what it means, which Parquet files keep as the field's metadata.

    Args:
      name: Its name.
      type_: Its type.
      description: What its values are.
      unit: What they are counted or measured in; empty where they are not.
      source: Where they are from; empty in a struct or list: as of the column that it is in.
      required: Whether it never is null.

    >>> column("n", pa.int64(), "narratives", required=True).metadata
    {b'description': b'narratives'}
    """
    told = {"description": description, "unit": unit, "source": source}
    metadata = {key: value for key, value in told.items() if value}
    return pa.field(name, type_, nullable=not required, metadata=metadata)


def term(name: str, description: str, **more: Any) -> pa.Field:
    """A column of terms; further arguments as of `column`."""
    return column(name, TERM, description, **more)


def corner_columns(form: str, whose: str, source: str = "") -> list[pa.Field]:
    """The four columns of a box, in normalised coordinates.

    Args:
      form: Their names, with `{}` for the corner.
      whose: What the box is of, for their descriptions.
      source: As of `column`.
    """
    sides = {"x_min": "left", "y_min": "upper", "x_max": "right", "y_max": "lower"}
    return [
        column(
            form.format(corner),
            pa.float64(),
            f"{sides[corner]} edge of {whose}",
            WIDTHS if corner[0] == "x" else HEIGHTS,
            source,
        )
        for corner in CORNERS
    ]


class ColumnDescription(NamedTuple):
    """What is declared of a column, or of a part of one.

    Attributes:
      path: Its name; of a part with those around it, `[]` for a list's elements.
      field: The column.
      description: What its values are.
      unit: What they are counted or measured in; empty where they are not.
      source: Where they are from.
    """

    path: str
    field: pa.Field
    description: str
    unit: str
    source: str


def describe_columns(schema: pa.Schema) -> list[ColumnDescription]:
    """All columns and, each behind its own, the parts of structs.

    >>> parts = pa.struct([column("x", pa.float32(), "place", "m")])
    >>> boxes = column("boxes", list_of(parts), "what there is", source="here")
    >>> [(found.path, found.unit, found.source) for found in describe_columns(pa.schema([boxes]))]
    [('boxes', '', 'here'), ('boxes[].x', 'm', 'here')]
    """
    return [found for field in schema for found in _describe(field, "", "")]


def _describe(field: pa.Field, prefix: str, source: str) -> Iterator[ColumnDescription]:
    told = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
    source = told.get("source", source)
    path = f"{prefix}{field.name}"
    yield ColumnDescription(path, field, told.get("description", ""), told.get("unit", ""), source)
    type_, inner = field.type, f"{path}."
    if pa.types.is_list(type_):
        type_, inner = type_.value_type, f"{path}[]."
    for part in type_ if pa.types.is_struct(type_) else ():
        yield from _describe(part, inner, source)


def list_of(value_type: pa.DataType) -> pa.ListType:
    """A list whose child is named `element`, as the Parquet format standardises it."""
    return pa.list_(pa.field("element", value_type))


def sorted_by(schema: pa.Schema) -> list[str]:
    """Columns by which a table's rows are sorted, as its metadata say; none where they do not.

    >>> sorted_by(pa.schema([("a", pa.int8())], {"sorted_by": "a"})), sorted_by(pa.schema([]))
    (['a'], [])
    """
    return names_in(schema, b"sorted_by")


def names_in(schema: pa.Schema, entry: bytes) -> list[str]:
    """Columns that an entry of a schema's metadata names, by commas between them."""
    names = (schema.metadata or {}).get(entry, b"").decode()
    return names.split(",") if names else []


def empty_batch(schema: pa.Schema) -> pa.RecordBatch:
    """A batch of this schema with no rows."""
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)


def set_columns(batch: pa.RecordBatch, **columns: pa.Array | np.ndarray) -> pa.RecordBatch:
    """A batch with these columns appended or replaced, the others shared."""
    for name, column in columns.items():
        array = column if isinstance(column, pa.Array) else pa.array(column)
        at = batch.schema.get_field_index(name)
        batch = batch.append_column(name, array) if at < 0 else batch.set_column(at, name, array)
    return batch


def list_array(offsets: np.ndarray, values: pa.Array) -> pa.ListArray:
    """A list column over flat `values`; `offsets` has shape `(n_rows + 1,)`."""
    return pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32()), values, type=list_of(values.type)
    )


def unpack(column: pa.ListArray) -> tuple[np.ndarray, pa.Array]:
    """A list column's offsets, shape `(n_rows + 1,)` from 0, and its flat values."""
    offsets = column.offsets.to_numpy()
    first, end = (int(offsets[0]), int(offsets[-1])) if len(offsets) else (0, 0)
    return offsets - first, column.values.slice(first, end - first)


def as_type(column: pa.Array, type_: pa.DataType) -> pa.Array:
    """A column as another type, strings as terms where that is one."""
    if column.type == type_:
        return column
    if pa.types.is_dictionary(type_) and not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    return column.cast(type_)


def numbers(array: pa.Array) -> np.ndarray:
    """A numeric column without nulls as a numpy view."""
    return array.to_numpy(zero_copy_only=not pa.types.is_boolean(array.type))


def reduce_rows(ufunc: np.ufunc, values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Minimum or maximum of each row's values, NaN where a row has none."""
    result = np.full(len(offsets) - 1, np.nan)
    filled = np.flatnonzero(np.diff(offsets))
    if len(filled):
        result[filled] = ufunc.reduceat(values, offsets[filled])
    return result


def term_codes(column: pa.DictionaryArray) -> tuple[np.ndarray, list[str | None]]:
    """A column of terms as codes, shape `(n_rows,)` int64, and the values that they stand for.

    The last value is None and stands for null.
    """
    values = column.dictionary.to_pylist()
    codes = column.indices.fill_null(len(values)).to_numpy().astype(np.int64)
    return codes, [*values, None]


def dataset_splits(rows: pa.RecordBatch, whose: str = "dataset") -> tuple[list[tuple], np.ndarray]:
    """The distinct (dataset, split) pairs, and each row's position among them.

    Args:
      rows: With the column `split`.
      whose: The column of the datasets.
    """
    dataset_codes, datasets = term_codes(rows[whose])
    split_codes, splits = term_codes(rows["split"])
    found, pair_of_row = np.unique(dataset_codes * len(splits) + split_codes, return_inverse=True)
    pairs = [(datasets[code // len(splits)], splits[code % len(splits)]) for code in found]
    return pairs, pair_of_row
