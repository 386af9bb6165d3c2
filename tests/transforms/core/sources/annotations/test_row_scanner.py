"""The scanner of usual rows against Arrow's reader and Python's own numbers."""

import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from transforms.core.base.errors import UsageError
from transforms.core.base.lines import Block
from transforms.core.sources.annotations import open_images, row_scanner
from transforms.core.sources.annotations.open_images import BOXES, LABELS
from transforms.core.sources.annotations.row_scanner import Field, scan_rows

ROW = [Field.KEY, Field.SKIPPED, Field.TERM, Field.NUMBER, Field.FLAG]
USUAL = "000002b66c9c498e,anything,/m/01g317,0.0125,-1"
KEY = USUAL[:16]


def scan(text, fields=ROW):
    return scan_rows(Block.of(text.encode()), fields)


@pytest.mark.parametrize("text", [USUAL, f"{USUAL}\n", f"{USUAL}\n{USUAL.replace('-1', '1')}\n"])
def test_usual_rows_are_scanned(text):
    keys, terms, numbers, flags = scan(text)
    assert keys.to_pylist() == [KEY] * len(text.splitlines())
    assert set(terms.to_pylist()) == {"/m/01g317"}
    assert set(numbers.to_pylist()) == {0.0125}
    assert flags.to_pylist() == [-1, 1][: len(keys)]


@pytest.mark.parametrize(
    ("usual", "odd"),
    [
        (KEY, KEY.upper()),
        (KEY, KEY[1:]),
        (KEY, f"{KEY}0"),
        (KEY, "g" + KEY[1:]),
        (KEY, ""),
        ("anything", '"any,thing"'),
        ("anything", "é"),
        ("anything", "a\tb"),
        ("/m/01g317", ""),
        ("/m/01g317", "/m/01g3é"),
        ("/m/01g317", '"/m/01g317"'),
        ("0.0125", "1.25e-2"),
        ("0.0125", ".0125"),
        ("0.0125", "1."),
        ("0.0125", "+1"),
        ("0.0125", " 1"),
        ("0.0125", "01"),
        ("0.0125", "nan"),
        ("0.0125", ""),
        ("0.0125", "-"),
        ("0.0125", "0.123456789012345"),
        (",-1", ",2"),
        (",-1", ",-0"),
        (",-1", ",01"),
        (",-1", ","),
        (",-1", ""),
        (",-1", ",-1,"),
        (",-1", ",-1\r"),
        (",-1", ",-1\n"),
        (",-1", ",-1\0"),
    ],
)
def test_a_block_with_an_unusual_row_is_left_to_the_general_reader(usual, odd):
    assert scan(f"{USUAL}\n{USUAL}\n") is not None
    assert scan(f"{USUAL}\n{USUAL.replace(usual, odd)}\n") is None


@settings(max_examples=300, deadline=None)
@given(st.from_regex(r"\A-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,14})?\Z"))
@example("-0")
@example("-0.0")
@example("0.00000000000001")
@example("999999999999999")
def test_numbers_are_pythons_bit_for_bit(text):
    found = scan(f"{KEY},{text}", [Field.KEY, Field.NUMBER])
    if sum(character.isdigit() for character in text) > 15:
        assert found is None
        return
    (value,) = found[1].to_numpy()
    assert np.float64(value).tobytes() == np.float64(float(text)).tobytes()


TERMS = st.text(st.sampled_from("/ab "), min_size=1, max_size=19)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(TERMS, TERMS), min_size=1, max_size=60))
def test_terms_of_any_length_are_told_apart(rows):
    text = "".join(f"{KEY},{first},{second}\n" for first, second in rows)
    _, *columns = scan(text, [Field.KEY, Field.TERM, Field.TERM])
    for column, wanted in zip(columns, zip(*rows, strict=True), strict=True):
        assert column.to_pylist() == list(wanted)
        assert column.dictionary.to_pylist() == list(dict.fromkeys(wanted))


def test_very_many_terms_are_left_to_the_general_reader():
    most = row_scanner._MOST_TERMS
    text = "".join(f"{KEY},{number}\n" for number in range(most + 1))
    fields = [Field.KEY, Field.TERM]
    assert scan(text, fields) is None
    _, terms = scan(text[: text.rindex(KEY)], fields)
    assert terms.to_pylist() == [str(number) for number in range(most)]


def read(kind, header, rows):
    data = f"{header}\n{rows}".encode()
    source = open_images.read_header("file.csv", kind, lambda: io.BytesIO(data))
    return open_images.read_block(source, 0, len(data))


def both(kind, header, rows):
    """What is read with the scanner and without it: rows or a message."""
    found = []
    for scanner in (scan_rows, lambda block, fields: None):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(open_images, "scan_rows", scanner)
            try:
                batch = read(kind, header, rows)
            except UsageError as error:
                found.append(str(error))
                continue
        plain = [c.cast(pa.string()) if pa.types.is_dictionary(c.type) else c for c in batch]
        rows_read = pa.RecordBatch.from_arrays(plain, names=batch.schema.names)
        found.append([(name, repr(rows_read[name].to_pylist())) for name in batch.schema.names])
    return found


def values(*usual):
    odd = st.sampled_from(
        ["", "1e-3", " 1", "1 ", "nan", "inf", "-0", "-0.0", "01", ".5", "5.", '"a"', 'a"b', "x\r"]
        + ["-1", "2", "0.1234567890123456", "ABCDEF0123456789", "a" * 17, "é", "\0", "a,b", "+1"]
    )
    return st.one_of(st.sampled_from(usual), st.sampled_from(usual), st.sampled_from(usual), odd)


def rows_of(*columns):
    rows = st.lists(st.tuples(*columns).map(",".join), max_size=5)
    ends = st.sampled_from(["\n", "\n", "\n", "\r\n", "\n\n"])
    return st.tuples(rows, ends, st.booleans()).map(
        lambda found: found[1].join(found[0]) + (found[1] if found[2] else "")
    )


LABEL_ROWS = rows_of(
    st.sampled_from([KEY, KEY, KEY, "00ff", KEY.upper()]),
    values("machine", "verification"),
    values("/m/01", "/m/02"),
    values("0", "1", "0.5"),
)
BOX_ROWS = rows_of(
    st.sampled_from([KEY, "ffffffffffffffff"]),
    st.just("xclick"),
    st.just("/m/01"),
    *[values("0", "0.25", "1", "0.123456")] * 4,
    values("0", "1", "-1"),
)


@settings(max_examples=300, deadline=None)
@given(LABEL_ROWS)
def test_labels_with_and_without_the_scanner(rows):
    scanned, general = both(LABELS, "ImageID,Source,LabelName,Confidence", rows)
    assert scanned == general


@settings(max_examples=300, deadline=None)
@given(BOX_ROWS)
def test_boxes_with_and_without_the_scanner(rows):
    header = "ImageID,Source,LabelName,XMin,XMax,YMin,YMax,IsGroupOf"
    scanned, general = both(BOXES, header, rows)
    assert scanned == general


def test_the_published_form_is_scanned():
    header = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated"
    batch = read(BOXES, header, f"{KEY},xclick,/m/01,1,0.012500,0.195312,0.148438,0.587500,0,1\n")
    assert pa.types.is_dictionary(batch["class_id"].type)
    assert batch["x_max"].to_pylist() == [0.195312]
    assert batch["is_truncated"].to_pylist() == [True]
    assert batch["is_inside"].to_pylist() == [None]
