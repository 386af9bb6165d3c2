"""`images`: from a version of narratives to verified pictures, through the complete job."""

import collections
import hashlib
import io
import json
import tarfile

import pyarrow.parquet as pq
import pytest
import webdataset
from PIL import Image

from pipelines.images.job import main
from tests import build_helpers as helpers
from tests.pipelines.images import servers
from tests.pipelines.images.conftest import SHARDS
from transforms.core.base.errors import UsageError
from transforms.core.stages.fetch.reasons import REASONS


def run(narratives, output, *more):
    """Runs the job in this process, over units of seven images; returns the exit code."""
    command = ["--input", narratives, "--output", output, "--unit-images", 7, "--rate", 1000,
               "--attempts", 1, *more]  # fmt: skip
    return main([*map(str, command)])


def rows_of(output, table):
    files = sorted((helpers.version_of(output) / table).glob("*.parquet"))
    return [row for path in files for row in pq.read_table(path).to_pylist()]


def by_id(rows):
    return {row["image_id"]: row for row in rows}


def members_of(output):
    """Bytes of all members of all shards, by name."""
    found = {}
    for path in sorted((helpers.version_of(output) / "samples").glob("*.tar")):
        with tarfile.open(path) as shard:
            for member in shard:
                assert member.name not in found and member.mtime == member.uid == 0
                found[member.name] = shard.extractfile(member).read()
    return found


def wanted(narratives):
    """Captions of each image of the version, by another way: rows of the table, in a loop."""
    captions = collections.defaultdict(list)
    for row in rows_of(narratives, "narratives"):
        captions[row["image_id"]].append((row["narrative_id"], row["caption"]))
    return captions


@pytest.fixture(scope="module")
def output(narratives, tmp_path_factory):
    """A version of all originals."""
    folder = tmp_path_factory.mktemp("images") / "out"
    assert run(narratives, folder, "--size", "original") == 0
    return folder


def test_every_image_is_fetched_once_with_all_its_captions(web, narratives, output):
    captions, rows = wanted(narratives), by_id(rows_of(output, "images"))
    assert rows.keys() == captions.keys() and len(rows) > 20
    assert len(rows_of(output, "images")) == len(rows)
    for image, row in rows.items():
        data = web.originals[image]
        assert (row["bytes"], row["width"], row["height"]) == (len(data), 40, 30)
        assert row["sha256"] == hashlib.sha256(data).hexdigest()
        assert (row["verified"], row["fetched_as"]) == ("md5", "original")
        assert (row["format"], row["host"], row["attempts"]) == ("jpg", "127.0.0.1", 1)
        found = [(one["narrative_id"], one["caption"]) for one in row["captions"]]
        assert sorted(found) == sorted(captions[image])
    manifest = helpers.manifest_of(output)
    assert sum(shard["images"] for shard in manifest["shards"]) == len(rows)
    assert all(shard["conserved"] for shard in manifest["shards"])
    assert manifest["source"] == helpers.version_of(narratives).name
    assert rows_of(output, "failures") == []
    [outcome] = rows_of(output, "outcomes")
    assert (outcome["outcome"], outcome["images"]) == ("fetched", len(rows))
    report = (helpers.version_of(output) / "report.html").read_text()
    assert "Outcomes" in report and "127.0.0.1" in report


def test_shards_are_read_by_webdataset_and_by_offsets(web, narratives, output):
    folder, rows = helpers.version_of(output), by_id(rows_of(output, "images"))
    shards = sorted(map(str, (folder / "samples").glob("*.tar")))
    assert len(shards) == len(helpers.manifest_of(output)["units"]) > 3
    samples = list(webdataset.WebDataset(shards, shardshuffle=False))
    assert len(samples) == len(rows)
    for sample in samples:
        told = json.loads(sample["json"])
        image = told["image_id"]
        assert sample["__key__"] == f"generated-{image}"
        assert sample["jpg"] == web.originals[image]
        assert told["captions"] == rows[image]["captions"]
        assert told["boxes"] == rows[image]["boxes"] and told["boxes_are"] == "published"
        assert told["licence"].startswith("https://creativecommons.org/") and told["author"]
    for path in sorted((folder / "images").glob("*.parquet")):
        shard = (folder / "samples" / path.name.replace("images", "samples")).with_suffix(".tar")
        data = shard.read_bytes()
        for row in pq.read_table(path).to_pylist():
            cut = data[row["offset"] : row["offset"] + row["bytes"]]
            assert cut == web.originals[row["image_id"]]
            with tarfile.open(shard) as opened:
                assert opened.getmember(row["member"]).offset_data == row["offset"]


