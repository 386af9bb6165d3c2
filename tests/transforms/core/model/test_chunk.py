"""Chunks and their coder."""

import pyarrow as pa
import pytest

from transforms.core.model.narratives import schemas
from transforms.core.sources.narratives.reading import Origin, read_chunk


def same(one, other):
    """Whether two chunks hold the same: numbers, schemas and values, nulls among them."""
    assert list(one.tables) == list(other.tables)
    for name, mine in one.tables.items():
        assert mine.schema == other[name].schema, name
        assert mine.to_pylist() == other[name].to_pylist(), name
    return vars(one) | {"tables": None} == vars(other) | {"tables": None}


def test_a_finished_chunk_comes_back_as_it_was(finished):
    encoded = finished.to_bytes()
    decoded = type(finished).from_bytes(encoded)
    assert same(finished, decoded)
    decoded["narratives"].validate(full=True)


def test_nulls_empties_and_slices_come_back(finished):
    rows = len(finished["narratives"])
    nested = {
        "labels": pa.nulls(rows, schemas.NARRATIVES.field("labels").type),
        "image": pa.nulls(rows, schemas.IMAGE),
        "words": pa.array([[]] * rows, schemas.NARRATIVES.field("words").type),
    }
    chunk = finished.with_columns("narratives", **nested)
    sliced = chunk.with_tables(
        narratives=chunk["narratives"].slice(3, 5), mentions=chunk["mentions"].slice(2, 0)
    )
    for each in (chunk, sliced):
        assert same(each, type(each).from_bytes(each.to_bytes()))


@pytest.mark.parametrize("block", [b"", b"\n\n", b"{\n"])
def test_a_chunk_without_narratives_comes_back(block, run_stages):
    for chunk in (read_chunk(block, Origin("x"), last=True), run_stages(block)):
        assert same(chunk, type(chunk).from_bytes(chunk.to_bytes()))
        assert chunk["narratives"].num_rows == 0


def test_tables_that_no_stage_has_made_stay_absent():
    chunk = read_chunk(b"", Origin("x"))
    decoded = type(chunk).from_bytes(chunk.to_bytes())
    assert list(decoded.tables) == ["narratives", "rejected"] and decoded.last is False
    assert "discarded" not in decoded and decoded.get("mentions") is None


def test_the_size_is_that_of_all_columns(finished):
    assert finished.nbytes >= finished["narratives"].nbytes + finished["mentions"].nbytes
    assert 0.5 < len(finished.to_bytes()) / finished.nbytes < 2
