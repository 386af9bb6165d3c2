"""The catalog of official files, and how files are found in it."""

import pathlib
import shutil
import subprocess
import sys

import pytest

from pipelines import catalog as catalogs
from pipelines.catalog import load_catalog, load_catalogs
from transforms.core.base.errors import UsageError

ROOT = pathlib.Path(__file__).parents[2]
OFFICIAL = str(ROOT / "configs" / "catalog.yaml")
GROUP = "groups: {a: {dataset: coco, split: train, files: [{file: a.jsonl}]}"


@pytest.fixture(scope="module")
def official():
    return load_catalog([OFFICIAL])


def test_official_files_and_narratives_sum_to_the_published_numbers(official):
    files = [file.file for group in official.groups.values() for file in group.files]
    assert len(files) == len(set(files)) == 22
    assert sum(group.narratives for group in official.groups.values()) == 873_107


@pytest.mark.parametrize(
    ("dataset", "files", "narratives"),
    [
        ("open_images", 12, 507_444 + 41_691 + 126_020),
        ("coco", 5, 134_272 + 8_573),
        ("flickr30k", 3, 30_546 + 1_009 + 1_023),
        ("ade20k", 2, 20_476 + 2_053),
    ],
)
def test_official_datasets(official, dataset, files, narratives):
    groups = [group for group in official.groups.values() if group.dataset == dataset]
    assert sum(len(group.files) for group in groups) == files
    assert sum(group.narratives for group in groups) == narratives


def test_known_sizes_are_those_of_the_open_images_files(official):
    known = {
        name: [file for file in group.files if file.bytes and file.md5]
        for name, group in official.groups.items()
    }
    assert {name: len(files) for name, files in known.items() if files} == {
        "open_images_train": 10, "open_images_validation": 1, "open_images_test": 1,
    }  # fmt: skip
    assert sum(file.bytes for file in known["open_images_train"]) == 16_666_435_667
    assert len({file.md5 for files in known.values() for file in files}) == 12


def test_the_catalog_agrees_with_what_was_measured_of_the_published_files(official, shared_data):
    table = (shared_data / "official_files_sizes_md5.tsv").read_text()
    measured = {
        name.rpartition("/")[2]: (int(size), md5)
        for name, size, md5 in (line.split("\t") for line in table.splitlines())
        if "localized-narratives/" in name
    }
    catalogued = {
        file.file: (file.bytes, file.md5)
        for group in official.groups.values()
        for file in (*group.files, *group.captions, *group.transcripts)
        if file.bytes or file.md5
    }
    assert catalogued == measured and len(measured) >= 14


def test_looks_up_by_the_last_part_of_the_path(official):
    name = "open_images_train_v6_localized_narratives-00003-of-00010.jsonl"
    entry = official.lookup(f"/some/where/{name}")
    assert (entry.dataset, entry.split, entry.kind) == ("open_images", "train", "narratives")
    assert (entry.group, entry.bytes) == ("open_images_train", 1_670_967_039)
    assert entry.md5 == "e154cee8f04b8b700e1a8550fb6c8d36"
    assert official.lookup("mine.jsonl") is None
    assert official.lookup(f"not_{name}") is None


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_compressed_copy_has_the_split_but_no_expected_bytes(official, suffix):
    name = "open_images_train_v6_localized_narratives-00003-of-00010.jsonl" + suffix
    entry = official.lookup(name)
    assert (entry.file, entry.dataset, entry.split) == (name, "open_images", "train")
    assert entry.bytes is None and entry.md5 is None


