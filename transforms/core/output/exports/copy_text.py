r"""Rows in the text format of PostgreSQL's COPY, column by column.

A null is `\N`. Lists and structs are JSON; numbers in it have as many digits as tell them,
and those that JSON lacks are the texts `"NaN"`, `"Infinity"` and `"-Infinity"`, as `to_jsonb`
writes them.
PostgreSQL has no U+0000 in texts: U+FFFD stands in its place, and is counted.
"""

import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.model.columns import unpack

_NUL, _INSTEAD = "\x00", "\ufffd"
_ESCAPED = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_JSON_ESCAPED = {"\\": "\\\\", '"': '\\"', "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_OTHER_CONTROLS = {chr(code): f"\\u{code:04x}" for code in range(1, 32)}
_ANY_CONTROL = "[\x01-\x1f]"
_NOT_IN_JSON = {"nan": '"NaN"', "inf": '"Infinity"', "-inf": '"-Infinity"'}


def copy_text(rows: pa.RecordBatch) -> tuple[bytes, int]:
    r"""Rows as COPY reads them, and how many characters U+0000 were replaced.

    Args:
      rows: Any number of rows.

    Raises:
      TypeError: A column has a type that has no text.

    >>> lists = pa.array([["a", None], None])
    >>> copy_text(pa.RecordBatch.from_pydict({"n": [1, None], "t": ["a\tb", "\x00"], "l": lists}))
    (b'1\ta\\tb\t["a",null]\n\\N\t\xef\xbf\xbd\t\\N\n', 1)
    """
    if not len(rows):
        return b"", 0
    writer = _Writer()
    fields = [writer.field(column) for column in rows.columns]
    lines = pc.binary_join_element_wise(*fields, "\t")
    whole = pa.ListArray.from_arrays(pa.array([0, len(lines)], pa.int32()), lines)
    return pc.binary_join(whole, "\n")[0].as_buffer().to_pybytes() + b"\n", writer.replaced


class _Writer:
    """Texts of columns.

    Attributes:
      replaced: How many characters were replaced.
    """

    def __init__(self) -> None:
        self.replaced = 0

    def field(self, column: pa.Array) -> pa.StringArray:
        r"""A column's fields, of which none is null: `\N` stands for it."""
        column = _plain(column)
        if pa.types.is_nested(column.type):
            texts = _escape(self.json(column), {"\\": "\\\\"})  # JSON has the others escaped
            return pc.if_else(column.is_valid(), texts, "\\N")
        if _is_text(column.type):
            texts = _escape(self._clean(column), _ESCAPED)
        elif _is_binary(column.type):
            texts = _hexadecimal(column, "\\\\x")
        else:
            texts = column.cast(pa.string())
        return pc.fill_null(texts, "\\N")

    def json(self, column: pa.Array) -> pa.StringArray:
        """A column's values as JSON, of which none is null: `null` stands for it."""
        column = _plain(column)
        type_ = column.type
        if pa.types.is_struct(type_):
            texts = self._objects(column)
        elif pa.types.is_list(type_):
            texts = self._lists(column)
        elif _is_text(type_):
            texts = _quoted(_escape_json(self._clean(column)))
        elif pa.types.is_floating(type_):
            texts = _floats(column)
        elif pa.types.is_integer(type_) or pa.types.is_boolean(type_):
            texts = column.cast(pa.string())
        elif _is_binary(type_):
            texts = _quoted(_hexadecimal(column, "\\\\x"))
        elif pa.types.is_temporal(type_):
            texts = _quoted(column.cast(pa.string()))
        else:
            raise TypeError(f"values of the type {type_} have no JSON")
        return pc.if_else(column.is_valid(), texts, "null")

    def _objects(self, column: pa.StructArray) -> pa.StringArray:
        if not column.type.num_fields:
            return pa.array(["{}"] * len(column))
        parts: list = []
        for index, field in enumerate(column.type):
            name = _quoted(_escape_json(pa.array([field.name])))[0].as_py()
            parts += [f"{'{' if index == 0 else ','}{name}:", self.json(column.field(index))]
        return pc.binary_join_element_wise(*parts, "}", "")

    def _lists(self, column: pa.ListArray) -> pa.StringArray:
        column = pc.fill_null(column, []) if column.null_count else column
        offsets, values = unpack(column)
        texts = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), self.json(values))
        return pc.binary_join_element_wise("[", pc.binary_join(texts, ","), "]", "")

    def _clean(self, texts: pa.StringArray) -> pa.StringArray:
        found = pc.sum(pc.count_substring(texts, _NUL)).as_py() or 0
        self.replaced += found
        return pc.replace_substring(texts, _NUL, _INSTEAD) if found else texts


def _plain(column: pa.Array) -> pa.Array:
    """A column whose values stand in it; texts of the usual kind."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_null(column.type) or pa.types.is_large_string(column.type):
        column = column.cast(pa.string())
    return column


def _is_text(type_: pa.DataType) -> bool:
    return pa.types.is_string(type_)


def _is_binary(type_: pa.DataType) -> bool:
    return pa.types.is_binary(type_) or pa.types.is_large_binary(type_)


def _hexadecimal(column: pa.Array, head: str) -> pa.StringArray:
    return pa.array(
        [None if value is None else head + value.hex() for value in column.to_pylist()],
        pa.string(),
    )


def _escape(texts: pa.StringArray, escaped: dict[str, str]) -> pa.StringArray:
    for character, written in escaped.items():
        texts = pc.replace_substring(texts, character, written)
    return texts


def _escape_json(texts: pa.StringArray) -> pa.StringArray:
    texts = _escape(texts, _JSON_ESCAPED)
    if pc.any(pc.match_substring_regex(texts, _ANY_CONTROL)).as_py():
        texts = _escape(texts, _OTHER_CONTROLS)
    return texts


def _quoted(texts: pa.StringArray) -> pa.StringArray:
    return pc.binary_join_element_wise('"', texts, '"', "")


def _floats(column: pa.Array) -> pa.StringArray:
    texts = column.cast(pa.string())
    if pc.all(pc.is_finite(column)).as_py() is not False:
        return texts
    for text, written in _NOT_IN_JSON.items():
        texts = pc.if_else(pc.equal(texts, text), written, texts)
    return texts
