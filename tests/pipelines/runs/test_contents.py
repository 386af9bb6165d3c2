"""What files hold: read once, decided by the content, and looked at again when it is asked for."""

import json
import os
import pathlib
import shutil

import google_crc32c
import pytest

from pipelines.runs import contents as module
from pipelines.runs.contents import Contents
from tests import build_helpers as helpers
from tests.build_helpers import build
from transforms import storage
from transforms.core.base.errors import ChangedError
from transforms.storage import local
from transforms.storage.files import FileInfo

UNIT_BYTES = 100_000
BIG = 3 << 20
"""Bytes of which most are in no sample."""


@pytest.fixture
def big(tmp_path):
    path = tmp_path / "in" / "big.jsonl"
    path.parent.mkdir()
    path.write_bytes(bytes(range(256)) * (BIG // 256))
    return path


class Reads:
    """How often files were read in whole."""

    def __init__(self, monkeypatch):
        self.paths, real = [], module._read
        monkeypatch.setattr(
            module,
            "_read",
            lambda file, *more: (self.paths.append(file.path), real(file, *more))[1],
        )

    def since(self):
        found, self.paths = self.paths, []
        return found


@pytest.fixture
def reads(monkeypatch):
    return Reads(monkeypatch)


def content(output, path, **more):
    (file,) = Contents(str(output), **more).described(storage.match([str(path)]))
    return file.content


def edit(path, at):
    """Changes a bit at a place; size and time of modification stay."""
    helpers.flip_bit(path, 8 * at)


def test_it_is_size_and_crc32c_as_a_bucket_has_them(tmp_path, big):
    crc = google_crc32c.value(big.read_bytes())
    assert content(tmp_path, big) == f"{BIG}-{crc:08x}"


@pytest.mark.parametrize("change", ["nothing", "other output", "touch", "copy", "chmod"])
def test_a_file_is_read_once_and_again_when_it_is_not_the_same_by_all_signs(
    tmp_path, big, reads, change
):
    before = content(tmp_path, big)
    assert reads.since() == [str(big)]
    if change == "touch":
        helpers.touch_later(big)
    if change == "copy":
        shutil.copy2(big, tmp_path / "copy")
        (tmp_path / "copy").replace(big)
    if change == "chmod":
        big.chmod(0o640)
    output = tmp_path / "other" if change == "other output" else tmp_path
    assert content(output, big) == before
    assert len(reads.since()) == (change != "nothing")
    assert content(output, big) == before and reads.since() == []


@pytest.mark.parametrize("at", [5, BIG // 2, BIG - 5])
def test_the_sample_tells_an_edit_that_size_and_times_do_not(
    tmp_path, big, reads, monkeypatch, capsys, at
):
    """On a share, whose inodes and times of change another machine does not know."""
    before = content(tmp_path, big)
    edit(big, at)
    monkeypatch.setattr(local.platform, "node", lambda: "another machine")
    assert content(tmp_path, big) != before and len(reads.since()) == 2
    assert (
        f"'{big}' was edited though its size and time are as they were" in capsys.readouterr().err
    )


def test_what_no_sign_tells_is_found_by_reading_all(tmp_path, big, reads, monkeypatch, capsys):
    before = content(tmp_path, big)
    edit(big, BIG // 3)
    monkeypatch.setattr(local.platform, "node", lambda: "another machine")
    assert content(tmp_path, big) == before and len(reads.since()) == 1
    after = content(tmp_path, big, verify=True)
    assert after != before and len(reads.since()) == 1
    assert "was edited though its size and time are as they were" in capsys.readouterr().err
    assert content(tmp_path, big) == after and reads.since() == []


def test_an_edit_of_the_same_size_and_time_is_found_on_the_same_machine(tmp_path, big):
    before = content(tmp_path, big)
    edit(big, BIG // 3)
    assert content(tmp_path, big) != before


@pytest.mark.parametrize("harm", [b"", b"{", b"[]", b'{"shard": 1}'])
def test_a_record_that_is_corrupt_is_made_again(tmp_path, big, reads, harm):
    before = content(tmp_path, big)
    (record,) = (tmp_path / "checksums").iterdir()
    whole = record.read_bytes()
    record.write_bytes(harm)
    assert content(tmp_path, big) == before and len(reads.since()) == 2
    assert record.read_bytes() == whole and json.loads(whole)["shard"] == big.name


def test_nothing_is_kept_where_nothing_shall_change(tmp_path, big):
    content(tmp_path / "out", big, keep=False)
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_replaced_while_it_is_read_has_no_content(tmp_path, big):
    (file,) = storage.match([str(big)])
    helpers.touch_later(big)
    with pytest.raises(ChangedError, match="was changed during the run"):
        Contents(str(tmp_path)).described([file])
    assert not (tmp_path / "checksums").exists()


def test_what_a_store_knows_is_not_read(tmp_path, reads):
    file = FileInfo("gs://b/a", 3, "1-2", content="3-0000000a")
    assert Contents(str(tmp_path), verify=True).described([file]) == [file]
    assert reads.since() == []


def test_many_bytes_are_told_of(tmp_path, big, monkeypatch, capsys):
    monkeypatch.setattr(module, "_TOLD_BYTES", BIG)
    content(tmp_path, big)
    told = f"Reading 1 file, {BIG:,} bytes, to know their content.\n"
    assert capsys.readouterr().err == told


@pytest.fixture
def shards(tmp_path):
    return [
        pathlib.Path(shutil.copy(path, tmp_path)) for path in (helpers.GENERATED[0], helpers.REAL)
    ]


def test_touching_all_files_redoes_nothing(tmp_path, shards, capsys):
    output, boxes = tmp_path / "out", tmp_path / "boxes.csv"
    sample = helpers.ROOT / "samples/open_images/train"
    shutil.copy(sample / "annotations-human-bbox.csv", boxes)
    more = ["--unit-bytes", UNIT_BYTES, "--boxes", boxes]
    assert build(output, shards, *more) == 0
    before = {name: status for name, status in helpers.files_below(output).items()
              if not name.startswith(("checksums/", "runs/"))}  # fmt: skip
    for path in (*shards, boxes):
        helpers.touch_later(path)
    capsys.readouterr()
    assert build(output, shards, *more) == 0
    assert "Nothing to do" in capsys.readouterr().out
    assert {name: helpers.files_below(output)[name] for name in before} == before
    assert len(list((output / "indexes").iterdir())) == 1


def test_an_edit_of_a_words_letter_redoes_its_shard_alone(tmp_path, shards, capsys, monkeypatch):
    output = tmp_path / "out"
    assert build(output, shards, "--unit-bytes", UNIT_BYTES) == 0
    before = helpers.records_of(output)
    old = helpers.rows_of(output, "narratives")[-1]["caption"]
    status, data = shards[1].stat(), shards[1].read_bytes()
    shards[1].write_bytes(data.replace(old.encode(), old.swapcase().encode()))
    os.utime(shards[1], ns=(status.st_atime_ns, status.st_mtime_ns))
    monkeypatch.setattr(local.platform, "node", lambda: "another machine")
    assert build(output, shards, "--unit-bytes", UNIT_BYTES, "--verify-inputs") == 0
    assert "look after the disk" in capsys.readouterr().err
    after = helpers.records_of(output)
    assert {key: after[key] for key in before} == before
    assert {key.rpartition("-")[0] for key in after.keys() - before.keys()} == {
        key.rpartition("-")[0] for key in before if shards[1].stem in key
    }
    captions = [row["caption"] for row in helpers.rows_of(output, "narratives")]
    assert old.swapcase() in captions and old not in captions
    inputs = helpers.manifest_of(output)["inputs"]
    assert all(row["content"].startswith(f"{row['size']}-") for row in inputs)
