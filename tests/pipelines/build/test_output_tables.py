"""The published tables in the tools that people use."""

import hashlib
import json
import re
import shutil
import subprocess

import duckdb
import fastavro
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.versions.commands import main as versions
from tests import build_helpers as helpers
from transforms.core.model import bad_lines
from transforms.core.model.columns import describe_columns
from transforms.core.model.narratives import schemas
from transforms.core.output.tables import leaf_columns

PARQUET = {
    name: schema
    for name, schema in {**schemas.UNIT_TABLES, **helpers.STATISTICS_TABLES}.items()
    if name != "rejected"
}
OPEN_IMAGES = helpers.ROOT / "samples" / "open_images"


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    """A version with several files in a table, and one table without rows."""
    output = tmp_path_factory.mktemp("tables")
    more = [
        *("--boxes", OPEN_IMAGES / "train" / "annotations-human-bbox.csv"),
        *("--images", OPEN_IMAGES / "train" / "images.csv"),
        *("--labels", OPEN_IMAGES / "train" / "annotations-human.csv"),
        *("--tagger", "en_ud_pos"),
    ]
    assert helpers.build(output, helpers.SHARDS, *more) == 0
    return helpers.version_of(output)


def files(version, table):
    return sorted((version / table).iterdir())


@pytest.mark.parametrize("table", PARQUET)
def test_files_have_the_schema_of_the_code(version, table):
    for path in files(version, table):
        assert pq.read_schema(path).equals(PARQUET[table], check_metadata=False)


@pytest.mark.parametrize("table", PARQUET)
def test_parquet_is_laid_out_for_readers(version, table):
    leaves = dict(leaf_columns(PARQUET[table]))
    lists = 0
    for path in files(version, table):
        metadata = pq.ParquetFile(path).metadata
        groups = metadata.num_row_groups if metadata.num_rows else 0
        for group in range(groups):
            for number in range(metadata.num_columns):
                column = metadata.row_group(group).column(number)
                assert column.compression == "ZSTD"
                assert column.has_offset_index
                bounded = not column.path_in_schema.startswith("trace.")
                assert column.has_column_index == column.is_stats_set == bounded
                if pa.types.is_dictionary(leaves[column.path_in_schema]):
                    assert column.has_dictionary_page
                lists += ".list." in column.path_in_schema
    assert all(".list.item" not in leaf for leaf in leaves)
    assert bool(lists) == any(".list.element" in leaf for leaf in leaves) or table == "discarded"


def test_a_table_without_rows_is_one_empty_file(version):
    (path,) = files(version, "discarded")
    assert path.name == "discarded.parquet" and pq.read_metadata(path).num_rows == 0
    assert len(files(version, "narratives")) == len(helpers.SHARDS)


def test_no_column_is_a_reserved_word_of_sql():
    rows = duckdb.sql(
        "select keyword_name from duckdb_keywords() where keyword_category='reserved'"
    )
    reserved = {name for (name,) in rows.fetchall()}
    assert {"select", "end"} <= reserved
    names = {
        part
        for schema in (*PARQUET.values(), bad_lines.SCHEMA)
        for leaf, _ in leaf_columns(schema)
        for part in leaf.replace(".list.element", "").split(".")
    }
    assert len(names) > 60 and not names & reserved


PANDAS = {
    "image_id": "str",
    "annotator_id": "int64",
    "class_id": "category",
    "start_time": "float64",
    "char_start": "int32",
}


def test_pandas_reads_mentions(version):
    frame = pd.read_parquet(version / "mentions")
    assert len(frame) == sum(pq.read_metadata(path).num_rows for path in files(version, "mentions"))
    assert list(frame.columns) == schemas.MENTIONS.names
    for column, kind in PANDAS.items():
        assert frame[column].dtype == kind or (kind == "str" and frame[column].dtype == object)
    boxed = frame.dropna(subset="box_index")
    assert 0 < len(boxed) < len(frame) and (boxed["points_inside"] <= boxed["points"]).all()


def test_pandas_reads_nested_columns(version):
    frame = pd.read_parquet(version / "narratives")
    words = frame["words"].explode().dropna().apply(pd.Series)
    assert list(words.columns) == [field.name for field in schemas.WORD]
    text = frame.loc[words.index, "caption"]
    cut = [
        caption[start:end]
        for caption, start, end in zip(text, words["char_start"], words["char_end"], strict=True)
    ]
    assert cut == words["text"].tolist()


