"""COPY's text, read back by a loop that knows its rules, against the rows."""

import json

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.core.output.exports.copy_text import copy_text

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\"}


def read_back(text):
    """Rows of COPY's text format; a null is None."""
    for line in text.decode().split("\n")[:-1]:
        yield [None if field == "\\N" else _unescape(field) for field in line.split("\t")]


def _unescape(field):
    found, characters = [], iter(field)
    for character in characters:
        found.append(_ESCAPES[next(characters)] if character == "\\" else character)
    return "".join(found)


TEXTS = st.none() | st.text(max_size=8) | st.sampled_from(["\\N", "\\.", "\t\n\r\\", "\x1f\x00"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(TEXTS, st.none() | st.lists(TEXTS, max_size=3)), max_size=6))
def test_texts_and_lists_come_back(rows):
    column, lists = ([row[n] for row in rows] for n in (0, 1))
    batch = pa.RecordBatch.from_arrays(
        [pa.array(column, pa.string()), pa.array(lists, pa.list_(pa.string()))], ["a", "b"]
    )
    text, replaced = copy_text(batch)
    found = [[a, b and json.loads(b)] for a, b in read_back(text)]

    def clean(value):
        return value and value.replace("\x00", "\ufffd")

    assert found == [[clean(a), None if b is None else list(map(clean, b))] for a, b in rows]
    all_texts = [*column, *(value for values in lists for value in values or [])]
    assert replaced == sum(value.count("\x00") for value in all_texts if value)


def test_slices_structs_and_numbers():
    struct = pa.array([None, {"x": 0.1, "l": None}, {"x": None, "l": [True]}],
                      pa.struct([("x", pa.float32()), ("l", pa.list_(pa.bool_()))]))  # fmt: skip
    terms = pa.array(["a", "b", None]).dictionary_encode()
    batch = pa.RecordBatch.from_arrays([struct, terms], ["s", "t"])
    assert copy_text(batch.slice(1))[0] == (b'{"x":0.1,"l":null}\tb\n{"x":null,"l":[true]}\t\\N\n')
    assert copy_text(batch.slice(0, 0)) == (b"", 0)
