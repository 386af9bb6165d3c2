"""Records of a file to rows of its kind, and those that do not fit with the reason.

A block of good records is read by Arrow at once. Where it has a record that does not fit, or a
quote where there is none as published, the some thousand round it are read one by one by Python's
`csv`: slowly, and with the same result for every good one.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from transforms.core.base.errors import shown
from transforms.core.model.columns import TERM
from transforms.core.sources.annotations.problems import Column, problem_of_value
from transforms.core.sources.annotations.releases.files.columns import COLUMNS
from transforms.core.sources.annotations.releases.forms import Form
from transforms.core.sources.index.buckets import MAX_KEY_BYTES

FEW = 1 << 11
"""Records that are read one by one where one of them does not fit."""

_MARK = b"\xef\xbb\xbf"
_NEWLINE, _RETURN, _QUOTE_MARK = ord("\n"), ord("\r"), ord('"')


class BadRecord(NamedTuple):
    """A record that does not fit.

    Attributes:
      record: Its position among those of its block.
      code: Why, for programs.
      message: Why, for people.
    """

    record: int
    code: str
    message: str


class Parsed(NamedTuple):
    """What records hold.

    Attributes:
      rows: Columns by the targets of `COLUMNS`, of the records that fit.
      bad: Those that do not.
      blank: How many hold nothing but white space.
    """

    rows: pa.RecordBatch
    bad: list[BadRecord]
    blank: int


def present(form: Form) -> list[Column]:
    """The columns of its kind that a file has."""
    return [column for column in COLUMNS[form.kind] if column.name in form.columns]


def parse_records(data: np.ndarray, ends: np.ndarray, form: Form) -> Parsed:
    """Reads records.

    Args:
      data: Shape `(n,)` uint8: complete records.
      ends: Shape `(n_records,)`: where they end.
      form: What they are.
    """
    is_empty = _are_empty(data, ends)
    empty = int(np.count_nonzero(is_empty))
    if len(ends) > empty and _is_usual(data, ends[~is_empty], form):
        try:
            rows = _parse_at_once(data, form)
        except pa.ArrowInvalid:
            rows = None
        if rows is not None and len(rows) == len(ends) - empty:
            return Parsed(rows, [], empty)
    if len(ends) > FEW:
        return _parse_some_at_a_time(data, ends, form)
    return _parse_one_by_one(data, ends, form)


def _parse_some_at_a_time(data: np.ndarray, ends: np.ndarray, form: Form) -> Parsed:
    parts: list[pa.RecordBatch] = []
    bad: list[BadRecord] = []
    blank = 0
    for first in range(0, len(ends), FEW):
        begin = int(ends[first - 1]) if first else 0
        own = ends[first : first + FEW]
        found = parse_records(data[begin : int(own[-1])], own - begin, form)
        parts.append(found.rows)
        bad += [record._replace(record=record.record + first) for record in found.bad]
        blank += found.blank
    table = pa.Table.from_batches(parts).unify_dictionaries().combine_chunks()
    rows = table.to_batches()[0] if len(table) else parts[0]
    return Parsed(rows, bad, blank)


def _are_empty(data: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Which records are a line end alone, shape `(n_records,)` bool."""
    starts = np.r_[0, ends[:-1]]
    is_empty = ends - starts <= 2
    short = np.flatnonzero(is_empty)
    first, last = data[starts[short]], data[ends[short] - 1]
    is_empty[short] = (last == _NEWLINE) & ((first == _NEWLINE) | (first == _RETURN))
    return is_empty


def _is_usual(data: np.ndarray, ends: np.ndarray, form: Form) -> bool:
    """Whether lines end as Arrow and we see them, and quotes are where they are published.

    `ends` are those of records that are not empty.

    Arrow closes a quote at the end of the data; any other that is open makes rows too few.
    """
    returns = np.flatnonzero(data == _RETURN)
    if len(returns) and (returns[-1] + 1 == len(data) or (data[returns + 1] != _NEWLINE).any()):
        return False
    if not (data == _QUOTE_MARK).any():
        return True
    last = data[ends[-2] if len(ends) > 1 else 0 : ends[-1]].tobytes().lstrip(b"\r\n")
    return form.is_free_text and not _is_open(last.decode(errors="replace"))


