"""Rows of fixed width as numpy records, for what lies on a disk between parsing and writing.

Most rows of an index by far are boxes and labels: a key of 16 hexadecimal digits in lower case,
terms, numbers and flags. Such a row is one record of the key as a number (whose order is that of
the digits), codes of terms, numbers and flags, so that rows of a bucket are read by one call and
need no decoding. Other rows go as Arrow IPC (`buckets.split_by_bucket`).
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.base.compiled import compiled
from transforms.core.model.columns import TERM
from transforms.core.sources.index.buckets import (
    KEY,
    FixedKeys,
    coded_schema,
    deal_out,
    encode_bucket,
    term_columns,
)

_DIGITS = 16
_HEX = np.array([f"{number:02x}" for number in range(256)], "S2")
_UNKNOWN = 2
_TYPES = {pa.float64(): "<f8", pa.bool_(): "i1"}
_CODES = ((1 << 7, "i1"), (1 << 15, "<i2"), (1 << 31, "<i4"))


def fits_records(schema: pa.Schema) -> bool:
    """Whether each of a table's columns has a fixed width."""
    return all(field.type == TERM or field.type in _TYPES for field in schema)


def record_type(schema: pa.Schema, terms: Mapping[str, pa.Array]) -> np.dtype:
    """The record of a table's row.

    Terms are codes, as narrow as there are values, and -1 for null; flags are 0, 1, or 2 for null.
    """
    types = [
        next(code for end, code in _CODES if len(terms[field.name]) <= end)
        if field.type == TERM
        else _TYPES[field.type]
        for field in schema
    ]
    return np.dtype([(KEY, "<u8"), *zip(schema.names, types, strict=True)])


def to_records(
    rows: pa.RecordBatch, schema: pa.Schema, buckets: int
) -> tuple[np.ndarray, np.ndarray, dict[str, pa.Array]] | None:
    """Rows as records in order of their buckets, None where a row does not fit into one.

    Returns:
      Records, shape `(n_rows,)`; where each bucket's begin, shape `(buckets + 1,)`; and of each
      column of terms what its codes stand for.
    """
    keys = FixedKeys.of(rows[KEY])
    if not fits_records(schema) or (numbers := hex_numbers(keys.matrix)) is None:
        return None
    if any(rows[field.name].null_count for field in schema if field.type == pa.float64()):
        return None
    columns = {name: rows[name] for name in schema.names}
    coded = {
        name: column if column.type == TERM else column.dictionary_encode()
        for name, column in columns.items()
        if name in term_columns(schema)
    }
    terms = {name: column.dictionary for name, column in coded.items()}
    columns |= {name: column.indices for name, column in coded.items()}
    order, bounds = deal_out(keys, buckets)
    records = np.empty(len(rows), record_type(schema, terms))
    records[KEY] = numbers[order]
    for name, column in columns.items():
        missing = _UNKNOWN if pa.types.is_boolean(column.type) else -1
        records[name] = _values(column, missing)[order]
    return records, bounds, terms


def _values(column: pa.Array, missing: int) -> np.ndarray:
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return (column.fill_null(missing) if column.null_count else column).to_numpy()


def hex_numbers(matrix: np.ndarray) -> np.ndarray | None:
    """Keys, shape `(n_keys, 16)` uint8, as uint64; None where one is not 16 lower-case digits.

    >>> hex_numbers(np.frombuffer(b"00000000000000ff", np.uint8).reshape(1, 16)).tolist()
    [255]
    """
    if matrix.shape[1] != _DIGITS:
        return None
    numbers = np.empty(len(matrix), np.uint64)
    return numbers if _parse_hex(matrix, numbers) else None


@compiled
def _parse_hex(matrix, numbers):
    right = True
    for i in range(len(matrix)):
        number = np.uint64(0)
        for k in range(_DIGITS):
            character = np.int64(matrix[i, k])
            digit = character - 48 if character < 97 else character - 87
            right &= bool((0 <= digit < 16) and (digit < 10 or character >= 97))
            number = (number << np.uint64(4)) | np.uint64(digit & 15)
        numbers[i] = number
    return right


def hex_digits(numbers: np.ndarray) -> np.ndarray:
    """The inverse of `hex_numbers`, shape `(n_keys,)` of byte strings.

    >>> hex_digits(np.array([255], np.uint64)).tolist()
    [b'00000000000000ff']
    """
    pairs = np.ascontiguousarray(_HEX[numbers.astype(">u8").view(np.uint8)])
    return pairs.view(f"S{_DIGITS}")


def codes_of(terms: Mapping[str, pa.Array], known: Mapping[str, Sequence[str]]) -> dict:
    """By column, the codes among the `known` terms of a part's own codes; the last is for -1."""
    return {
        name: np.r_[pc.index_in(own, value_set=pa.array(known[name], pa.string())), -1].astype("i4")
        for name, own in terms.items()
    }


def build_from_records(
    pieces: Sequence[np.ndarray], codes: Sequence[Mapping[str, np.ndarray]], schema: pa.Schema
) -> tuple[bytes, int, int]:
    """As `buckets.build_bucket`, from records.

    Args:
      pieces: Records of this bucket, in the order of the sources.
      codes: Of each piece, by column of terms, what to write for a code (`codes_of`).
      schema: The table's columns, without the key.
    """
    keys = np.concatenate([piece[KEY] for piece in pieces])
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    columns = []
    for field in schema:
        parts = [piece[field.name] for piece in pieces]
        if field.type == TERM:
            parts = [own[field.name][part] for own, part in zip(codes, parts, strict=True)]
        columns.append(_column(field, np.concatenate(parts)[order]))
    data = encode_bucket(hex_digits(ordered[starts]), np.r_[starts, len(order)], columns, schema)
    return data, len(order), len(starts)


def _column(field: pa.Field, values: np.ndarray) -> pa.Array:
    """A column of records; under a null there is 0, as where Arrow takes rows."""
    if field.type == pa.float64():
        return pa.array(values)
    missing = values < 0 if field.type == TERM else values == _UNKNOWN
    known = values if field.type == TERM else values == 1
    if not missing.any():
        return pa.array(known)
    return pa.array(np.where(missing, known.dtype.type(0), known), mask=missing)


def to_rows(
    records: np.ndarray, terms: Mapping[str, pa.Array], schema: pa.Schema
) -> pa.RecordBatch:
    """Records as rows, where others of their bucket are not records."""
    keys = [key.decode() for key in hex_digits(records[KEY]).tolist()]
    columns: dict[str, pa.Array] = {KEY: pa.array(keys, pa.string())}
    for field in schema:
        column = _column(field, records[field.name])
        if field.name in term_columns(schema):
            column = pa.DictionaryArray.from_arrays(column, terms[field.name])
        columns[field.name] = column
    return pa.RecordBatch.from_pydict(columns, schema=coded_schema(schema))
