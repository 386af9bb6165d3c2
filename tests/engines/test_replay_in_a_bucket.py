"""Repaired lines of an output in a bucket: the same rows as on a disk, and later runs keep them."""

import pytest

from pipelines.replay.job import main
from tests import build_helpers as helpers
from tests.pipelines.replay.helpers import SMALL, repaired_lines, write_rows
from transforms import storage
from transforms.core.model import layout
from transforms.units.publishing.pin import current_version
from transforms.units.publishing.read_version import read_manifest

pytestmark = pytest.mark.engines


def manifest_of(output):
    return read_manifest(storage.join(output, layout.version_folder(current_version(output))))


def test_repairs_are_kept_in_the_bucket(bucket, tmp_path, capsys):
    shards, local, output = [helpers.ODD_AND_BAD], tmp_path / "out", f"{bucket.url}/out"
    assert helpers.build(local, shards, *SMALL) == 0
    assert helpers.build(output, shards, *SMALL) == 0
    rows = write_rows(tmp_path / "repaired.jsonl", repaired_lines(local))
    for each in (local, output):
        assert main(["--output", str(each), "--repaired", str(rows)]) == 0
    found, expected = manifest_of(output), manifest_of(str(local))
    assert found.version == expected.version and found.counts.repaired == 3
    assert [file.crc32c for file in found.files] == [file.crc32c for file in expected.files]
    assert len(bucket.names("out/repairs/")) == 1
    capsys.readouterr()
    assert helpers.build(output, shards, *SMALL) == 0
    assert "Nothing to do" in capsys.readouterr().out
