"""Exports to WebDataset, loaded by it and compared with the version's rows."""

import collections
import io
import json
import tarfile

import numpy as np
import pytest
import webdataset
from PIL import Image

from tests import build_helpers as helpers
from transforms.core.output.exports.webdataset import narrative_key


@pytest.fixture(scope="module")
def exported(version, tmp_path_factory):
    folder = tmp_path_factory.mktemp("webdataset")
    return version.export("webdataset", folder, "--images", version.pictures, "--shard-bytes",
                          "100kB")  # fmt: skip


def samples_of(folder):
    """All samples by narrative and place."""
    paths = sorted(map(str, (folder / "shards").rglob("*.tar")))
    found = {}
    for sample in webdataset.WebDataset(paths, shardshuffle=False):
        told = json.loads(sample["json"])
        key = told["shard"], told["byte_offset"]
        assert key not in found
        found[key] = sample, told
    return found


def by_place(rows):
    return {(row["shard"], row["byte_offset"]): row for row in rows}


def test_every_narrative_with_a_picture_is_a_sample(version, exported):
    samples, rows = samples_of(exported), by_place(version.rows("narratives"))
    expected = {place for place, row in rows.items() if row["image_id"] in version.sizes}
    assert samples.keys() == expected and len(expected) > 50
    for place, (sample, told) in samples.items():
        row = rows[place]
        assert sample["txt"].decode() == row["caption"]
        size = version.sizes[row["image_id"]]
        assert Image.open(io.BytesIO(sample["jpg"])).size == size == (told["width"], told["height"])
        for name in ("narrative_id", "image_id", "words", "segment_starts", "boxes", "flags",
                     "boxes_status", "labels", "image", "voice_recording"):  # fmt: skip
            assert told[name] == row[name], name
        for axis in "xyt":
            assert np.float32(told["trace"][axis]).tolist() == row["trace"][axis]


def test_mentions_are_those_of_the_narrative(version, exported):
    expected = collections.Counter(
        (row["narrative_id"], row["class_id"], row["char_start"], row["box_index"])
        for row in version.rows("mentions")
        if row["image_id"] in version.sizes
    )
    found = collections.Counter(
        (told["narrative_id"], mention["class_id"], mention["char_start"], mention["box_index"])
        for _, told in samples_of(exported).values()
        for mention in told["mentions"]
    )
    assert found == expected


def test_real_traces_are_the_published_decimals(exported):
    [line] = helpers.lines_of(helpers.REAL, 3)
    published = json.loads(line)
    points = [point for segment in published["traces"] for point in segment]
    found = [told for _, told in samples_of(exported).values()
             if told["image_id"] == published["image_id"]]  # fmt: skip
    assert found, "its picture is missing"
    for axis in "xyt":
        assert found[0]["trace"][axis] == [point[axis] for point in points]


def test_shards_have_a_size_and_one_split_and_no_dates(exported):
    paths = sorted((exported / "shards").rglob("*.tar"))
    assert len(paths) > 10
    for path in paths:
        with tarfile.open(path) as opened:
            members = opened.getmembers()
        assert {(member.mtime, member.uid, member.gid) for member in members} == {(0, 0, 0)}
        assert path.stat().st_size <= 100_000 or len(members) == 3
        datasets = {member.name.partition("-")[0] for member in members}
        assert datasets == {path.parent.name.rpartition("_")[0]}


def test_the_list_of_shards_has_their_sizes(exported):
    listed = json.loads((exported / "shards.json").read_text())
    paths = [shard["path"] for shards in listed.values() for shard in shards]
    assert sorted(paths) == sorted(str(path.relative_to(exported))
                                   for path in (exported / "shards").rglob("*.tar"))  # fmt: skip
    for split, shards in listed.items():
        for shard in shards:
            path = exported / shard["path"]
            assert path.stat().st_size == shard["bytes"] and path.parent.name == split
            own = list(webdataset.WebDataset(str(path), shardshuffle=False))
            assert len(own) == shard["samples"] > 0


def test_the_seal_lists_every_file_once(exported):
    seal = json.loads((exported / "export.json").read_text())
    listed = [file["path"] for file in seal["files"]]
    assert sorted([*listed, "export.json"]) == sorted(helpers.files_below(exported))


def test_narratives_without_a_picture_are_counted_and_listed(version, exported):
    listed = [json.loads(line) for line in (exported / "missing.jsonl").read_text().splitlines()]
    expected = [row for row in version.rows("narratives") if row["image_id"] not in version.sizes]
    told = lambda rows: sorted(row["narrative_id"] for row in rows)  # noqa: E731
    assert told(listed) == told(expected) and len(listed) > 10
    [note] = json.loads((exported / "export.json").read_text())["notes"]
    assert note.startswith(f"{len(listed)} narratives without a picture below")


def test_without_pictures_there_are_captions_and_all_else(version, tmp_path, capsys):
    folder = version.export("webdataset", tmp_path)
    assert "Samples have no picture: --images says where" in capsys.readouterr().out
    samples = samples_of(folder)
    assert samples.keys() == by_place(version.rows("narratives")).keys()
    assert all("jpg" not in sample and told["width"] is None for sample, told in samples.values())
    assert (folder / "missing.jsonl").read_bytes() == b""


def test_repeated_keys_get_the_place_of_their_line():
    row = {"dataset": "coco", "split": "train", "image_id": "1", "annotator_id": 2,
           "shard": "a.jsonl", "byte_offset": 7}  # fmt: skip
    first, again = narrative_key(row, False), narrative_key(row, True)
    assert first == "coco-train-1-2" != again and "." not in again and len(again) <= 80
    assert narrative_key(row | {"byte_offset": 8}, True) != again
