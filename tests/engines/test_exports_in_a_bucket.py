"""Exports as files from and into a bucket: the same bytes as on a disk, and nothing twice."""

import pytest

from pipelines.export.job import main
from tests import build_helpers as helpers
from tests.pipelines.export.conftest import version
from transforms import storage

pytestmark = pytest.mark.engines

__all__ = ["version"]  # a fixture


def test_exports_are_the_same_in_a_bucket(bucket, version, tmp_path, capsys):
    output = bucket.put_folder(version.output, "out")
    pictures = bucket.put_folder(version.pictures, "pictures")
    name = helpers.version_of(version.output).name
    for to in ("coco", "fiftyone", "hf", "webdataset"):
        local = () if to == "hf" else ("--images", version.pictures)
        remote = () if to == "hf" else ("--images", pictures)
        expected = version.export(to, tmp_path / to, *local)
        command = ["--to", to, "--input", output, "--output", f"{bucket.url}/{to}", *remote]
        assert main(command) == 0
        names = {path for path in helpers.files_below(expected) if "parts/" not in path}
        place = f"{bucket.url}/{to}/{name}"
        found = {file.path for file in storage.walk(place) if "parts/" not in file.path}
        assert found == names
        for path in names - {"export.json"}:  # whose key knows the pictures' dates
            assert storage.read_bytes(f"{place}/{path}") == (expected / path).read_bytes(), path
        capsys.readouterr()
        assert main(command) == 0 and "is already in" in capsys.readouterr().out
        lost = sorted(names - {"export.json"})[0]
        storage.remove_file(f"{place}/{lost}")
        assert main(command) == 0 and "is in" in capsys.readouterr().out
        assert storage.read_bytes(f"{place}/{lost}") == (expected / lost).read_bytes()