def _is_open(text: str) -> bool:
    """Whether a quote that begins a value of a record is not closed: it takes the next line in."""
    try:
        return len(_read_csv(text)) != 2
    except csv.Error:
        return True


def _read_csv(text: str) -> list[list[str]]:
    """The values of a record, and those of an empty line behind it.

    Raises:
      csv.Error: They cannot be separated.
    """
    return list(csv.reader(io.StringIO(text.rstrip("\r\n") + "\n\n", newline="")))


def _parse_at_once(data: np.ndarray, form: Form) -> pa.RecordBatch:
    """Reads records of which each fits.

    Raises:
      pa.ArrowInvalid: One does not.
    """
    columns = present(form)
    table = pa.csv.read_csv(
        pa.py_buffer(data),
        read_options=pa.csv.ReadOptions(
            column_names=form.columns, use_threads=False, block_size=len(data) + 1
        ),
        parse_options=pa.csv.ParseOptions(newlines_in_values=form.is_free_text),
        convert_options=pa.csv.ConvertOptions(
            include_columns=[column.name for column in columns],
            column_types={column.name: column.type for column in columns},
            null_values=[""],
            strings_can_be_null=True,
        ),
    )
    for column, values in zip(columns, table.columns, strict=True):
        _check(column, values)
    arrays = [values.combine_chunks() for values in table.unify_dictionaries().columns]
    return pa.RecordBatch.from_arrays(arrays, names=[column.target for column in columns])


def _check(column: Column, values: pa.ChunkedArray) -> None:
    """Checks what a type alone does not say.

    Raises:
      pa.ArrowInvalid: A value is not allowed.
    """
    bad = column.filled and values.null_count > 0
    if column.type == pa.float64():
        bad = bad or not pc.all(pc.is_finite(values), min_count=0).as_py()
    elif column.type == pa.int8():
        allowed = pc.and_(pc.greater_equal(values, -1), pc.less_equal(values, 1))
        bad = bad or not pc.all(allowed, min_count=0).as_py()
    elif column.name == "ImageID":
        bad = bad or (pc.max(pc.binary_length(values)).as_py() or 0) > MAX_KEY_BYTES
    if bad:
        raise pa.ArrowInvalid(f"column {column.name} holds a value that is not allowed")


def _parse_one_by_one(data: np.ndarray, ends: np.ndarray, form: Form) -> Parsed:
    columns = present(form)
    places = [form.columns.index(column.name) for column in columns]
    good: list[list[str]] = []
    bad: list[BadRecord] = []
    blank = 0
    for number, raw in enumerate(cut_records(data, ends)):
        if number == 0:
            raw = raw.removeprefix(_MARK)  # as Arrow does
        if not raw.strip():
            blank += 1
        elif isinstance(read := _read_record(raw, form, columns), list):
            good.append([read[place] for place in places])
        else:
            bad.append(BadRecord(number, *read))
    values = list(zip(*good, strict=True)) if good else [()] * len(columns)
    arrays = [_to_array(column, texts) for column, texts in zip(columns, values, strict=True)]
    rows = pa.RecordBatch.from_arrays(arrays, names=[column.target for column in columns])
    return Parsed(rows, bad, blank)


def cut_records(data: np.ndarray, ends: np.ndarray) -> Iterator[bytes]:
    """The bytes of each record."""
    begin = 0
    for end in ends.tolist():
        yield data[begin:end].tobytes()
        begin = end


