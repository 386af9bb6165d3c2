"""Exports to COCO, loaded by pycocotools and compared with the version's rows."""

import collections
import contextlib
import hashlib
import io
import json
import operator

import numpy as np
import pytest
from pycocotools.coco import COCO

from pipelines.cli.options import with_flags
from pipelines.export.job import main
from tests import build_helpers as helpers
from transforms.core.base.errors import UsageError
from transforms.core.output.exports import coco

# pycocotools has not followed NumPy 2 in one place.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

KINDS = ("captions", "instances", "keypoints")


def load(folder, kind):
    """A kind's files, all splits: by dataset and split."""
    loaded = {}
    for path in sorted((folder / "annotations").glob(f"{kind}_*.json")):
        with contextlib.redirect_stdout(io.StringIO()):
            loaded[path.stem.removeprefix(f"{kind}_")] = COCO(str(path))
    return loaded


@pytest.fixture(scope="module")
def exported(version, tmp_path_factory):
    folder = tmp_path_factory.mktemp("coco")
    return version.export("coco", folder, "--images", version.pictures)


def groups(version, table):
    found = collections.defaultdict(list)
    for row in version.rows(table):
        found[f"{row['dataset']}_{row['split']}"].append(row)
    return found


def number_of(row):
    """An image's number, written again."""
    if row["dataset"] == "coco":
        return int(row["image_id"])
    told = f"{row['dataset']}\0{row['image_id']}".encode()
    return 2**32 + int(hashlib.sha256(told).hexdigest()[:16], 16) % (2**53 - 2**32)


def test_every_narrative_is_a_caption(version, exported):
    files, expected = load(exported, "captions"), groups(version, "narratives")
    assert files.keys() == expected.keys() and "coco_validation" in files
    for name, loaded in files.items():
        rows = expected[name]
        assert list(loaded.anns) == [*range(1, len(rows) + 1)]
        for number, row in zip(loaded.getAnnIds(), rows, strict=True):
            [found] = loaded.loadAnns([number])
            assert found["caption"] == row["caption"] and found["image_id"] == number_of(row)
            assert found["narrative_id"] == row["narrative_id"]
            [image] = loaded.loadImgs([found["image_id"]])
            assert (image["dataset"], image["image_id"]) == (row["dataset"], row["image_id"])
            size = version.sizes.get(row["image_id"])
            assert (image.get("width"), image.get("height")) == (size or (None, None))
            licence = {entry["id"]: entry["url"] for entry in loaded.dataset["licenses"]}
            known = row["image"] or {"licence": None, "url": None}
            assert licence.get(image.get("license")) == known["licence"]
            assert image.get("coco_url") == known["url"]
        assert len(loaded.dataset["images"]) == len({row["image_id"] for row in rows})
        again = loaded.loadRes([{"image_id": loaded.getImgIds()[0], "caption": "a"}])
        assert again.getAnnIds() == [1]


def test_instances_are_the_boxes_of_each_image_once_in_pixels(version, exported):
    boxes = 0
    for name, loaded in load(exported, "instances").items():
        rows = {row["image_id"]: row for row in reversed(groups(version, "narratives")[name])}
        assert {image["image_id"] for image in loaded.dataset["images"]} == (
            rows.keys() & version.sizes.keys()
        )
        for image, row in rows.items():
            found = loaded.loadAnns(loaded.getAnnIds(imgIds=[number_of(row)]))
            expected = row["boxes"] if image in version.sizes else []
            assert len(found) == len(expected or ())
            boxes += len(found)
            for one, box in zip(found, expected or (), strict=True):
                width, height = version.sizes[image]
                x, y, w, h = one["bbox"]
                sides = [box["x_min"] * width, box["y_min"] * height, box["x_max"] * width,
                         box["y_max"] * height]  # fmt: skip
                assert np.allclose([x, y, x + w, y + h], sides, atol=0.006)
                assert one["area"] == pytest.approx(w * h, abs=1e-4)
                assert one["iscrowd"] == bool(box["is_group_of"])
                [category] = loaded.loadCats([one["category_id"]])
                assert (category["class_id"], category["name"]) == (box["class_id"], box["name"])
                mask = loaded.annToMask(one)
                assert mask.shape == (height, width) and abs(mask.sum() - w * h) <= 2 * (w + h) + 2
    assert boxes > 100


