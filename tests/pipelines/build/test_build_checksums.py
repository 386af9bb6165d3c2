"""MD5 of catalogued shards: compared before the work, and read once."""

import base64
import hashlib
import json
import types

import pytest

from pipelines.build.inputs import checksums
from pipelines.build.inputs.checksums import verify_checksums
from pipelines.runs.contents import Contents
from pipelines.runs.failure import Refused
from tests import build_helpers as helpers
from tests.build_helpers import build
from transforms import storage
from transforms.core.base.errors import UsageError
from transforms.core.output.version import ShardPlan
from transforms.storage import google_cloud

NAME = "coco_val_localized_narratives.jsonl"


@pytest.fixture
def shard(tmp_path):
    return helpers.write_lines(tmp_path / "in" / NAME, helpers.lines_of(helpers.REAL, 0, 1))


def catalog_of(shard, md5=None, size=None):
    """A catalog in which the shard is the published file."""
    path = shard.parent / "catalog.yaml"
    data = shard.read_bytes()
    file = {
        "file": NAME,
        "bytes": size or len(data),
        "md5": md5 or hashlib.md5(data).hexdigest(),
    }
    group = {"dataset": "oops", "split": "train", "narratives": 2, "files": [file]}
    path.write_text(json.dumps({"groups": {"coco_validation": group}}))
    return path


def test_the_published_file_is_read_once_and_the_manifest_says_that_it_is_it(
    shard, tmp_path, capsys
):
    command = [tmp_path / "out", [shard], "--catalog", catalog_of(shard)]
    assert build(*command) == 0
    size = shard.stat().st_size
    assert f"Verifying the MD5 of 1 file, {size:,} bytes." in capsys.readouterr().err
    (row,) = helpers.manifest_of(tmp_path / "out")["inputs"]
    assert row["md5_verified"] is True
    assert ">verified<" in (helpers.version_of(tmp_path / "out") / "report.html").read_text()
    assert build(*command) == 0
    assert "Verifying" not in capsys.readouterr().err
    helpers.touch_later(shard)
    assert build(*command) == 0
    assert "Verifying" in capsys.readouterr().err


def test_a_flipped_byte_is_found_before_the_work(shard, tmp_path, capsys):
    catalog = catalog_of(shard)
    expected = hashlib.md5(shard.read_bytes()).hexdigest()
    data = bytearray(shard.read_bytes())
    data[data.index(b"caption") + 15] ^= 1
    shard.write_bytes(data)
    output = tmp_path / "out"
    assert build(output, [shard], "--catalog", catalog) == 3
    error = capsys.readouterr().err
    assert str(shard) in error and expected in error
    assert hashlib.md5(data).hexdigest() in error and "--no-verify-checksums" in error
    assert not (output / "CURRENT").exists() and not (output / "units").exists()
    assert build(output, [shard], "--catalog", catalog) == 3  # what was found is kept
    assert "Verifying" not in capsys.readouterr().err
    assert build(output, [shard], "--catalog", catalog, "--no-verify-checksums") == 0
    (row,) = helpers.manifest_of(output)["inputs"]
    assert row["md5"] == expected and row["md5_verified"] is False
    # what is current is not taken for the published file either
    assert build(output, [shard], "--catalog", catalog) == 3


def test_a_record_that_is_corrupt_is_made_again(shard, tmp_path, capsys):
    command = [tmp_path / "out", [shard], "--catalog", catalog_of(shard)]
    assert build(*command) == 0
    (record,) = (tmp_path / "out" / "checksums").iterdir()
    whole = record.read_bytes()
    record.write_bytes(whole[:20])
    capsys.readouterr()
    assert build(*command) == 0
    assert "Verifying" in capsys.readouterr().err and record.read_bytes() == whole


def plan_of(path, md5="0" * 32):
    (file,) = storage.match([str(path)])
    return ShardPlan(
        file.path,
        file.size,
        file.fingerprint,
        "coco",
        "train",
        "g",
        md5,
        identity=file.identity,
    )