def test_duckdb_reads_and_unnests(version):
    query = f"from read_parquet('{version}/narratives/*.parquet')"
    types = dict(duckdb.sql(f"select column_name, column_type from (describe {query})").fetchall())
    assert types["annotator_id"] == "BIGINT" and types["caption"] == "VARCHAR"
    assert types["flags"] == "VARCHAR[]" and types["segment_starts"] == "INTEGER[]"
    assert types["trace"] == "STRUCT(x FLOAT[], y FLOAT[], t FLOAT[])"
    word = types["words"].replace('"', "")
    assert word.startswith("STRUCT(text VARCHAR, normalized VARCHAR, char_start INTEGER, char_end")
    [(words, cut)] = duckdb.sql(
        "select count(*), sum((caption[word.char_start + 1 : word.char_end] = word.text)::int) "
        f"from (select caption, unnest(words) as word {query})"
    ).fetchall()
    assert words == cut > 1000
    boxes = duckdb.sql(f"select box.name, box.x_min from (select unnest(boxes) as box {query})")
    assert all(name and 0 <= x_min <= 1 for name, x_min in boxes.fetchall())


def test_duckdb_joins_mentions_with_narratives(version):
    [joined] = duckdb.sql(
        f"select count(*), count(n.boxes[m.box_index + 1]) from '{version}/mentions/*.parquet' m "
        f"join '{version}/narratives/*.parquet' n using (narrative_id) where m.box_index >= 0 "
        "and n.boxes[m.box_index + 1].class_id = m.class_id"
    ).fetchall()
    [boxed] = duckdb.sql(f"select count(box_index) from '{version}/mentions/*.parquet'").fetchall()
    assert joined == boxed * 2 and boxed[0] > 20


def test_polars_reads_and_explodes(version):
    frame = pl.read_parquet(version / "narratives" / "*.parquet")
    assert frame.schema["annotator_id"] == pl.Int64
    assert frame.schema["trace"].fields[0].dtype == pl.List(pl.Float32)
    names = [field.name for field in frame.schema["words"].inner.fields]
    assert names == [field.name for field in schemas.WORD]
    words = frame.select("narrative_id", "words").explode("words").drop_nulls().unnest("words")
    assert words["char_start"].dtype == pl.Int32 and words["x_min"].dtype == pl.Float64
    lengths = frame["trace"].struct.field("x").list.len()
    assert (lengths == frame["trace"].struct.field("t").list.len()).all()
    assert (words["end_point"].drop_nulls() <= lengths.max()).all()


@pytest.mark.parametrize("table", helpers.STATISTICS_TABLES)
def test_statistics_open_everywhere(version, table):
    (path,) = files(version, table)
    rows = pq.read_metadata(path).num_rows
    assert rows > 0
    assert len(pd.read_parquet(path)) == rows == len(pl.read_parquet(path))
    assert duckdb.sql(f"select count(*) from '{path}'").fetchall() == [(rows,)]


def test_avro_holds_the_bad_lines_themselves(version):
    (path,) = files(version, "rejected")
    with path.open("rb") as file:
        reader = fastavro.reader(file)
        names = [field["name"] for field in reader.writer_schema["fields"]]
        rows = list(reader)
    assert names == bad_lines.SCHEMA.names
    data = helpers.ODD_AND_BAD.read_bytes()
    lines = data.splitlines()
    assert len(rows) == 7
    for row in rows:
        assert row["raw"] == lines[row["line_in_unit"]]
        assert data[row["byte_offset"] :].startswith(row["raw"])


