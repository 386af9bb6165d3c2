"""Tables as files: types, values, and what other readers see."""

import fastavro
import google_crc32c
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.build_helpers import STATISTICS_TABLES
from transforms.core.model import bad_lines
from transforms.core.model.columns import empty_batch, list_of
from transforms.core.model.narratives import schemas
from transforms.core.model.units import Unit
from transforms.core.output import tables
from transforms.core.output.jobs.narratives import NARRATIVES

ALL_SCHEMAS = schemas.UNIT_TABLES | STATISTICS_TABLES


@pytest.fixture(scope="module")
def rows(finished):
    return NARRATIVES.rows(finished, Unit("x.jsonl", "x", "f", 1))


def test_tables_have_their_schemas(rows, finished):
    for name, batch in rows.items():
        assert batch.schema == ALL_SCHEMAS[name], name
        batch.validate(full=True)
    assert len(rows["narratives"]) == len(finished["narratives"])
    assert len(rows["discarded"]) == 1
    assert rows["narratives"]["shard"].to_pylist() == ["x.jsonl"] * len(rows["narratives"])


def test_discarded_narratives_keep_what_they_have(rows, finished):
    (row,) = rows["discarded"].to_pylist()
    assert row["reasons"] == ["few_words"]
    assert "boxes" not in row and "image" in row
    assert len(row["words"]) < 5


def test_traces_survive_float32_with_all_their_decimals(rows, finished):
    pairs = zip(rows["narratives"]["trace"], finished["narratives"]["trace"], strict=True)
    for written, read in pairs:
        for axis, decimals in (("x", 5), ("y", 5), ("t", 3)):
            found = [round(value, decimals) for value in written[axis].as_py()]
            assert found == read[axis].as_py()


@pytest.mark.parametrize("name", [name for name in ALL_SCHEMAS if name != "rejected"])
def test_empty_tables_are_readable(name, tmp_path):
    path = tmp_path / "empty.parquet"
    tables.write_table(name, empty_batch(ALL_SCHEMAS[name]), str(path), path.name)
    assert pq.read_table(path).schema.equals(ALL_SCHEMAS[name], check_metadata=False)
    assert pq.read_metadata(path).num_row_groups == pq.read_metadata(path).num_rows == 0


@pytest.mark.parametrize("name", ["narratives", "mentions", "discarded"])
def test_parquet_gives_back_rows_and_types(rows, name, tmp_path):
    path = tmp_path / f"{name}.parquet"
    entry = tables.write_table(name, rows[name], str(path), "t/x.parquet")
    assert (entry.table, entry.path, entry.rows) == (name, "t/x.parquet", len(rows[name]))
    data = path.read_bytes()
    assert (entry.bytes, entry.crc32c) == (len(data), google_crc32c.value(data))
    table = pq.read_table(path)
    assert table.to_pylist() == rows[name].to_pylist()
    assert [field.name for field in table.schema] == schemas.UNIT_TABLES[name].names
    parquet = pq.ParquetFile(path)
    group = parquet.metadata.row_group(0)
    paths = [group.column(i).path_in_schema for i in range(group.num_columns)]
    assert paths == [path for path, _ in tables.leaf_columns(rows[name].schema)]
    for i in range(group.num_columns):
        column = group.column(i)
        assert column.compression == "ZSTD"
        assert column.has_offset_index, paths[i]
        bounded = not paths[i].startswith("trace.")
        assert column.has_column_index == column.is_stats_set == bounded, paths[i]


def test_avro_gives_back_the_bad_lines(finished, tmp_path):
    path = tmp_path / "rejected.avro"
    tables.write_table("rejected", finished["rejected"], str(path), path.name)
    with path.open("rb") as file:
        assert list(fastavro.reader(file)) == finished["rejected"].to_pylist()
    again, fewer = tmp_path / "again.avro", tmp_path / "fewer.avro"
    tables.write_rejected(finished["rejected"], str(again))
    tables.write_rejected(finished["rejected"][1:], str(fewer))
    assert again.read_bytes() == path.read_bytes()
    assert fewer.read_bytes()[-16:] != path.read_bytes()[-16:]  # the marker ends a file
    assert [field["name"] for field in bad_lines.AVRO_SCHEMA["fields"]] == bad_lines.SCHEMA.names


def test_leaf_columns():
    schema = pa.schema(
        [
            ("a", pa.int32()),
            ("b", list_of(pa.struct([("c", pa.string()), ("d", pa.bool_())]))),
            ("e", pa.struct([("f", list_of(pa.float32()))])),
        ]
    )
    assert tables.leaf_columns(schema) == [
        ("a", pa.int32()),
        ("b.list.element.c", pa.string()),
        ("b.list.element.d", pa.bool_()),
        ("e.f.list.element", pa.float32()),
    ]


def test_no_column_is_a_reserved_word_and_types_do_not_depend_on_data(rows, run_stages):
    reserved = {"order", "group", "table", "select", "end", "start", "user", "values", "offset"}
    for schema in ALL_SCHEMAS.values():
        assert not reserved & {name.lower() for name in schema.names}
    empty = NARRATIVES.rows(run_stages(b""), Unit("x.jsonl", "x", "f", 1))
    for name, batch in empty.items():
        assert batch.schema == rows[name].schema