def test_many_files_are_read_and_all_wrong_ones_named(tmp_path, capsys):
    paths = [
        helpers.write_lines(tmp_path / f"{number}.jsonl", [bytes([number]) * 100])
        for number in range(12)
    ]
    right = [plan_of(path, hashlib.md5(path.read_bytes()).hexdigest()) for path in paths]
    verified = verify_checksums(right, Contents(str(tmp_path / "out")))
    assert all(shard.md5_verified for shard in verified)
    assert capsys.readouterr().err == "Verifying the MD5 of 12 files, 1,200 bytes.\n"
    wrong = [plan_of(path) if position in (3, 7) else right[position]
             for position, path in enumerate(paths)]  # fmt: skip
    with pytest.raises(Refused) as refused:
        verify_checksums(wrong, Contents(str(tmp_path / "other")))
    assert "3.jsonl" in str(refused.value) and "7.jsonl" in str(refused.value)
    assert "4.jsonl" not in str(refused.value)


def test_a_file_that_is_replaced_meanwhile_is_not_taken_for_the_old_one(tmp_path):
    path = helpers.write_lines(tmp_path / "a.jsonl", [b"one\n"])
    shard = plan_of(path, hashlib.md5(b"one\n").hexdigest())
    path.write_bytes(b"another\n")
    with pytest.raises(UsageError, match="was changed during the run"):
        verify_checksums([shard], Contents(str(tmp_path / "out")))
    assert not (tmp_path / "out").exists()


def test_shards_without_a_published_checksum_are_not_read(tmp_path, monkeypatch):
    path = helpers.write_lines(tmp_path / "a.jsonl", [b"one\n"])
    monkeypatch.setattr(checksums.storage, "open_binary", None)
    (shard,) = verify_checksums([plan_of(path, None)], Contents(str(tmp_path)))
    assert shard.md5_verified is False


@pytest.mark.parametrize("composed", [False, True])
def test_a_buckets_own_checksum_is_taken_where_it_has_one(monkeypatch, composed):
    digest = hashlib.md5(b"one\n")
    blob = types.SimpleNamespace(
        reload=lambda: None,
        generation=5,
        crc32c=base64.b64encode((7).to_bytes(4, "big")).decode(),
        md5_hash=None if composed else base64.b64encode(digest.digest()).decode(),
    )
    monkeypatch.setattr(google_cloud, "_blob", lambda path: blob)
    found = storage.stored_md5("gs://b/a.jsonl", "5-7")
    assert found == (None if composed else digest.hexdigest())
    with pytest.raises(UsageError, match="was changed during the run"):
        storage.stored_md5("gs://b/a.jsonl", "4-7")


def test_nothing_is_read_for_a_file_of_another_size(shard, tmp_path, monkeypatch):
    catalog = catalog_of(shard, size=shard.stat().st_size + 1)
    monkeypatch.setattr(hashlib, "md5", None)
    more = ["--catalog", catalog, "--allow-partial"]
    assert build(tmp_path / "out", [shard], *more) == 0


def test_files_of_transcriptions_are_compared_too(shard, tmp_path, capsys):
    catalog = catalog_of(shard)
    content = json.loads(catalog.read_text())
    published = {"file": "coco_val_asr.jsonl", "bytes": 300, "md5": "0" * 32}
    content["groups"]["coco_validation"]["transcripts"] = [published]
    catalog.write_text(json.dumps(content))
    asr = shard.with_name("coco_val_asr.jsonl")
    more = ["--catalog", catalog, "--transcripts", "asr", "--transcript-files", asr]
    for size, said in ((299, "has 299 bytes, the published file 300"), (300, "has the MD5")):
        asr.write_bytes(b" " * size)
        assert build(tmp_path / "out", [shard], *more) == 3
        error = capsys.readouterr().err
        assert f"{asr} {said}" in error and NAME not in error
