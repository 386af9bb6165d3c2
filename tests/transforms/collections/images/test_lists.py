"""Lists of images of versions that are written here, beside loops over the same rows."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.images.job import main
from tests import build_helpers as helpers
from transforms.collections.images.lists import Cutting, make_lists, read_lists
from transforms.core.base.errors import UsageError
from transforms.core.model.columns import TERM
from transforms.core.model.manifest import FORMAT, Manifest, encode_manifest
from transforms.core.model.manifest_entries import TableFile
from transforms.core.model.narratives.schemas import NARRATIVES
from transforms.core.model.units import LineCounts

RELEASES = pa.schema(
    [("release", TERM), ("split", TERM), ("image_id", pa.string()),
     ("original_url", pa.string()), ("original_landing_url", pa.string()), ("license", TERM),
     ("author_profile_url", pa.string()), ("author", pa.string()), ("title", pa.string()),
     ("original_size", pa.int64()), ("original_md5", pa.string()),
     ("thumbnail_300k_url", pa.string()), ("rotation", pa.float64())]
)  # fmt: skip
"""The table `images` of versions of releases of Open Images."""

SHARDS = {"a/images.csv": range(0, 12), "b/images.csv": range(8, 20), "a_images.csv": range(20, 22),
          "c.csv": range(3)}  # fmt: skip


def write_version(folder, job, table, files):
    """A version of a job with one table: its files by shard."""
    folder.mkdir(parents=True)
    entries = []
    for number, (shard, rows) in enumerate(files):
        path = f"{table}/{table}-{number:05d}.parquet"
        (folder / table).mkdir(parents=True, exist_ok=True)
        pq.write_table(rows, folder / path)
        entries.append(
            TableFile(table=table, path=path, shard=shard, rows=len(rows), bytes=0, crc32c=0)
        )
    manifest = Manifest(
        format=FORMAT, job=job, version="0" * 16, created="", previous=None, configuration={},
        code="", packages={}, warnings=[], inputs=[], shards=[], counts=LineCounts(), units=[],
        bad_lines=[], files=entries, checks=[], pages=[], seal="",
    )  # fmt: skip
    (folder / "manifest.json").write_bytes(encode_manifest(manifest))
    return str(folder)


def release_row(number, split):
    size = 100 * number or None
    return {"release": "v3", "split": split, "image_id": f"{number:016x}", "license": "by",
            "original_url": f"http://127.0.0.1:9/{number}.jpg", "original_size": size,
            "thumbnail_300k_url": f"http://127.0.0.1:9/{number}_z.jpg" if number % 3 else None,
            "title": f"“{number}”", "rotation": 90.0}  # fmt: skip


@pytest.fixture
def releases(tmp_path):
    files = [
        (shard, pa.Table.from_pylist([release_row(n, "train") for n in numbers], schema=RELEASES))
        for shard, numbers in SHARDS.items()
    ]
    return write_version(tmp_path / "versions" / ("0" * 16), "open-images", "images", files)


def lines_of(folder, one):
    return [json.loads(line) for line in (folder / one.name).read_text().splitlines()]


def test_images_of_releases_are_listed_once_with_all_that_is_known(tmp_path, releases):
    folder = tmp_path / "lists"
    lists = make_lists(releases, str(folder), Cutting("original", True, 5, 1 << 30))
    assert read_lists(str(folder)) == lists
    assert len({one.name for one in lists}) == 4  # a/images.csv and a_images.csv have one label
    seen = set()
    for one, numbers in zip(lists, SHARDS.values(), strict=True):
        new = [number for number in numbers if number not in seen]
        seen |= set(numbers)
        rows = lines_of(folder, one)
        assert [row["image_id"] for row in rows] == [f"{number:016x}" for number in new]
        assert one.images == len(new)
        for row, number in zip(rows, new, strict=True):
            known = release_row(number, "train")
            assert (row["dataset"], row["split"]) == ("open_images", "train")
            assert (row["captions"], row["boxes"]) == ([], [])
            image = row["image"]
            assert image["url"] == known["original_url"] and image["rotation"] == 90.0
            assert image["thumbnail_url"] == known["thumbnail_300k_url"]
            assert (image["licence"], image["title"]) == ("by", known["title"])
            assert image["original_size"] == known["original_size"]
    (folder / lists[0].name).write_text("cut")
    assert read_lists(str(folder)) is None


def test_a_list_of_no_image_is_a_shard_too(tmp_path, releases):
    (tmp_path / "CURRENT").write_text("0" * 16)
    output = tmp_path / "out"
    more = ["--size", "original", "--attempts", "1", "--unit-images", "5", "--rate", "1000"]
    assert main(["--input", str(tmp_path), "--output", str(output), *more]) == 0
    shards = helpers.manifest_of(output)["shards"]
    assert sorted(shard["failures"] for shard in shards) == [0, 2, 8, 12]
    assert all(shard["conserved"] for shard in shards)
    counts = helpers.manifest_of(output)["counts"]
    assert counts["further"] == {"reasons": {"unreachable": 22}, "retryable": 22}


@pytest.mark.parametrize("limits", [(5, 1 << 30), (100, 3_000), (3, 2_500), (1, 1)])
def test_units_hold_no_more_than_they_may(tmp_path, releases, limits):
    folder, (most, unit_bytes) = tmp_path / "lists", limits
    for one in make_lists(releases, str(folder), Cutting("original", True, most, unit_bytes)):
        data = (folder / one.name).read_bytes()
        assert one.cuts[0] == 0 and one.cuts[-1] == len(data) == one.bytes
        if not one.images:
            assert one.cuts == [0, 0]
            continue
        units, sizes = [], []
        for start, end in zip(one.cuts, one.cuts[1:], strict=False):
            rows = [json.loads(line) for line in data[start:end].splitlines()]
            assert data[:start].endswith(b"\n") or start == 0
            units.append(len(rows))
            sizes.append([row["image"]["original_size"] or 200_000 for row in rows])
        assert max(units) <= most and sum(units) == one.images
        for own, following in zip(sizes, [*sizes[1:], None], strict=True):
            assert sum(own) <= unit_bytes or len(own) == 1
            if following:  # it was full
                assert len(own) == most or sum(own) + following[0] > unit_bytes


def test_captions_of_an_image_stand_together_wherever_they_are(tmp_path):
    names = ["dataset", "split", "image_id", "narrative_id", "caption", "image", "boxes"]
    schema = pa.schema([NARRATIVES.field(name) for name in names])
    rows = [
        {"dataset": dataset, "split": "train", "image_id": str(number % 4),
         "narrative_id": f"{dataset}-{number}", "caption": f"caption {number}"}
        for number in range(9) for dataset in ("coco", "flickr30k")
    ]  # fmt: skip
    files = [
        (shard, pa.Table.from_pylist(part, schema=schema))
        for shard, part in (("a.jsonl", rows[:5]), ("a.jsonl", rows[5:7]), ("b.jsonl.gz", rows[7:]))
    ]
    version = write_version(tmp_path / "version", "build", "narratives", files)
    folder = tmp_path / "lists"
    lists = make_lists(version, str(folder), Cutting("thumbnail", True, 100, 1 << 30))
    assert [one.name for one in lists] == ["a.images.jsonl", "b.images.jsonl"]
    found = [row for one in lists for row in lines_of(folder, one)]
    assert len(found) == 8
    for row in found:
        expected = [
            {"narrative_id": one["narrative_id"], "caption": one["caption"]}
            for one in rows
            if (one["dataset"], one["image_id"]) == (row["dataset"], row["image_id"])
        ]
        assert row["captions"] == expected and row["image"] is None


def test_a_version_without_images_is_refused(tmp_path):
    version = write_version(tmp_path / "version", "captions", "captions", [])
    with pytest.raises(UsageError, match="job 'captions', which names no images: give the output"):
        make_lists(version, str(tmp_path / "lists"), Cutting("original", True, 5, 1))
