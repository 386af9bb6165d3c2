"""Exports with the pictures that the job of images has fetched, in both layouts."""

import io
import json

import pytest
import webdataset
from PIL import Image

from pipelines.export.job import main
from pipelines.images.job import main as images
from tests import build_helpers as helpers
from tests.pipelines.images.conftest import narratives, web

__all__ = ["narratives", "web"]  # fixtures


@pytest.fixture(scope="module", params=["webdataset", "folders"])
def pictures(request, narratives, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param) / "out"
    more = ["--layout", request.param, "--size", "original", "--rate", "1000", "--unit-images", "7"]
    assert images(["--input", str(narratives), "--output", str(folder), *more]) == 0
    return folder


def export(to, narratives, pictures, folder):
    command = ["--to", to, "--input", narratives, "--images", pictures, "--output", folder]
    assert main([*map(str, command)]) == 0
    return folder / helpers.version_of(narratives).name


def test_samples_have_the_pictures_that_were_fetched(web, narratives, pictures, tmp_path):
    folder = export("webdataset", narratives, pictures, tmp_path)
    shards = sorted(map(str, folder.rglob("*.tar")))
    samples = list(webdataset.WebDataset(shards, shardshuffle=False))
    assert len(samples) == len(helpers.rows_of(narratives, "narratives")) > 50
    for sample in samples:
        told = json.loads(sample["json"])
        assert sample["jpg"] == web.originals[told["image_id"]]
        assert Image.open(io.BytesIO(sample["jpg"])).size == (told["width"], told["height"])
    assert (folder / "missing.jsonl").read_bytes() == b""


def test_coco_has_their_sizes_and_where_they_are(narratives, pictures, tmp_path):
    folder = export("coco", narratives, pictures, tmp_path)
    [path] = (folder / "annotations").glob("instances_*.json")
    found = json.loads(path.read_text())
    assert len(found["images"]) > 20 and len(found["annotations"]) > 50
    assert {(image["width"], image["height"]) for image in found["images"]} == {(40, 30)}
    in_folders = any((pictures / "pictures").glob("*"))
    for image in found["images"]:
        assert image["file_name"].endswith(f"generated-{image['image_id']}.jpg")
        assert (pictures / image["file_name"]).is_file() == in_folders


def test_samples_of_fiftyone_say_where_they_are(narratives, pictures, tmp_path):
    folder = export("fiftyone", narratives, pictures, tmp_path)
    paths = sorted(folder.glob("samples/*/samples.json"))
    samples = [one for path in paths for one in json.loads(path.read_text())["samples"]]
    sizes = {(one["metadata"]["width"], one["metadata"]["height"]) for one in samples}
    assert len(samples) > 20 and sizes == {(40, 30)}
    in_folders = any((pictures / "pictures").glob("*"))
    assert {(pictures / one["filepath"]).is_file() for one in samples} == {in_folders}
    notes = json.loads((folder / "export.json").read_text())["notes"]
    assert ["are unpacked into one folder" in note for note in notes] == [True] * (not in_folders)


def test_pictures_that_are_gone_are_told(narratives, pictures, tmp_path):
    lost = next(path for path in sorted(pictures.rglob("*"))
                if path.suffix in (".tar", ".jpg") and "units" not in path.parts)  # fmt: skip
    data = lost.read_bytes()
    lost.unlink()
    try:
        folder = export("webdataset", narratives, pictures, tmp_path)
    finally:
        lost.write_bytes(data)
    listed = (folder / "missing.jsonl").read_text().splitlines()
    assert listed and all(json.loads(line)["narrative_id"] for line in listed)
