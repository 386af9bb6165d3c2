"""A version of a program that counted less is repaired as it was."""

import json
import pathlib

import msgspec
import pytest

from pipelines.versions.commands import main
from tests import build_helpers as helpers
from transforms.core.model.manifest import encode_manifest
from transforms.core.model.narratives.manifest import BuildManifest
from transforms.core.output.commit_records import decode_record, encode_record


@pytest.fixture
def older(tmp_path):
    """An output whose units and version know nothing of D's distribution."""
    assert helpers.build(tmp_path, helpers.GENERATED[:1]) == 0
    for path in tmp_path.glob("units/*/record"):
        record = decode_record(path.read_bytes())
        del record.statistics["distances"]
        path.write_bytes(encode_record(record))
    path = helpers.version_of(tmp_path) / "manifest.json"
    made = json.loads(path.read_bytes())
    made["files"] = [row for row in made["files"] if row["table"] != "distances"]
    del made["columns"], made["not_compared"]
    path.write_bytes(encode_manifest(msgspec.convert(made, BuildManifest)))
    (path.parent / "distances" / "distances.parquet").unlink()
    return tmp_path


def test_a_statistics_table_is_rebuilt_and_none_is_added(older):
    folder = helpers.version_of(older)
    table: pathlib.Path = folder / "richness" / "richness.parquet"
    before = table.read_bytes()
    helpers.flip_bit(table, 100)
    assert main(["verify", "--output", str(older)]) == 3
    assert main(["verify", "--repair", "--output", str(older)]) == 0
    assert main(["verify", "--output", str(older)]) == 0
    assert table.read_bytes() == before and not (folder / "distances").exists()