def test_the_same_pictures_give_the_same_bytes(web, narratives, output, tmp_path):
    assert run(narratives, tmp_path / "again", "--size", "original") == 0
    again, first = helpers.version_of(tmp_path / "again"), helpers.version_of(output)
    assert again.name == first.name
    for path in sorted((first / "samples").iterdir()):
        assert (again / "samples" / path.name).read_bytes() == path.read_bytes()


def test_nothing_is_asked_for_twice(web, narratives, output, answers, tmp_path, capsys):
    assert run(narratives, output, "--size", "original") == 0
    assert "Nothing to do" in capsys.readouterr().out
    assert run(narratives, output, "--size", "original", "--if-changed") == 5
    before = helpers.version_of(output)
    boxes = {image: row["boxes"] for image, row in by_id(rows_of(output, "images")).items()}
    pixels = ["--size", "original", "--pixel-boxes"]
    assert run(narratives, output, *pixels) == 0
    assert web.server.paths() == []  # boxes are others, pictures are those that are there
    assert helpers.version_of(output) != before
    for image, row in by_id(rows_of(output, "images")).items():
        assert row["boxes_are"] == "pixels" and row["attempts"] == 1
        sides = {"x_min": 40, "x_max": 40, "y_min": 30, "y_max": 30}
        for box, published in zip(row["boxes"], boxes[image], strict=True):
            assert box == published | {edge: published[edge] * sides[edge] for edge in sides}
    assert run(narratives, output, "--size", "original") == 0
    assert helpers.version_of(output) == before and web.server.paths() == []


def test_failures_are_rows_and_only_what_may_pass_is_attempted_again(
    web, narratives, answers, tmp_path, capsys
):
    output, images = tmp_path / "out", sorted(wanted(narratives))
    planted = {
        "not_found": servers.answer(b"no", 404),
        "gone": servers.answer(b"no", 410),
        "rate_limited": servers.answer(b"", 429),
        "server_error": servers.answer(b"", 502),
        "not_an_image": servers.answer(b"<html></html>", Content_Type="text/html"),
        "empty": servers.answer(b""),
        "truncated": servers.answer(servers.picture()[:-30]),
        "cut": servers.cut(servers.picture(), 50),
        "placeholder": servers.answer(status=302, Location="/x/photo_unavailable_m.png"),
        "wrong_size": servers.answer(servers.picture() + b"!"),
        "wrong_md5": None,
    }
    broken = dict(zip(images, planted, strict=False))
    for image, reason in broken.items():
        data = web.originals[image]
        other = data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]
        answers[f"/original/{image}.jpg"] = planted[reason] or servers.answer(other)
    assert run(narratives, output, "--size", "original") == 0
    rows = by_id(rows_of(output, "failures"))
    assert {image: row["reason"] for image, row in rows.items()} == broken
    assert all(row["retryable"] == REASONS[row["reason"]].retryable for row in rows.values())
    assert all(row["url"] == web.server.url(f"/original/{image}.jpg") and row["message"]
               for image, row in rows.items())  # fmt: skip
    fetched = by_id(rows_of(output, "images"))
    assert fetched.keys() | rows.keys() == set(images) and not fetched.keys() & rows.keys()
    counted = {row["outcome"]: row["images"] for row in rows_of(output, "outcomes")}
    assert counted == {"fetched": len(fetched), **dict.fromkeys(planted, 1)}
    assert "may succeed later" in capsys.readouterr().out
    web.server.requests.clear()
    for image in broken:
        answers[f"/original/{image}.jpg"] = servers.answer(web.originals[image])
    assert run(narratives, output, "--size", "original") == 0
    assert web.server.paths() == []
    assert run(narratives, output, "--size", "original", "--retry-failed") == 0
    passing = {image for image, reason in broken.items() if REASONS[reason].retryable}
    assert sorted(web.server.paths()) == sorted(f"/original/{image}.jpg" for image in passing)
    rows = by_id(rows_of(output, "failures"))
    assert rows.keys() == broken.keys() - passing
    version = helpers.version_of(output)
    assert run(narratives, output, "--size", "original") == 0
    assert helpers.version_of(output) == version
    helpers.assert_nothing_abandoned(output)


