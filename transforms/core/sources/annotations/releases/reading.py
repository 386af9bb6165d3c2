"""Records of a release to a chunk: rows by table, header lines, and bad lines with their place."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.base.lines import Block
from transforms.core.model import bad_lines
from transforms.core.model.chunk import Chunk
from transforms.core.model.columns import CORNERS, TERM
from transforms.core.sources.annotations.releases import schemas
from transforms.core.sources.annotations.releases.files.pieces import ends_of
from transforms.core.sources.annotations.releases.files.rows import (
    BadRecord,
    Parsed,
    cut_records,
    parse_records,
    parse_wide,
)
from transforms.core.sources.annotations.releases.forms import UNKNOWN, WIDE, Form

STAGE = "ReadReleases"


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where records are from.

    Attributes:
      shard: The file.
      unit: Position of their unit in it.
      start: Where they begin in the (decompressed) file.
      form: What they are.
      line: The line of their member at which they begin, from 1; 0 where it is not known.
    """

    shard: str
    unit: int
    start: int
    form: Form
    line: int = 0


def read_chunk(block: Block, origin: Origin, last: bool = False) -> Chunk:
    """Reads complete records.

    Args:
      block: The records.
      origin: Where they are from.
      last: Whether they are the last of a file that is read in turn.
    """
    form, data = origin.form, block.data
    ends = ends_of(data, form)
    has_header = form.header and origin.start == form.start and len(ends) > 0
    first = int(ends[0]) if has_header else 0
    rows_ends = ends[1:] - first if has_header else ends
    parsed = _parse(data[first:], rows_ends, form)
    tables = {bad_lines.TABLE: _rejected(data, ends, parsed.bad, origin, int(has_header))}
    if has_header:
        tables["files"] = _header_row(data[:first], origin)
    tables |= to_tables(parsed.rows, form, _name_of(origin))
    rows = sum(len(batch) for batch in tables.values())
    lines = rows + parsed.blank if form.kind == WIDE else len(ends)
    return Chunk(tables, lines, parsed.blank, block.size, block.crc32c, last)


def _parse(data: np.ndarray, ends: np.ndarray, form: Form) -> Parsed:
    if form.kind == WIDE:
        return parse_wide(data, ends)
    if form.kind == UNKNOWN:
        raws = list(cut_records(data, ends))
        why = "unknown_kind", "the first line of its file is not the header of a known kind"
        bad = [BadRecord(number, *why) for number, raw in enumerate(raws) if raw.strip()]
        return Parsed(pa.RecordBatch.from_pydict({}), bad, len(raws) - len(bad))
    return parse_records(data, ends, form)


def _name_of(origin: Origin) -> str:
    return f"{origin.shard}/{origin.form.member}"


def to_tables(rows: pa.RecordBatch, form: Form, name: str) -> Mapping[str, pa.RecordBatch]:
    """Rows of a kind as those of its tables, without tables that have none.

    Args:
      rows: As `parse_records` reads them.
      form: What they are.
      name: Of their file, which states whose the labels of the first revision are.
    """
    if not len(rows):
        return {}
    known = {field.name: column for field, column in zip(rows.schema, rows.columns, strict=True)}
    if form.kind in ("labels", WIDE):
        known.setdefault("source", _term(_source_of(name), len(rows)))
    if form.kind == "relationships":
        return _relationships(known, form, len(rows))
    kind = "labels" if form.kind == WIDE else form.kind
    return {kind: _complete(known, schemas.TABLES[kind], form, len(rows))}


def _source_of(name: str) -> str:
    return schemas.MACHINE if "machine" in name else "human"


def _complete(
    known: Mapping[str, pa.Array], schema: pa.Schema, form: Form, rows: int
) -> pa.RecordBatch:
    """Rows with the columns that every row of a file shares, and nulls for those it lacks."""
    split = _term(form.split, rows)
    shared = {"release": _term(form.release, rows), "list": _term(form.list, rows), "split": split}
    if "split" in known and form.split is not None:
        known = {**known, "split": _filled(known["split"], form.split)}
    found = {**shared, **known}
    columns = [
        found[field.name] if field.name in found else pa.nulls(rows, field.type) for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _filled(column: pa.Array, value: str) -> pa.Array:
    if not column.null_count:
        return column
    return pc.fill_null(column.cast(pa.string()), value).dictionary_encode()


def _term(value: str | None, rows: int) -> pa.Array:
    if value is None:
        return pa.nulls(rows, TERM)
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array([value]))


def _relationships(
    known: Mapping[str, pa.Array], form: Form, rows: int
) -> Mapping[str, pa.RecordBatch]:
    """Relationships of two boxes, and those that say what one box is."""
    renamed = {
        "class_id": known["class_id_1"],
        "attribute_id": known["class_id_2"],
        **{corner: known[f"{corner}_1"] for corner in CORNERS},
    }
    is_attribute = pc.equal(known["relationship"], "is")
    relationships = _complete(known, schemas.RELATIONSHIPS, form, rows)
    attributes = _complete({**known, **renamed}, schemas.ATTRIBUTES, form, rows)
    found = {
        "relationships": relationships.filter(pc.invert(is_attribute)),
        "attributes": attributes.filter(is_attribute),
    }
    return {name: batch for name, batch in found.items() if len(batch)}


def _header_row(header: np.ndarray, origin: Origin) -> pa.RecordBatch:
    form = origin.form
    row = {
        "release": form.release,
        "split": form.split,
        "kind": "labels" if form.kind == WIDE else form.kind,
        "shard": origin.shard,
        "member": form.member or None,
        "header": header.tobytes().decode("utf-8-sig", errors="replace").rstrip("\r\n"),
    }
    return pa.RecordBatch.from_pylist([row], schema=schemas.FILES)


def _rejected(
    data: np.ndarray, ends: np.ndarray, bad: list[BadRecord], origin: Origin, header: int
) -> pa.RecordBatch:
    """Bad records as rows; `bad` counts from behind the header."""
    starts, line_ends = np.r_[0, ends[:-1]], np.flatnonzero(data == ord("\n"))
    rows: list[dict[str, Any]] = []
    for record in bad:
        number = record.record + header
        begin, end = int(starts[number]), int(ends[number])
        rows.append(
            {
                "shard": origin.shard,
                "byte_offset": origin.start + begin,
                "unit": origin.unit,
                "line_in_unit": number,
                "stage": STAGE,
                "code": record.code,
                "message": f"{_place(line_ends, begin, origin)}{record.message}",
                "raw": data[begin:end].tobytes(),
            }
        )
    return pa.RecordBatch.from_pylist(rows, schema=bad_lines.SCHEMA)


def _place(line_ends: np.ndarray, begin: int, origin: Origin) -> str:
    """Member and line of a record, where they are known."""
    if not origin.line:
        return ""
    line = origin.line + int(np.searchsorted(line_ends, begin))
    return ", ".join(filter(None, (origin.form.member, f"line {line}: ")))
