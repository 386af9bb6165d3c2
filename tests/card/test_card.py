"""Versions in the libraries for which their descriptions are written."""

import json
import pathlib
import shutil
import subprocess

import pyarrow.parquet as pq
import pytest

from pipelines.captions.job import main as captions
from pipelines.open_images.job import main as open_images
from tests import build_helpers as helpers

pytestmark = pytest.mark.card

PYTHON = helpers.ROOT / ".venv-card" / "bin" / "python"
READING = pathlib.Path(__file__).parent / "reading.py"
OPEN_IMAGES = helpers.ROOT / "samples" / "open_images" / "train"
DATA = helpers.ROOT / "tests" / "data"


def read(*arguments):
    done = subprocess.run([PYTHON, READING, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def narratives(tmp_path_factory):
    """Real, generated, odd and bad narratives, with boxes, labels and images."""
    output = tmp_path_factory.mktemp("narratives") / "out"
    more = [
        *("--boxes", OPEN_IMAGES / "annotations-human-bbox.csv"),
        *("--images", OPEN_IMAGES / "images.csv"),
        *("--labels", OPEN_IMAGES / "annotations-human.csv"),
        *("--tagger", "en_ud_pos"),
    ]
    assert helpers.build(output, helpers.SHARDS, *more) == 0
    return helpers.version_of(output)


@pytest.fixture(scope="module", params=["narratives", "captions", "open_images"])
def version(request, tmp_path_factory):
    """A version of each job that needs no server."""
    if request.param == "narratives":
        return request.getfixturevalue("narratives")
    output = tmp_path_factory.mktemp(request.param) / "out"
    if request.param == "captions":
        given = DATA / "collections" / "captions_val2014.json"
        assert captions(["--input", str(given), "--output", str(output), "--tagger", "none"]) == 0
    else:
        given = sorted((DATA / "open_images" / "v3").rglob("*.csv"))
        arguments = ["--allow-partial", "--output", str(output), "--input", *map(str, given)]
        assert open_images(arguments) == 0
    return helpers.version_of(output)


def rows_of(version, table):
    return pq.read_table(version / table).to_pylist()


def test_croissant_reads_every_table(version):
    described = json.loads((version / "croissant.json").read_text())
    tables = [found["@id"] for found in described["recordSet"]]
    filled = [table for table in tables if rows_of(version, table)]
    found = read("croissant", version, *filled)
    assert found["errors"] == []
    for table in filled:
        assert len(found["records"][table]) == len(rows_of(version, table)) > 0


def test_croissant_reads_the_values_of_every_column(narratives):
    tables = ("narratives", "mentions", "richness")
    found = read("croissant", narratives, *tables)
    assert found["warnings"] == []
    for table in tables:
        for record, row in zip(found["records"][table], rows_of(narratives, table), strict=True):
            assert record.keys() == {f"{table}/{name}" for name in row}
            for name, value in row.items():
                path = f"{table}/{name}"
                assert known(record[path]) == known(as_croissant(path, value)), path


def as_croissant(path, value):
    """A value as mlcroissant gives it: parts by their fields' ids."""
    if isinstance(value, dict):
        return {f"{path}/{name}": part for name, part in value.items()}
    if isinstance(value, list):
        return [as_croissant(path, part) for part in value]
    return value


def known(value):
    """None for lists and structs in which nothing is known, of which mlcroissant makes parts."""
    if isinstance(value, list) and all(known(part) is None for part in value):
        return None
    if isinstance(value, dict) and all(known(part) is None for part in value.values()):
        return None
    return value


def test_frictionless_compares_every_file(version, tmp_path):
    found = read("frictionless", version)
    assert found["valid"] and found["errors"] == []
    manifest = json.loads((version / "manifest.json").read_text())
    assert sorted(found["files"]) == sorted(file["path"] for file in manifest["files"])
    changed = shutil.copytree(version, tmp_path / "changed")
    path = changed / manifest["files"][0]["path"]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    found = read("frictionless", changed)
    assert not found["valid"] and found["errors"] == [["hash-count"]]
