"""Pieces of several files, merged by image."""

import msgspec
import pytest

from tests.transforms.core.output.exports.fiftyone.test_samples import MEDIA, ROW
from transforms.core.output.exports.fiftyone.samples import narrative_piece
from transforms.versions.exports.files.fiftyone import pieces
from transforms.versions.exports.files.fiftyone.pieces import PieceSorter, merge_pieces
from transforms.versions.exports.files.fiftyone.samples import SampleFolders
from transforms.versions.exports.files.folder import ExportFolder


def write(folder, path, *images, split="train"):
    """A file's pieces; narratives are named by file, image and place."""
    sorter = PieceSorter()
    for number, image in enumerate(images):
        row = {**ROW, "image_id": image, "split": split,
               "narrative_id": f"{path}-{image}-{number}"}  # fmt: skip
        sorter.add(narrative_piece(row, [], MEDIA))
    written, files = sorter.write(folder, path)
    assert [own.path for own in written] == [file.path for file in files]
    return written


@pytest.mark.parametrize("block", [1, 7, 1000, 1 << 20])
def test_an_images_narratives_come_together_in_the_order_of_files(tmp_path, monkeypatch, block):
    monkeypatch.setattr(pieces, "_BLOCK", block)
    monkeypatch.setattr(pieces, "_LARGE_BLOCK", block)
    folder = ExportFolder(str(tmp_path))
    [first] = write(folder, "f", "b", "a", "é", "b")
    [second] = write(folder, "g", "c", "b")
    groups = list(merge_pieces(folder, [first.path, second.path]))
    assert [[piece.narrative_id for piece in group] for group in groups] == [
        ["f-a-1"], ["f-b-0", "f-b-3", "g-b-1"], ["g-c-0"], ["f-é-2"],
    ]  # fmt: skip
    told = bytes(narrative_piece(ROW, [], MEDIA).boxes)
    assert {bytes(piece.boxes) for group in groups for piece in group} != {b"[]"}
    assert told.count(b"bounding_box") == bytes(groups[0][0].boxes).count(b"bounding_box") == 1


def test_splits_are_apart_and_nothing_gives_nothing(tmp_path):
    folder = ExportFolder(str(tmp_path))
    sorter = PieceSorter()
    for split in ("train", None):
        sorter.add(narrative_piece({**ROW, "split": split}, [], MEDIA))
    written, _ = sorter.write(folder, "f")
    assert [(own.dataset, own.split) for own in written] == [
        ("open_images", "train"), ("open_images", None),
    ]  # fmt: skip
    assert list(merge_pieces(folder, [])) == []


@pytest.mark.parametrize(("limit", "expected"), [
    (1, [1, 1, 1]), (32, [1, 1, 1]), (33, [2, 1]), (41, [2, 1]), (42, [3]),
])  # fmt: skip
def test_files_of_samples_have_the_size_that_was_said(tmp_path, limit, expected):
    folders = SampleFolders(ExportFolder(str(tmp_path)), "v1", limit)
    assert folders.write("coco_train", [b'{"a":1}', b'{"a":2}', b'{"a":3}']) == 3
    paths = sorted((tmp_path / "samples").glob("*/samples.json"))
    contents = [path.read_bytes() for path in paths]
    assert [content.count(b'{"a') for content in contents] == expected
    assert all(len(content) <= limit for content in contents) or limit == 1
    assert folders.write("ade20k", []) == 0
    assert len(folders.files) == 2 * len(expected)


def test_files_of_samples_are_json(tmp_path):
    folders = SampleFolders(ExportFolder(str(tmp_path)), "v1", 25)
    folders.write("coco", [b'{"a":1}', b'{"a":2}'])
    read = [
        msgspec.json.decode(path.read_bytes()) for path in sorted(tmp_path.rglob("samples.json"))
    ]
    assert read == [{"samples": [{"a": 1}]}, {"samples": [{"a": 2}]}]
