"""Rows are read at once or one by one with the same result, and bad ones are values."""

import hypothesis
import pytest
from hypothesis import strategies as st

from tests.transforms.core.sources.annotations.releases.packing import DATA, array, parse
from transforms.core.sources.annotations.releases.files import rows
from transforms.core.sources.annotations.releases.files.columns import COLUMNS
from transforms.core.sources.annotations.releases.files.pieces import ends_of
from transforms.core.sources.annotations.releases.files.records import line_ends
from transforms.core.sources.annotations.releases.files.rows import (
    _parse_one_by_one,
    _parse_wide_one_by_one,
    parse_records,
    parse_wide,
)
from transforms.core.sources.annotations.releases.forms import form_of
from transforms.core.sources.annotations.releases.schemas import TABLES

REAL = sorted(DATA.glob("v3/*/*.csv")) + sorted(DATA.glob("v6/*.csv"))


def read(path):
    data = path.read_bytes()
    form = form_of(path.name, data, "v3")
    body = data[data.index(b"\n") + 1 :] if form.header else data
    return body, form


@pytest.mark.parametrize("path", REAL, ids=lambda path: "/".join(path.parts[-3:]))
def test_real_files_are_read_at_once_as_one_by_one(path, monkeypatch):
    data, form = read(path)
    ends = ends_of(array(data), form)
    slow = _parse_one_by_one(array(data), ends, form)
    with monkeypatch.context() as patch:
        patch.setattr(rows, "_parse_one_by_one", None)
        fast = parse_records(array(data), ends, form)
    assert fast.rows.to_pylist() == slow.rows.to_pylist()
    assert (fast.bad, fast.blank) == (slow.bad, slow.blank) == ([], 0)
    assert len(fast.rows) == len(data.splitlines())


@hypothesis.given(st.text('ab,"\n\r "', max_size=30))
@hypothesis.example('a,"\n\n')  # open to the end, and Arrow would close it
@hypothesis.example('\na,"b')
@hypothesis.example("a,b\rc,d\n")
def test_whatever_quotes_and_line_ends_there_are_both_ways_agree(text):
    form = form_of("class-descriptions.csv", b"", "v3")
    data = text.encode()
    ends = ends_of(array(data), form)
    slow = _parse_one_by_one(array(data), ends, form)
    found = parse_records(array(data), ends, form)
    assert found.rows.to_pylist() == slow.rows.to_pylist()
    assert (found.bad, found.blank) == (slow.bad, slow.blank)
    assert len(found.rows) + len(found.bad) + found.blank == len(ends)


BOXES = form_of(
    "boxes.csv", b"ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsInside", "v3"
)
GOOD = "0001eeaf4aed83f9,xclick,/m/0cmf2,1,0.02,0.96,0.07,0.8,-1\n"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("0001eeaf4aed83f9,xclick,/m/0cmf2,1,0.02,0.96,0.07\n", "wrong_columns"),
        ("0001eeaf4aed83f9,xclick,/m/0cmf2,1,0.02,0.96,0.07,0.8,0,0\n", "wrong_columns"),
        ("0001eeaf4aed83f9,xclick,/m/0cmf2,1,left,0.96,0.07,0.8,0\n", "bad_value"),
        ("0001eeaf4aed83f9,xclick,/m/0cmf2,1,nan,0.96,0.07,0.8,0\n", "bad_value"),
        ("0001eeaf4aed83f9,xclick,/m/0cmf2,1,1_0,0.96,0.07,0.8,0\n", "bad_value"),
        (",xclick,/m/0cmf2,1,0.02,0.96,0.07,0.8,0\n", "bad_value"),
        ("0001eeaf4aed83f9,xclick,/m/0cmf2,1,0.02,0.96,0.07,0.8,2\n", "bad_value"),
        ("0001eeaf4aed83f9,xclick,,1,0.02,0.96,0.07,0.8,0\n", "bad_value"),
        ('0001eeaf4aed83f9,xclick,"/m/0cmf2,1,0.02,0.96,0.07,0.8,0\n', "open_quote"),
        (f"{'0' * 300},xclick,/m/0cmf2,1,0.02,0.96,0.07,0.8,0\n", "bad_value"),
        ("0001eeaf4aed83f9,x\rclick,/m/0cmf2,1,0.02,0.96,0.07,0.8,0\n", "not_csv"),
    ],
)
def test_a_bad_row_is_rejected_and_the_others_are_kept(line, code):
    data = (GOOD + line + "\n" + GOOD).encode()
    ends = ends_of(array(data), BOXES)
    found, bad, blank = parse(data, ends, BOXES)
    assert (len(found), bad, blank) == (2, [(1, code)], 1)
    assert (
        found[0] == found[1] == parse(GOOD.encode(), line_ends(array(GOOD.encode())), BOXES)[0][0]
    )
    assert found[0]["is_inside"] == -1


