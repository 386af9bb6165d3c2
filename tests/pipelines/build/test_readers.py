"""A version's folder in every reader of Parquet: complete, separately by table."""

import os
import pathlib

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}

import datasets
import duckdb
import pandas as pd
import polars as pl
import pyarrow.dataset
import pytest
import yaml

from tests import build_helpers as helpers
from transforms.core.output.jobs.narratives import NARRATIVES

TABLES = {name: schema for name, schema in NARRATIVES.all_tables.items() if name != "rejected"}
NAMES = ("open_images_train_localized_narratives-00000-of-00010", "_val", "my test (1)", "dev-eval")
"""Shards with the words that Hugging Face takes for splits, and what folder readers skip."""


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """A version of several files a table; the table `discarded` has no rows."""
    folder = tmp_path_factory.mktemp("readers")
    lines = [line for path in helpers.GENERATED for line in helpers.lines_of(path)]
    shards = [
        helpers.write_lines(folder / "in" / f"{name}.jsonl", lines[10 * n :][:10])
        for n, name in enumerate(NAMES)
    ]
    boxes = helpers.ROOT / "samples" / "open_images" / "train" / "annotations-human-bbox.csv"
    assert helpers.build(folder / "out", [*shards, helpers.REAL], "--boxes", boxes) == 0
    return folder / "out"


@pytest.fixture
def version(output):
    return helpers.version_of(output)


@pytest.fixture
def rows(output):
    """Rows of each table by the manifest."""
    count = dict.fromkeys(TABLES, 0)
    for file in helpers.manifest_of(output)["files"]:
        if file["table"] in count:
            count[file["table"]] += file["rows"]
    assert count["narratives"] == 62  # 40, and 22 real ones
    assert count["discarded"] == 0 < count["mentions"]
    return count


@pytest.fixture
def load(tmp_path):
    """`load_dataset` with a cache of its own."""

    def load(*arguments, **options):
        return datasets.load_dataset(*arguments, cache_dir=str(tmp_path), **options)

    return load


def with_pandas(folder):
    frame = pd.read_parquet(folder)
    return len(frame), list(frame.columns)


def with_polars(folder):
    frame = pl.read_parquet(folder / "*.parquet")
    assert pl.scan_parquet(folder).collect().height == frame.height
    return frame.height, frame.columns


def with_duckdb(folder):
    found = duckdb.sql(f"from '{folder}/*.parquet'")
    return len(found.fetchall()), found.columns


def with_pyarrow(folder):
    found = pyarrow.dataset.dataset(folder)
    return found.count_rows(), found.schema.names


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("read", [with_pandas, with_polars, with_duckdb, with_pyarrow])
def test_every_reader_reads_every_table(version, rows, table, read):
    assert read(version / table) == (rows[table], TABLES[table].names)


@pytest.mark.parametrize("table", TABLES)
def test_datasets_reads_every_table_that_has_rows(version, rows, table, load):
    known = datasets.get_dataset_config_names(str(version))
    if not rows[table]:  # it cannot hold a table without rows
        assert table not in known
        return
    assert table in known
    by_name = load(str(version), table)
    by_folder = load("parquet", data_dir=str(version / table))
    for found in (by_name, by_folder):
        assert list(found) == ["train"]
        assert found["train"].num_rows == rows[table]
        assert found["train"].column_names == TABLES[table].names


def test_datasets_streams_a_table_without_rows(version, load):
    found = load("parquet", data_dir=str(version / "discarded"), streaming=True)
    assert list(found["train"]) == []


def test_datasets_takes_no_folder_of_several_tables(version, load):
    """Why docs/tables.md says to name a table: each has a schema of its own."""
    with pytest.raises((datasets.exceptions.DatasetGenerationError, pyarrow.ArrowInvalid)):
        load("parquet", data_dir=str(version))


def test_datasets_gives_the_values_that_were_written(output, version, load):
    found = load(str(version), split="train").to_list()  # narratives are the default
    expected = helpers.rows_of(output, "narratives")
    assert sorted(found, key=lambda row: (row["shard"], row["byte_offset"])) == expected


def test_the_card_names_tables_rows_licence_and_citation(version, rows):
    _, head, text = (version / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    card = yaml.safe_load(head)
    assert card["license"] == "cc-by-4.0"
    assert [entry["config_name"] for entry in card["configs"]] == [t for t in TABLES if rows[t]]
    assert [entry["config_name"] for entry in card["configs"] if entry.get("default")] == [
        "narratives"
    ]
    assert f"# Localized Narratives, version {version.name}" in text
    for table, count in rows.items():
        assert f"| `{table}` | {count:,} |" in text
    assert "| generated (generated, not spoken by people) | train | 40 |" in text
    assert "| unknown | unknown |" not in text and "CC BY 4.0" in text and "@inproceedings{" in text


def test_the_folder_of_a_version_is_known_by_its_own_names_only(version):
    """No name of a file or folder depends on what a shard is called."""
    names = {path.name for path in pathlib.Path(version).rglob("*")}
    assert not [name for name in names if name.startswith(("_", ".")) or "val" in name]