@pytest.mark.long
def test_folders_hold_a_file_a_picture(web, narratives, answers, tmp_path):
    output = tmp_path / "out"
    assert run(narratives, output, "--layout", "folders") == 0
    rows = rows_of(output, "images")
    for row in rows:
        data = (output / row["file"]).read_bytes()
        assert data == web.thumbnails[row["image_id"]]
        assert (row["verified"], row["fetched_as"], row["member"]) == ("none", "thumbnail", None)
        assert Image.open(io.BytesIO(data)).size == (row["width"], row["height"])
    found = {str(path.relative_to(output)) for path in (output / "pictures").rglob("*.*")}
    assert found == {row["file"] for row in rows}
    assert not (helpers.version_of(output) / "samples").exists()
    web.server.requests.clear()
    assert run(narratives, output, "--layout", "folders", "--rotate-boxes") == 0
    assert web.server.paths() == []
    assert {row["boxes_are"] for row in rows_of(output, "images")} == {"rotated"}


@pytest.mark.long
def test_a_version_that_grows_asks_for_new_images_alone(web, answers, tmp_path):
    narratives, output = tmp_path / "narratives", tmp_path / "out"
    more = ["--images", web.list, "--unit-bytes", 1 << 18]
    assert helpers.build(narratives, SHARDS[1:], *more) == 0
    assert run(narratives, output) == 0
    before = set(wanted(narratives))
    assert helpers.build(narratives, SHARDS, *more) == 0
    web.server.requests.clear()
    assert run(narratives, output) == 0
    new = set(wanted(narratives)) - before
    assert new and before & {row["image_id"] for row in rows_of(output, "images")}
    assert sorted(web.server.paths()) == sorted(f"/thumbnail/{image}.jpg" for image in new)
    assert by_id(rows_of(output, "images")).keys() == new | before
    assert len(list((output / "lists").iterdir())) == 1


def test_a_dry_run_and_wrong_input_change_nothing(narratives, tmp_path, capsys):
    config = helpers.ROOT / "configs" / "images.yaml"
    assert run(narratives, tmp_path / "out", "--config", config, "--dry-run") == 0
    assert "unit" in capsys.readouterr().out and not (tmp_path / "out").exists()
    with pytest.raises(UsageError, match="has no version: give the output folder of the main job"):
        run(tmp_path, tmp_path / "out")
    with pytest.raises(UsageError, match="has no version 'x'"):
        run(narratives, tmp_path / "out", "--input-version", "x")


def test_versions_of_images_are_verified_and_their_summary_is_for_programs(
    narratives, output, capsys
):
    from pipelines.versions.commands import main as versions

    assert run(narratives, output, "--size", "original", "--summary", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["fetched"], told["failed"]) == (told["images"], 0) and told["reasons"] == {}
    assert (told["status"], told["exit_code"]) == ("unchanged", 0)
    assert versions(["verify", "--output", str(output)]) == 0
    assert run(narratives, output, "--size", "original", "--pixel-boxes") == 0
    capsys.readouterr()
    of = ["--output", str(output), "--format", "json"]
    assert versions(["diff", "previous", "current", *of]) == 0
    tables = {table["table"]: table for table in json.loads(capsys.readouterr().out)["tables"]}
    differing = {"images": {"boxes", "boxes_are", "offset"}, "samples": {"data"}}
    for name, columns in differing.items():
        found = tables[name]
        assert (found["added"], found["removed"], set(found["columns"])) == (0, 0, columns)
    card = (helpers.version_of(output) / "README.md").read_text()
    assert "config_name: images" in card and "config_name: samples" not in card
