"""The catalogs of published files: complete, consistent, and where `build` looks for them."""

import collections
import pathlib
import re
import shutil

import pytest

from pipelines.build.inputs.shards import find_shards
from pipelines.build.options import BuildOptions
from pipelines.catalog import load_catalogs
from pipelines.catalog.published import load_published
from transforms.core.base.errors import UsageError


@pytest.fixture(scope="module")
def published():
    return load_published()


def test_all_that_is_measured_is_on_record(published, shared_data):
    rows = (shared_data / "official_files_sizes_md5.tsv").read_text().splitlines()
    measured = {
        (name.rpartition("/")[2], int(size), md5)
        for name, size, md5 in (row.split("\t") for row in rows)
    }
    on_record = {
        (file.name, file.bytes, file.md5) for file in published.find(["all"]) if file.bytes
    }
    assert len(measured) == 82 and on_record == measured


def test_checksums_of_flickr_cc_are_those_of_its_page(published):
    found = {file.name: file.md5 for file in published.find(["flickr_cc"]) if file.md5}
    assert len(found) == 12 and found["flickr-1M.tsv.gz"] == "e35de83b63308b8ad4a78c4667c3e4f5"
    assert found["flickr-400M.tsv.gz"] == "6a2a645c49f5983711bc3a73f0583216"


def test_every_file_has_one_place_an_address_or_a_page_a_licence_and_a_sentence(published):
    files = published.find(["all"])
    assert len({file.path for file in files}) == len(files) == len(set(files))
    for file in files:
        assert bool(file.addresses) != bool(file.by_hand), file
        assert file.licence and file.what, file
        assert file.path.endswith("/" + file.name) and ".." not in file.path
        for address in file.addresses:
            assert re.fullmatch(r"https?://[^\s]+/" + re.escape(file.name), address), address


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("localized_narratives", 22),
        ("localized_narratives_captions", 10),
        ("localized_narratives_transcripts", 10),
        ("open_images_train", 10),
        ("open_images_v1", 4),
        ("open_images_v2", 5),
        ("open_images_v3", 5),
        ("open_images_masks", 48),
        ("open_images_v7_validation", 8),
        ("coco_annotations", 2),
        ("flickr_cc", 17),
        ("wikiscenes", 6),
    ],
)
def test_names_stand_for_their_files(published, name, number):
    assert len(published.find([name])) == number


def test_every_file_is_in_a_bundle_or_is_narratives(published):
    bundles = ["localized_narratives", "localized_narratives_captions", "open_images", "flickr_cc",
               "localized_narratives_transcripts", "caption_collections", "wikiscenes"]  # fmt: skip
    assert set(published.find(bundles)) == set(published.find(["all"]))
    assert published.find([*bundles, "all"]) == published.find(bundles)  # each once


@pytest.mark.parametrize("data", [None, "/mnt/data", "gs://bucket/data"])
def test_build_looks_where_fetch_brings(published, data):
    catalog = load_catalogs([], data)
    for name in catalog.groups:
        places = [f"{data or 'data'}/{file.path}" for file in published.find([name])]
        assert catalog.files(name) == places
    splits = collections.Counter(pathlib.Path(path).parent for name in catalog.groups
                                 for path in catalog.files(name))  # fmt: skip
    assert len(splits) == 10


def test_build_finds_a_fetched_split_by_its_name(published, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (file,) = published.find(["coco_validation"])
    for root, more in (("data", {}), ("elsewhere", {"data": "elsewhere"})):
        path = tmp_path / root / file.path
        path.parent.mkdir(parents=True)
        path.write_text("{}\n")
        options = BuildOptions(input=["coco_validation"], output="out", **more)
        (shard,) = find_shards(options, load_catalogs([], options.data))
        assert (shard.path, shard.dataset, shard.split) == (
            f"{root}/{file.path}",
            "coco",
            "validation",
        )
        shutil.rmtree(tmp_path / root)
    with pytest.raises(UsageError, match="fetch it with `narratives fetch coco_validation`"):
        find_shards(options, load_catalogs([], options.data))


GROUP = "a: {what: w, files: [{file: f}]}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("publisher: p\ngroups: {open_images_train: {what: w, files: [{file: f}]}}", "there twice"),
        (f"publisher: p\ngroups: {{{GROUP}}}\nbundles: {{b: {{what: w, of: [c]}}}}", "names `c`"),
        (f"publisher: p\ngroups: {{{GROUP}}}\nbundles: {{b: {{what: w, of: [b]}}}}", "of itself"),
        ("publisher: p\ngroups: {all: {what: w, files: [{file: f}]}}", "`all` is there twice"),
        ("publisher: p\ngroups: {a: {what: w, files: [{file: ../f}]}}", "files.0.file`"),
        ("publisher: p\ngroups: {a: {what: w, folder: ../b, files: [{file: f}]}}", "folder`"),
        ("publisher: p\ngroups: {a: {what: w, files: [{file: f, md5: x}]}}", "md5`"),
        ("groups: {}", "`publisher`"),
    ],
)
def test_a_malformed_catalog_is_refused_with_its_place(tmp_path, text, message):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as refused:
        load_published([str(path)])
    assert str(path) in str(refused.value) and message in str(refused.value)
