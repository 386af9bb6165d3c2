"""Exports to FiftyOne, read as JSON and compared with the version's rows.

`make test-fiftyone` loads them in the library itself.
"""

import collections
import itertools
import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipelines.export.job import main
from tests import build_helpers as helpers
from transforms.core.base.errors import UsageError


@pytest.fixture(scope="module")
def exported(version, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fiftyone")
    return version.export("fiftyone", folder, "--images", version.pictures, "--part-bytes", "200kB")


def samples_of(folder):
    """All samples, folder by folder."""
    return {
        path.parent.name: json.loads(path.read_text())["samples"]
        for path in sorted((folder / "samples").glob("*/samples.json"))
    }


def by_image(rows):
    found = collections.defaultdict(list)
    for row in rows:
        found[row["dataset"], row["split"], row["image_id"]].append(row)
    return found


@pytest.fixture(scope="module")
def pairs(version, exported):
    """Each sample with its image's narratives."""
    narratives = by_image(version.rows("narratives"))
    samples = list(itertools.chain(*samples_of(exported).values()))
    keys = [(one["dataset"], one["split"], one["image_id"]) for one in samples]
    assert len(keys) == len(set(keys)) and set(keys) == narratives.keys()
    return [(sample, narratives[key]) for key, sample in zip(keys, samples, strict=True)]


def close(box, row):
    sides = [row[name] for name in ("x_min", "y_min", "x_max", "y_max")]
    x, y, width, height = box
    return np.allclose([x, y, x + width, y + height], sides, atol=1e-6)


def test_every_image_is_a_sample_with_all_its_narratives(pairs):
    for sample, rows in pairs:
        assert sample["narrative_ids"] == [row["narrative_id"] for row in rows]
        captions = sample["captions"]["classifications"]
        assert [one["label"] for one in captions] == [row["caption"] for row in rows]
        flags = {flag for row in rows for flag in row["flags"]}
        assert set(sample["tags"]) == {sample["dataset"], sample["split"], *flags} - {None}


def test_words_and_boxes_are_those_of_the_tables(pairs):
    words = 0
    for sample, rows in pairs:
        expected = [
            (row, index, word)
            for row in rows
            for index, word in enumerate(row["words"])
            if word["x_min"] is not None
        ]
        found = sample["words"]["detections"]
        for label, (row, index, word) in zip(found, expected, strict=True):
            assert close(label["bounding_box"], word)
            assert (label["label"], label["index"]) == (word["text"], index)
            assert (label["start_time"], label["end_time"]) == (
                word["start_time"],
                word["end_time"],
            )
            assert label["narrative_id"] == row["narrative_id"]
            words += 1
        boxes = sample["boxes"]["detections"]
        for label, box in zip(boxes, rows[0]["boxes"] or (), strict=True):
            assert close(label["bounding_box"], box) and label["label"] == box["name"]
    assert words > 1000


def test_traces_are_the_points_of_the_tables(pairs):
    for sample, rows in pairs:
        for row in rows:
            lines = [
                one
                for one in sample["trace"]["polylines"]
                if one["narrative_id"] == row["narrative_id"]
            ]
            if len({other["narrative_id"] for other in rows}) < len(rows):
                continue  # a repeated key, whose lines are not told apart
            points = [point for one in lines for part in one["points"] for point in part]
            assert np.float32([x for x, _ in points]).tolist() == row["trace"]["x"]
            assert np.float32([y for _, y in points]).tolist() == row["trace"]["y"]
            times = [time for one in lines for time in one["times"]]
            assert np.float32(times).tolist() == row["trace"]["t"]
            assert len(lines) == len(row["segment_starts"])


def test_mentions_are_at_their_closest_box(version, pairs):
    expected = by_image(row for row in version.rows("mentions") if row["box_index"] is not None)
    count = 0
    for sample, rows in pairs:
        own = expected[sample["dataset"], sample["split"], sample["image_id"]]
        found = sample["mentions"]["detections"]
        told = lambda one, name: (one["narrative_id"], one[name], one["text"], one["box_index"])  # noqa: E731
        assert collections.Counter(told(one, "label") for one in found) == collections.Counter(
            told(one, "name") for one in own
        )
        assert all(close(one["bounding_box"], rows[0]["boxes"][one["box_index"]]) for one in found)
        count += len(found)
    assert count > 50


def test_samples_have_their_pictures(version, exported, pairs):
    missing = set()
    for sample, _ in pairs:
        size = version.sizes.get(sample["image_id"])
        if size is None:
            assert sample["metadata"] is None
            missing.add((sample["dataset"], sample["split"], sample["image_id"]))
        else:
            assert (version.pictures / sample["filepath"]).is_file()
            assert (sample["metadata"]["width"], sample["metadata"]["height"]) == size
    lines = (exported / "missing.jsonl").read_text().splitlines()
    listed = [json.loads(line) for line in lines]
    assert {tuple(one.values()) for one in listed} == missing and len(listed) == len(missing) > 10
    [note] = json.loads((exported / "export.json").read_text())["notes"]
    assert note.startswith(f"{len(listed)} images without a picture below")


def test_files_have_a_size_and_samples_of_one_split_in_order(exported):
    folders = samples_of(exported)
    assert len(folders) > 5
    for name, samples in folders.items():
        path = exported / "samples" / name / "samples.json"
        assert path.stat().st_size <= 200_000 or len(samples) == 1
        assert (path.parent / "metadata.json").is_file()
        splits = {f"{one['dataset']}_{one['split']}" for one in samples}
        assert splits == {name.rpartition("-")[0]}
    ids = [one["_id"]["$oid"] for samples in folders.values() for one in samples]
    assert len(ids) == len(set(ids))
    images = [one["image_id"] for name, samples in folders.items() for one in samples
              if name.startswith("open_images_train")]  # fmt: skip
    assert images == sorted(images)


def test_the_seal_lists_every_file_and_pieces_are_gone(exported):
    seal = json.loads((exported / "export.json").read_text())
    assert sorted(["export.json", *(file["path"] for file in seal["files"])]) == sorted(
        helpers.files_below(exported)
    )
    assert not (exported / "pieces").exists()
    assert sum(seal["rows"].values()) == sum(map(len, samples_of(exported).values()))


def test_another_size_gives_the_same_samples(version, exported, tmp_path, capsys):
    whole = version.export("fiftyone", tmp_path, "--images", version.pictures)
    assert "is in" in capsys.readouterr().out
    flat = [list(itertools.chain(*samples_of(folder).values())) for folder in (exported, whole)]
    assert flat[0] == flat[1]
    assert len(samples_of(whole)) == len({name.rpartition("-")[0] for name in samples_of(exported)})
    version.export("fiftyone", tmp_path, "--images", version.pictures)
    assert "is already in" in capsys.readouterr().out


def test_without_pictures_samples_name_them(version, tmp_path, capsys):
    folder = version.export("fiftyone", tmp_path)
    assert "name their pictures as published: --images says where" in capsys.readouterr().out
    samples = list(itertools.chain(*samples_of(folder).values()))
    assert {one["filepath"] for one in samples} >= {"000000381639.jpg", "000007e5752f8f1c.jpg"}
    assert not any(one["metadata"] for one in samples)
    assert (folder / "missing.jsonl").read_bytes() == b""


def test_options_of_others_are_refused(version, tmp_path):
    command = ["--to", "fiftyone", "--input", str(version.output), "--output", str(tmp_path)]
    with pytest.raises(UsageError, match="option `shard_bytes` is for option `to` webdataset"):
        main([*command, "--shard-bytes", "1MB"])


def test_narratives_of_an_image_come_from_all_files(version, exported, pairs):
    files = sorted((helpers.version_of(version.output) / "narratives").glob("*.parquet"))
    at = collections.defaultdict(set)
    for path in files:
        for row in pq.read_table(path, columns=["dataset", "split", "image_id"]).to_pylist():
            at[tuple(row.values())].add(path.name)
    spread = {key for key, paths in at.items() if len(paths) > 1}
    assert spread
    for sample, rows in pairs:
        key = sample["dataset"], sample["split"], sample["image_id"]
        assert key not in spread or len(sample["narrative_ids"]) == len(rows) > 1