@pytest.mark.parametrize(
    ("name", "kind", "group"),
    [
        ("open_images_train_v6_captions.jsonl", "captions", "open_images_train"),
        ("open_images_train_v6_asr.jsonl", "transcripts", "open_images_train"),
        ("open_images_train_v6_asr.jsonl.gz", "transcripts", "open_images_train"),
        ("coco_val_captions.jsonl", "captions", "coco_validation"),
        ("ade20k_validation_asr.jsonl", "transcripts", "ade20k_validation"),
    ],
)
def test_siblings_belong_to_the_split_of_their_narratives(official, name, kind, group):
    entry = official.lookup(name)
    assert (entry.kind, entry.group) == (kind, group)
    assert entry.bytes == (974_091_771 if name == "open_images_train_v6_asr.jsonl" else None)


def test_a_name_stands_for_its_files_in_the_folder_of_its_catalog(official):
    assert official.files("coco_train") == [
        f"data/localized_narratives/coco/train/coco_train_localized_narratives-0000{i}-of-00004.jsonl"
        for i in range(4)
    ]


def test_catalogs_add_up(tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text("folder: here\n" + GROUP + "}")
    both = load_catalog([OFFICIAL, str(mine)])
    assert both.lookup("coco_val_localized_narratives.jsonl").dataset == "coco"
    assert both.lookup("a.jsonl").group == "a"
    assert both.files("a") == ["here/a.jsonl"]


def test_the_same_file_twice_is_refused():
    with pytest.raises(UsageError, match=r"catalog\.yaml: the group `open_images_train`"):
        load_catalog([OFFICIAL, OFFICIAL])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "at its top"),
        ("groups: {a: ", "not valid YAML"),
        ("groups: {a: {dataset: coco, split: val, files: [{file: a}]}}", "`groups.a.split`"),
        ("groups: {a: {dataset: coco, split: test, files: []}}", "`groups.a.files`"),
        ("groups: {a: {dataset: coco, split: test, files: [{file: b/a}]}}", "files.0.file`"),
        ("groups: {A b: {dataset: coco, split: test, files: [{file: a}]}}", "`groups.A b`"),
        (GROUP + "}\nfiles: 3", "`files`"),
        (GROUP + ", b: {dataset: coco, split: test, files: [{file: a.jsonl}]}}", "'a.jsonl'"),
    ],
)
def test_a_malformed_catalog_is_refused_with_its_place(tmp_path, text, message):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as refused:
        load_catalog([str(path)])
    assert str(path) in str(refused.value) and message in str(refused.value)


def test_a_missing_catalog_is_refused():
    with pytest.raises(UsageError, match="absent"):
        load_catalog(["absent.yaml"])


def test_the_official_catalog_is_there_without_being_named(official):
    assert load_catalogs([]).groups == official.groups
    assert load_catalogs([OFFICIAL]).groups == official.groups


def test_a_catalog_of_ones_own_wins_over_the_official_one(official, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "folder: here\ngroups:\n"
        "  coco_train: {dataset: coco, split: train, files: [{file: a.jsonl}]}\n"
        "  mine: {dataset: x, split: test, files: [\n"
        "    {file: ade20k_train_localized_narratives.jsonl}]}"
    )
    both = load_catalogs([str(path)])
    assert both.files("coco_train") == ["here/a.jsonl"]
    assert both.lookup("ade20k_train_localized_narratives.jsonl").dataset == "x"
    rest = official.groups.keys() - {"coco_train", "ade20k_train"}
    assert both.groups.keys() == rest | {"coco_train", "mine"}


def test_an_installed_package_has_the_official_catalog(tmp_path):
    for name in ("pipelines", "transforms"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.py", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, tmp_path)
    command = [sys.executable, "setup.py", "-q", "build", "--build-base", "built"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    (built,) = tmp_path.glob("built/lib*/pipelines/catalog/catalog.yaml")
    assert not built.is_symlink() and built.read_text() == pathlib.Path(OFFICIAL).read_text()
    beside = {path.name for path in (ROOT / "configs" / "catalog").iterdir()}
    assert {path.name for path in built.with_name("published").iterdir()} == beside
    assert catalogs.OFFICIAL.resolve() == pathlib.Path(OFFICIAL)