@pytest.mark.parametrize("table", PARQUET)
def test_files_say_what_they_hold(version, table):
    for path in files(version, table):
        schema = pq.read_schema(path)
        assert schema.metadata[b"licence"].startswith(b"CC-BY-4.0")
        assert b"PontTuset_eccv2020" in schema.metadata[b"citation"]
        assert schema.metadata[b"schema_version"] == b"2"
        assert schema.metadata[b"table"] == table.encode()
        declared = describe_columns(PARQUET[table])
        for found, column in zip(describe_columns(schema), declared, strict=True):
            assert found[2:] == column[2:] and found.path == column.path
            assert found.field.nullable == column.field.nullable
            assert "." in found.path or found.source
        parquet = pq.ParquetFile(path).schema  # what readers see that do not know Arrow
        required = {field.name for field in PARQUET[table] if not field.nullable}
        levels = {parquet.column(i).path: parquet.column(i) for i in range(len(parquet))}
        assert {name for name in required if levels[name].max_definition_level} == set()


def test_files_that_describe_a_version_are_published_and_verified_with_it(version, tmp_path):
    manifest = json.loads((version / "manifest.json").read_text())
    pages = {page["path"] for page in manifest["pages"]}
    assert pages >= {
        "README.md", "report.html", "croissant.json", "datapackage.json", "schema.json",
        "views.sql", "bigquery/load.sh", "bigquery/narratives.json",
    }  # fmt: skip
    listed = pages | {file["path"] for file in manifest["files"]} | {"manifest.json"}
    found = {str(p.relative_to(version)) for p in version.rglob("*") if p.is_file()}
    assert found == listed
    for file in manifest["files"]:
        data = (version / file["path"]).read_bytes()
        assert file["sha256"] == hashlib.sha256(data).hexdigest()
    output = tmp_path / "out"
    shutil.copytree(version.parents[1], output)
    changed = output / "versions" / version.name / "croissant.json"
    changed.write_text(changed.read_text().replace("mentions", "motions", 1))
    assert versions(["verify", "--output", str(output)]) == 3
    assert versions(["verify", "--repair", "--output", str(output)]) == 0
    assert changed.read_bytes() == (version / "croissant.json").read_bytes()


def test_croissant_and_the_package_have_the_checksums_of_all_files(version):
    manifest = json.loads((version / "manifest.json").read_text())
    sums = {file["path"]: file["sha256"] for file in manifest["files"]}
    described = json.loads((version / "croissant.json").read_text())
    assert {
        entry["contentUrl"]: entry["sha256"]
        for entry in described["distribution"]
        if entry["@type"] == "cr:FileObject"
    } == sums
    package = json.loads((version / "datapackage.json").read_text())
    assert {entry["path"]: entry["hash"] for entry in package["resources"]} == {
        path: f"sha256:{found}" for path, found in sums.items()
    }
    assert all(re.fullmatch("[-a-z0-9._/]+", entry["name"]) for entry in package["resources"])


def test_duckdb_makes_the_views(version, monkeypatch):
    monkeypatch.chdir(version)
    with duckdb.connect() as connection:
        connection.execute((version / "views.sql").read_text())
        for table in PARQUET:
            (rows,) = connection.execute(f'select count(*) from "{table}"').fetchone()
            assert rows == sum(pq.read_metadata(path).num_rows for path in files(version, table))
        comment = "select comment from duckdb_columns() where table_name=? and column_name=?"
        (found,) = connection.execute(comment, ["mentions", "mean_distance"]).fetchone()
        assert "Euclidean" in found and found.endswith("(image sizes)")


def test_the_script_in_a_version_loads_its_tables_into_bigquery(version, tmp_path):
    for name in ("bq", "gcloud"):
        (tmp_path / name).write_text('#!/bin/sh\necho "$(basename "$0") $*" >> "$CALLS"\n')
        (tmp_path / name).chmod(0o755)
    calls = tmp_path / "calls"
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "CALLS": str(calls)}
    script = version / "bigquery" / "load.sh"
    subprocess.run(["bash", script, "p:d", "gs://b/f"], env=environment, check=True)
    copied, *loads = calls.read_text().splitlines()
    assert copied.startswith("gcloud storage cp --recursive ../narratives ")
    for table in PARQUET:
        (line,) = [found for found in loads if f" p:d.{table} " in found and " rm " not in found]
        assert line.endswith(f" {table}.json") and (script.parent / f"{table}.json").exists()
        if " load " in line:
            assert f" gs://b/f/{table}/*.parquet " in line
    ids = json.loads((script.parent / "mentions.json").read_text())[0]
    assert (ids["name"], ids["mode"]) == ("narrative_id", "REQUIRED") and ids["description"]
