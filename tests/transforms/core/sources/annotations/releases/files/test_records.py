"""Records end where Python's `csv` ends them; an open quote takes no more than its line."""

import csv
import io

import hypothesis
import numpy as np
from hypothesis import strategies as st

from tests.transforms.core.sources.annotations.releases.packing import array
from transforms.core.sources.annotations.releases.files import records
from transforms.core.sources.annotations.releases.files.records import line_ends, record_ends

MESS = st.text('ab",\n\n"', max_size=40)
"""Text in which quotes stand anywhere."""

VALUES = st.lists(st.tuples(*[st.text('a",\n\r é', max_size=8)] * 3), min_size=1, max_size=8)


def cut(text, columns, **more):
    data = text.encode()
    ends = record_ends(array(data), columns, more.get("is_end", True)).tolist()
    return [data[begin:end].decode() for begin, end in zip([0, *ends], ends, strict=False)]


@hypothesis.given(VALUES)
def test_what_csv_writes_is_cut_into_its_rows(rows):
    file = io.StringIO(newline="")
    csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    found = cut(file.getvalue(), 3)
    assert [next(csv.reader(io.StringIO(text, newline=""))) for text in found] == [
        list(row) for row in rows
    ]


@hypothesis.given(MESS, st.integers(1, 3))
def test_all_is_cut_and_a_record_of_several_lines_fits(text, columns):
    found = cut(text, columns)
    assert "".join(found) == text
    for record in found:
        lines = record.removesuffix("\n")
        if "\n" in lines:  # what is no record of the file has one line
            (row,) = csv.reader(io.StringIO(record, newline=""))
            assert len(row) == columns


@hypothesis.given(MESS, st.integers(1, 3), st.integers(0, 40))
def test_where_records_end_depends_on_their_beginning_alone(text, columns, size):
    """As pieces are cut: what is not complete is read again with more behind it."""
    data, ends, at, end = text.encode(), [], 0, 0
    while at < len(data):
        end = min(len(data), end + max(1, size))
        found = record_ends(array(data[at:end]), columns, end == len(data)).tolist()
        ends += [at + place for place in found]
        at = ends[-1] if found else at
    assert ends == record_ends(array(data), columns, True).tolist()


def test_an_open_quote_costs_one_line():
    rows = [f"{number},title {number}\n" for number in range(6)]
    rows[2] = '2,"title\n'
    assert cut("".join(rows), 2) == rows
    rows[4] = '4,a "title" of it\n'  # a quote within a value is a character
    assert cut("".join(rows), 2) == rows


def test_a_quote_stays_open_for_so_many_bytes(monkeypatch):
    monkeypatch.setattr(records, "MOST_OPEN", 50)
    short, long = '1,"a\n' + "b" * 20 + '"\n', '1,"a\n' + "b\n" * 40 + '"\n'
    assert cut(short, 2) == [short]
    assert cut(long, 2)[:2] == ['1,"a\n', "b\n"]


def test_lines_end_with_line_ends_or_the_data():
    assert line_ends(array(b"a\r\n\nb")).tolist() == [3, 4, 5]
    assert line_ends(np.zeros(0, np.uint8)).tolist() == []
