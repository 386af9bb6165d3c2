"""Arrow columns: types that all tables share, and their values as arrays."""

import numpy as np
import pyarrow as pa

TERM = pa.dictionary(pa.int32(), pa.string())
"""A string from a small vocabulary: class ids, names, sources."""


def list_of(value_type: pa.DataType) -> pa.ListType:
    """A list whose child is named `element`, as the Parquet format standardises it."""
    return pa.list_(pa.field("element", value_type))


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
