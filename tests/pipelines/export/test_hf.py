"""Exports to Hugging Face's `datasets`, loaded by it and compared with the version's rows."""

import collections
import os

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}

import datasets
import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from tests import build_helpers as helpers
from transforms.core.base.errors import UsageError
from transforms.core.output.exports import hf

LABELS = {"narratives": ["flags", "boxes_status"], "mentions": ["class_id"]}


@pytest.fixture(scope="module")
def exported(version, tmp_path_factory):
    return version.export("hf", tmp_path_factory.mktemp("hf"))


@pytest.fixture(scope="module")
def load(exported, tmp_path_factory):
    cache = str(tmp_path_factory.mktemp("cache"))
    return lambda *name, **more: datasets.load_dataset(
        str(exported), *name, cache_dir=cache, **more
    )


def as_published(found, table):
    """Rows with the names of class labels in place of their numbers."""
    features = found.features
    rows = []
    for row in found.to_list():
        for name in LABELS.get(table, ()):
            feature, value = features[name], row[name]
            if isinstance(feature, datasets.List):
                row[name] = value and [feature.feature.int2str(one) for one in value]
            else:
                row[name] = None if value is None else feature.int2str(value)
        rows.append(row)
    return rows


def test_the_folder_loads_with_all_rows_in_their_splits(version, load):
    loaded = load()  # narratives are the default
    expected = collections.defaultdict(list)
    for row in version.rows("narratives"):
        expected[row["split"]].append(row)
    assert set(loaded) == set(expected) == {"train", "validation"}
    place = lambda row: (row["shard"], row["byte_offset"])  # noqa: E731
    for split, found in loaded.items():
        rows = sorted(as_published(found, "narratives"), key=place)
        assert rows == sorted(expected[split], key=place)


@pytest.mark.parametrize("dataset", ["generated", "coco", "oops"])
def test_each_data_set_is_a_configuration(version, load, dataset):
    for table in ("narratives", "mentions"):
        loaded = load(f"{table}-{dataset}")
        expected = [row for row in version.rows(table) if row["dataset"] == dataset]
        found = [row for split in loaded for row in as_published(loaded[split], table)]
        told = lambda rows: sorted(map(repr, rows))  # noqa: E731
        assert told(found) == told(expected) and found
        assert set(loaded) == {row["split"] for row in expected}


def test_other_tables_are_there_and_those_without_rows_are_not(version, exported, load):
    names = datasets.get_dataset_config_names(str(exported))
    assert not {"discarded", "noun_counts"} & set(names)
    for table in ("localization", "localization_histogram", "richness", "distances"):
        assert load(table)["train"].to_list() == version.rows(table)
    folder = helpers.version_of(version.output) / "rejected"
    rejected = [row for path in folder.iterdir() for row in fastavro.reader(path.open("rb"))]
    assert load("rejected")["train"].to_list() == rejected and rejected
    card = (exported / "README.md").read_text()
    assert "`datasets` holds no table without rows: `discarded`, `noun_counts`." in card
    assert "CC-BY-4.0: https://creativecommons.org/licenses/by/4.0/" in card and "@inproc" in card


def test_features_are_typed_in_the_files_and_in_the_card(exported, load):
    _, head, _ = (exported / "README.md").read_text().split("---\n", 2)
    card = yaml.safe_load(head)
    assert "*id" not in head and card["license"] == "cc-by-4.0"
    declared = {info["config_name"]: info["features"] for info in card["dataset_info"]}
    assert list(declared) == datasets.get_dataset_config_names(str(exported))
    for config, found in declared.items():
        features = load(config, streaming=True)
        features = next(iter(features.values())).features
        assert features._to_yaml_list() == found
        assert datasets.Features._from_yaml_list(found) == features
        for path in sorted((exported / "data" / config).rglob("*.parquet")):
            assert datasets.Features.from_arrow_schema(pq.read_schema(path)) == features
    features = load(streaming=True)["train"].features
    assert isinstance(features["boxes_status"], datasets.ClassLabel)
    assert isinstance(features["flags"], datasets.List)
    assert features["trace"]["x"] == datasets.List(datasets.Value("float32"))


def test_columns_keep_what_is_known_of_them(version, exported):
    source = pq.read_schema(next((helpers.version_of(version.output) / "mentions").iterdir()))
    made = pq.read_schema(next((exported / "data" / "mentions").rglob("*.parquet")))
    assert made.names == source.names
    assert made.metadata[b"licence"] == source.metadata[b"licence"]


@pytest.mark.parametrize("table", LABELS)
def test_the_files_alone_load_too(exported, version, tmp_path, table):
    """As from a folder without its card."""
    files = sorted(map(str, (exported / "data" / table).rglob("*.parquet")))
    loaded = datasets.load_dataset("parquet", data_files=files, cache_dir=str(tmp_path))
    assert loaded["train"].num_rows == len(version.rows(table))
    for name in LABELS[table]:
        feature = loaded["train"].features[name]
        assert isinstance(getattr(feature, "feature", feature), datasets.ClassLabel), name


def test_only_some_tables(version, tmp_path):
    folder = version.export("hf", tmp_path, "--tables", "mentions")
    assert {path.name for path in (folder / "data").iterdir()} == {"mentions"}
    loaded = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    labels = loaded["train"].features["class_id"].names
    assert labels == sorted({row["class_id"] for row in version.rows("mentions")})


def test_values_that_are_no_class_are_told():
    rows = pa.table({"flags": [["a"], None, ["b", "a"], []]})
    labelled = hf.with_labels("t", rows, {"flags": ("a", "b")})
    assert labelled["flags"].to_pylist() == [[0], None, [1, 0], []]
    sliced = hf.with_labels("t", rows.slice(1, 2), {"flags": ("a", "b")})
    assert sliced["flags"].to_pylist() == [None, [1, 0]]
    with pytest.raises(UsageError, match="table t, column flags: 'b' is none of its classes"):
        hf.with_labels("t", rows, {"flags": ("a",)})


def test_names_that_datasets_refuses_are_written_otherwise():
    assert [hf.plain_name(name) for name in ("a-b", "ä", "train")] == ["a_b", "_", "train"]