def _read_record(raw: bytes, form: Form, columns: Sequence[Column]) -> list[str] | tuple[str, str]:
    """A record's values, or code and message of what is wrong with it."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        return "not_utf8", f"byte {error.start} of the line is not UTF-8"
    try:
        found = _read_csv(text)
    except csv.Error as error:
        return "not_csv", shown(error)
    if len(found) > 2:
        return "not_csv", "a line end of another system stands within it"
    if len(found) < 2:
        return "open_quote", "a quote that begins a value is not closed"
    values = found[0]
    if len(values) != len(form.columns):
        return "wrong_columns", f"{len(values)} values for {len(form.columns)} columns"
    for column in columns:
        value = values[form.columns.index(column.name)]
        if problem := problem_of_value(value, column):
            return "bad_value", f"column {column.name}: {problem}"
    return values


def _to_array(column: Column, texts: Sequence[str]) -> pa.Array:
    values: list[Any] = [text or None for text in texts]
    if pa.types.is_integer(column.type):
        values = [None if value is None else int(value) for value in values]
    elif pa.types.is_floating(column.type):
        values = [None if value is None else float(value) for value in values]
    if column.type == TERM:
        return pa.array(values, pa.string()).dictionary_encode()
    return pa.array(values, column.type)


def parse_wide(data: np.ndarray, ends: np.ndarray) -> Parsed:
    """Reads labels of the first revision of V1: `ImageID,0.9:/m/05wrt,0.7:/m/03nxtz`.

    Each label counts as a record, and so does an image that has none, as a blank one.

    Returns:
      Rows with the columns `image_id`, `class_id` and `confidence`; `record` of what is bad is the
      position of its line.
    """
    try:
        return _parse_wide_at_once(data) if len(ends) else _parse_wide_one_by_one(data, ends)
    except pa.ArrowInvalid:
        return _parse_wide_one_by_one(data, ends)


_ENTRY = r"^[0-9]+([.][0-9]+)?:[^:]+$"


def _parse_wide_at_once(data: np.ndarray) -> Parsed:
    """Reads lines of which each fits.

    Raises:
      pa.ArrowInvalid: One does not, or may not.
    """
    text = pa.array([data.tobytes().removesuffix(b"\n")], pa.binary()).cast(pa.string())
    lines = pc.utf8_trim_whitespace(pc.split_pattern(text, "\n").values)
    parts = pc.split_pattern(lines, ",")
    values, sizes = parts.values, pc.list_value_length(parts).to_numpy()
    starts = np.cumsum(sizes) - sizes
    is_entry = np.ones(len(values), bool)
    is_entry[starts] = False
    images, entries = values.take(pa.array(starts)), values.filter(pa.array(is_entry))
    sizes = sizes - 1
    of_labels = images.filter(pa.array(sizes > 0))
    short = pc.and_(pc.greater(pc.binary_length(of_labels), 0),
                    pc.less_equal(pc.binary_length(of_labels), MAX_KEY_BYTES))  # fmt: skip
    fits = pc.match_substring_regex(entries, _ENTRY)
    if not (pc.all(short, min_count=0).as_py() and pc.all(fits, min_count=0).as_py()):
        raise pa.ArrowInvalid("a label is not what it should be")
    halves = pc.split_pattern(entries, ":")
    rows = _wide_rows(
        images.take(pa.array(np.repeat(np.arange(len(images)), sizes))),
        pc.list_element(halves, 1),
        pc.list_element(halves, 0).cast(pa.float64()),
    )
    return Parsed(rows, [], int(np.count_nonzero(sizes == 0)))


def _wide_rows(images: pa.Array, labels: pa.Array, confidences: pa.Array) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(
        {
            "image_id": images,
            "class_id": labels.dictionary_encode(),
            "confidence": confidences,
        }
    )


def _parse_wide_one_by_one(data: np.ndarray, ends: np.ndarray) -> Parsed:
    images: list[str] = []
    labels: list[str] = []
    confidences: list[float] = []
    bad: list[BadRecord] = []
    blank = 0
    for number, raw in enumerate(cut_records(data, ends)):
        image, *entries = raw.decode(errors="surrogateescape").strip().split(",")
        blank += not entries
        for entry in entries:
            if problem := _problem_of_entry(image, entry):
                bad.append(BadRecord(number, "bad_value", problem))
                continue
            confidence, _, label = entry.partition(":")
            images.append(image)
            labels.append(label)
            confidences.append(float(confidence))
    image_ids, class_ids = pa.array(images, pa.string()), pa.array(labels, pa.string())
    rows = _wide_rows(image_ids, class_ids, pa.array(confidences, pa.float64()))
    return Parsed(rows, bad, blank)


_BY_NAME = {column.name: column for column in COLUMNS["labels"]}


def _problem_of_entry(image: str, entry: str) -> str | None:
    confidence, _, label = entry.partition(":")
    found = {"ImageID": image, "Confidence": confidence, "LabelName": label}
    for name, value in found.items():
        if problem := problem_of_value(value, _BY_NAME[name]):
            return f"label '{shown(entry)}': {name}: {problem}"
    return None
