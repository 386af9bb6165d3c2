"""Documents of one JSON value: records found by structure are those that a JSON parser finds."""

import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.core.sources.captions.documents import cutting
from transforms.core.sources.captions.documents.cutting import (
    cut_document,
    read_piece,
    starts_of_pieces,
)
from transforms.core.sources.captions.documents.scanner import BrokenDocument, Scanner

TEXTS = st.text(st.sampled_from(list('ab"\\{}[],:\n é\u2028\U0001f600')), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.lists(VALUES, max_size=6)


@st.composite
def documents(draw):
    """A document, the key of its list, and the list."""
    records, key = draw(RECORDS), draw(st.sampled_from([None, "annotations"]))
    document = records
    if key:
        others = {name: draw(VALUES) for name in draw(st.sets(st.sampled_from(["images", "x"])))}
        document = {**others, key: records, "info": draw(VALUES)}
    text = json.dumps(
        document, indent=draw(st.sampled_from([None, 1])), ensure_ascii=draw(st.booleans())
    )
    mark = draw(st.sampled_from(["", "\ufeff", "\n "]))
    return (mark + text + draw(st.sampled_from(["", "\r\n"]))).encode(), key, records


def records_of(pieces):
    lines = [line for piece in pieces for line in piece.block.data.tobytes().split(b"\n")]
    return [json.loads(line) for line in lines if line.strip()]


@settings(max_examples=150, deadline=None)
@given(documents(), st.integers(1, 60))
def test_pieces_hold_the_records_and_cover_the_document(document, piece_bytes):
    data, key, records = document
    starts = starts_of_pieces(io.BytesIO(data), key, piece_bytes)
    pieces = list(cut_document(io.BytesIO(data), key, piece_bytes))
    assert [piece.start for piece in pieces] == starts
    assert records_of(pieces) == records
    assert [piece.last for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    ends = [*starts[1:], len(data)]
    for piece, start, end in zip(pieces, starts, ends, strict=True):
        again = read_piece(io.BytesIO(data), key, start, end, end == len(data))
        assert piece.block.size == end - start and again.records == piece.records
        assert bytes(again.block.padded) == bytes(piece.block.padded)
        assert again.block.crc32c == piece.block.crc32c
        held = piece.block.original
        assert data[piece.records : piece.records + len(held)] == held or not held


@settings(max_examples=60, deadline=None)
@given(documents(), st.data())
def test_wherever_it_is_cut_into_buffers_or_short_is_told(document, data):
    text, key, _ = document
    whole, parted = Scanner(key), Scanner(key)
    expected = np.frombuffer(text, np.uint8).copy()
    found = whole.scan(expected).tolist()
    for cut in range(len(text)):
        scanner = Scanner(key)
        parts = [np.frombuffer(part, np.uint8).copy() for part in (text[:cut], text[cut:])]
        assert [at for part in parts for at in scanner.scan(part).tolist()] == found
        assert bytes(np.concatenate(parts)) == bytes(expected)
        assert (scanner.first, scanner.last) == (whole.first, whole.last)
    cut = data.draw(st.integers(0, len(text.rstrip()) - 1))
    parted.scan(np.frombuffer(text[:cut], np.uint8).copy())
    with pytest.raises(BrokenDocument, match=f"is cut short at byte {cut:,}|is empty"):
        parted.finish()


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        ("[1,,2]", None, "corrupt at byte 3: a comma without a record"),
        ("[1,]", None, "corrupt at byte 3: a comma without a record"),
        ("[{]", None, "corrupt at byte 2: a bracket closes"),
        ("[1] 2", None, "corrupt at byte 4: something stands behind"),
        ("{}", None, "corrupt at byte 0: the value is neither"),
        ("[]", "a", "corrupt at byte 0: the value is neither"),
        ('{"b": [1]}', "a", "corrupt at byte 9: the object has no list `a`"),
        ('{"a": 1}', "a", "corrupt at byte 6: the value of `a` is no list"),
        ('{"a": [1], "a": []}', "a", "corrupt at byte 14: the object has `a` twice"),
        ("[" * 600, None, "corrupt at byte 512: brackets are nested"),
        ("", None, "is empty"),
        ('{"a": [{"x": "]}', "a", "cut short at byte 16"),
    ],
)
def test_a_broken_structure_is_told_with_its_byte(text, key, message):
    with pytest.raises(BrokenDocument, match=message):
        starts_of_pieces(io.BytesIO(text.encode()), key, 8)


def test_a_record_that_is_too_long_ends_it(monkeypatch):
    monkeypatch.setattr(cutting, "MAX_LINE_BYTES", 50)
    with pytest.raises(BrokenDocument, match="a record of more than 50 bytes at byte 3"):
        starts_of_pieces(io.BytesIO(b'[1, "' + b"x" * 60 + b'"]'), None, 8)
    assert starts_of_pieces(io.BytesIO(b'{"b": "' + b"x" * 90 + b'", "a": []}'), "a", 8) == [0]