def test_keypoints_are_points_of_mentions(version, exported):
    rows = {(row["shard"], row["byte_offset"]): row for row in version.rows("narratives")}
    checked = 0
    for name, loaded in load(exported, "keypoints").items():
        expected = [mention for mention in groups(version, "mentions")[name]
                    if mention["image_id"] in version.sizes]  # fmt: skip
        found = loaded.loadAnns(loaded.getAnnIds())
        for one, mention in zip(found, expected, strict=True):
            told = operator.itemgetter("narrative_id", "text", "char_start", "char_end")
            assert told(one) == told(mention)
            [category] = loaded.loadCats([one["category_id"]])
            assert category["class_id"] == mention["class_id"]
            assert len(one["keypoints"]) == 3 * len(category["keypoints"]) == 3 * coco.POINTS
            assert np.array(category["skeleton"]).max() == coco.POINTS
            points = np.array(one["keypoints"]).reshape(-1, 3)
            assert one["num_keypoints"] == (points[:, 2] > 0).sum()
            assert not points[points[:, 2] == 0].any()
            row = rows[mention["shard"], mention["byte_offset"]]
            check_points(one, mention, row, version.sizes[mention["image_id"]])
            checked += 1
    assert checked > 100


def check_points(one, mention, row, size):
    """Every labelled point is one of the mention's, the first and the last are there."""
    first, end = mention["first_point"], mention["end_point"]
    trace = np.array([row["trace"]["x"][first:end], row["trace"]["y"][first:end]]).T
    inside = trace[((trace >= 0) & (trace <= 1)).all(axis=1)] * size
    labelled = np.array(one["keypoints"]).reshape(-1, 3)
    labelled = labelled[labelled[:, 2] == 2][:, :2]
    for point in labelled:
        assert np.abs(inside - point).max(axis=1).min() <= 0.006
    if len(trace) <= coco.POINTS:
        assert len(labelled) == len(inside)
    if len(trace) and len(inside) == len(trace):
        assert np.allclose(labelled[[0, -1]], inside[[0, -1]], atol=0.006)
        x, y, w, h = one["bbox"]
        assert np.allclose([x, y, x + w, y + h], [*inside.min(0), *inside.max(0)], atol=0.02)
    if mention["box_index"] is None:
        assert one["closest_bbox"] is None
    else:
        assert one["closest_bbox"] == coco.pixel_box(
            row["boxes"][mention["box_index"]], coco.Size(*size)
        )


def test_missing_pictures_are_counted_and_listed(version, exported):
    listed = [json.loads(line) for line in (exported / "missing.jsonl").read_text().splitlines()]
    assert {(one["dataset"], one["image_id"]) for one in listed} == version.missing
    assert len(listed) == len(version.missing) > 10
    seal = json.loads((exported / "export.json").read_text())
    [note] = seal["notes"]
    assert with_flags(note).startswith(f"{len(listed)} images without a picture below --images")
    assert {file["path"] for file in seal["files"]} == (
        helpers.files_below(exported).keys() - {"export.json"}
    )


def test_numbers_are_the_same_in_all_splits_and_in_every_reader(exported):
    numbers = {}
    for loaded in (*load(exported, "instances").values(), *load(exported, "keypoints").values()):
        for number, category in loaded.cats.items():
            assert numbers.setdefault(category["class_id"], number) == number > 0
    assert len(set(numbers.values())) == len(numbers) > 50
    for loaded in load(exported, "captions").values():
        for number, image in loaded.imgs.items():
            assert number == int(float(number)) and (image["dataset"] == "coco") == (number < 2**32)


def test_captions_need_no_pictures(version, tmp_path, capsys):
    folder = version.export("coco", tmp_path)
    printed = capsys.readouterr().out
    assert "Instances and keypoints are in pixels: --images says where" in printed
    names = {path.name.partition("_")[0] for path in (folder / "annotations").iterdir()}
    assert names == {"captions"} and (folder / "missing.jsonl").read_bytes() == b""
    images = [image for one in load(folder, "captions").values() for image in one.imgs.values()]
    assert not any("width" in image for image in images)
    assert {image["file_name"] for image in images} >= {"000000381639.jpg", "000007e5752f8f1c.jpg"}


def test_two_images_of_one_number_are_told(version, tmp_path, monkeypatch):
    numbers = iter([7, 8, 7])
    monkeypatch.setattr(coco, "image_number", lambda *_: next(numbers, None) or 2**40)
    with pytest.raises(Exception, match="get the same number") as error:
        version.export("coco", tmp_path)
    assert "leave one of them out" in str(error.value)
    assert not list(tmp_path.rglob("export.json"))


def test_wrong_use_is_a_sentence(version, tmp_path):
    command = ["--to", "coco", "--input", str(version.output), "--output", str(tmp_path / "out")]
    with pytest.raises(UsageError, match="instances of COCO are in pixels: give the pictures"):
        main([*command, "--annotations", "instances"])
    with pytest.raises(UsageError, match="has no picture"):
        main([*command, "--images", str(helpers.ROOT / "configs")])
    with pytest.raises(UsageError, match="is an output of the job 'build': option `images` takes"):
        main([*command, "--images", str(version.output)])
    with pytest.raises(UsageError, match="option `tables` is for option `to` postgres or bigquery"):
        main([*command, "--tables", "narratives"])
    assert not (tmp_path / "out").exists()