def test_one_bad_row_among_many_costs_those_round_it_alone(monkeypatch):
    """The first bytes of a file may be a byte order mark, which is no part of its first value."""
    lines = [f"{number:016x},xclick,/m/{number % 7},1,0.02,0.96,0.07,0.8,0\n"
             for number in range(10_000)]  # fmt: skip
    lines[2_500], lines[7_777] = lines[2_500].replace("0.02", "?"), "\n"
    data = b"\xef\xbb\xbf" + "".join(lines).encode()
    ends, calls = ends_of(array(data), BOXES), []
    slow = _parse_one_by_one

    def counted(*arguments):
        calls.append(len(arguments[1]))
        return slow(*arguments)

    monkeypatch.setattr(rows, "_parse_one_by_one", counted)
    found = parse_records(array(data), ends, BOXES)
    assert calls == [rows.FEW]
    expected = slow(array(data), ends, BOXES)
    assert found.rows.to_pylist() == expected.rows.to_pylist() and len(found.rows) == 9_998
    assert (found.bad, found.blank) == (expected.bad, expected.blank)
    assert found.bad[0].record == 2_500 and found.rows["image_id"][0].as_py() == "0" * 16


def test_bytes_that_are_not_utf8_are_rejected():
    data = GOOD.encode() + GOOD.replace("xclick", "\xff").encode("latin-1")
    _, bad, _ = parse(data, ends_of(array(data), BOXES), BOXES)
    assert bad == [(1, "not_utf8")]


def test_names_keep_entities_scripts_and_quoted_line_breaks():
    header = b"ImageID,OriginalURL,Author,Title\n"
    form = form_of("images.csv", header, "v1")
    titles = ["&quot;Caf&eacute;&quot;", 'say "hi", twice', "a\nb\r\nc", "Ελλάδα 日本 العربية", ""]
    lines = [f'{number:016x},u,,"{title.replace(chr(34), chr(34) * 2)}"\n'
             for number, title in enumerate(titles)]  # fmt: skip
    data = "".join(lines).encode()
    found, bad, _ = parse(data, ends_of(array(data), form), form)
    assert [row["title"] for row in found] == [*titles[:-1], None]
    assert bad == [] and found[0]["author"] is None


def test_labels_of_the_first_revision_stand_in_one_line_an_image():
    """The example of the official page of 30 September 2016, its line joined."""
    data = b"000060e3121c7305,0.9:/m/05wrt,0.9:/m/06ht1,0.5:/m/01s105\n1f,x:/m/1,:\n2f\n"
    parsed = parse_wide(array(data), ends_of(array(data), form_of("labels.csv", b"", "v1")))
    assert parsed.rows.to_pylist() == [
        {"image_id": "000060e3121c7305", "class_id": label, "confidence": confidence}
        for label, confidence in (("/m/05wrt", 0.9), ("/m/06ht1", 0.9), ("/m/01s105", 0.5))
    ]
    assert [bad[:2] for bad in parsed.bad] == [(1, "bad_value"), (1, "bad_value")]
    assert parsed.blank == 1


@hypothesis.given(
    st.lists(
        st.tuples(
            st.sampled_from(["1f", "2f", "", " "]),
            st.lists(st.sampled_from(["0.9:/m/a", "1:/m/b", "0:x", "?:c", ":", "", "0.5:a:b"])),
        )
    )
)
def test_lines_of_labels_are_read_at_once_as_one_by_one(lines):
    """A conservation law of its own: an entry a row or bad, a line without any blank."""
    data = "".join(",".join([image, *entries]) + "\r\n" for image, entries in lines).encode()
    ends = ends_of(array(data), form_of("labels.csv", b"", "v1"))
    found, slow = parse_wide(array(data), ends), _parse_wide_one_by_one(array(data), ends)
    assert found.rows.to_pylist() == slow.rows.to_pylist()
    assert (found.bad, found.blank) == (slow.bad, slow.blank)
    counted = sum(max(1, len(entries)) for _, entries in lines)
    assert len(found.rows) + len(found.bad) + found.blank == counted


def test_every_kind_fills_columns_of_its_table():
    for kind, columns in COLUMNS.items():
        assert {column.target for column in columns} <= set(TABLES[kind].names)
        for column in columns:
            assert TABLES[kind].field(column.target).type == column.type
