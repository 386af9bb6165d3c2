"""A job from the outside stands on the same machinery: units, records, versions, command."""

import collections
import gzip
import json

import fastavro
import pyarrow.parquet as pq
import pytest

from tests import build_helpers as helpers
from tests.pipelines.runs import token_captions
from transforms.core.base.errors import UsageError

LINES = [f"10000927{image:02d}.jpg#{number}\tTwo young guys, number {number} ."
         for image in range(20) for number in range(5 - image % 2)]  # fmt: skip
"""In the form of `results_20130124.token`."""


@pytest.fixture
def tokens(tmp_path):
    lines = [*LINES[:40], "no caption at all", "", *LINES[40:]]
    path = tmp_path / "results.token"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def run(output, path, *more):
    return token_captions.main(["--input", str(path), "--output", str(output),
                                "--unit-bytes", "1024", "--max-bad-share", "0.05",
                                *map(str, more)])  # fmt: skip


def captions_of(output):
    return pq.read_table(helpers.version_of(output) / "captions").to_pylist()


def test_its_tables_statistics_manifest_and_report_are_made(tmp_path, tokens, capsys):
    output = tmp_path / "out"
    assert run(output, tokens) == 0
    assert capsys.readouterr().out.endswith("90 captions\n")
    rows = captions_of(output)
    data = tokens.read_bytes()
    assert [f"{row['image_id']}.jpg#{row['number']}\t{row['caption']}" for row in rows] == LINES
    assert all(data[row["byte_offset"] :].startswith(row["image_id"].encode()) for row in rows)
    assert {row["words"] for row in rows} == {6}
    folder, manifest = helpers.version_of(output), helpers.manifest_of(output)
    (rejected,) = folder.glob("rejected/*.avro")
    with rejected.open("rb") as file:
        (bad,) = fastavro.reader(file)
    assert bad["raw"] == b"no caption at all\n" and bad["code"] == "not_a_caption"
    assert [row["line"] for row in manifest["bad_lines"]] == [41]
    per_image = pq.read_table(folder / "captions_per_image").to_pylist()
    assert per_image == [{"captions": 4, "images": 10}, {"captions": 5, "images": 10}]
    assert len(manifest["units"]) > 3 and manifest["job"] == "tokens"
    (shard,) = manifest["shards"]
    assert (shard["lines"], shard["captions"], shard["rejected"], shard["blank"]) == (92, 90, 1, 1)
    assert shard["conserved"] and manifest["counts"]["rows"] == {"captions": 90, "rejected": 1}
    helpers.assert_complete(folder)
    report = (folder / "report.html").read_text()
    for text in ("Captions of a token file", "10 × 4", "not a caption", "✓ holds", "results.token"):
        assert text in report


def test_it_resumes_does_nothing_and_does_what_changed(tmp_path, tokens, capsys):
    output, other = tmp_path / "out", tmp_path / "other"
    assert run(output, tokens) == 0
    version = helpers.version_of(output)
    capsys.readouterr()
    assert run(output, tokens, "--unit-bytes", 2048, "--dry-run") == 0
    assert "changed --unit-bytes: 1024, now 2048: 2 units" in capsys.readouterr().out
    assert run(output, tokens) == 0
    assert "Nothing to do." in capsys.readouterr().out
    assert helpers.version_of(output) == version
    (output / "CURRENT").unlink()
    lost = sorted(output.glob("units/*/record"))[1]
    lost.unlink()
    assert run(output, tokens) == 0
    assert "1 unit pending" in capsys.readouterr().out
    assert helpers.version_of(output) == version
    assert run(other, tokens, "--unit-bytes", 1 << 20) == 0
    assert captions_of(other) == captions_of(output)


@pytest.mark.long
def test_a_compressed_shard_in_processes_gives_the_same(tmp_path, tokens):
    packed = tmp_path / "results.token.gz"
    packed.write_bytes(gzip.compress(tokens.read_bytes()))
    assert run(tmp_path / "one", tokens) == run(tmp_path / "two", packed, "--workers", 2) == 0
    one, two = (helpers.without(captions_of(tmp_path / name), "shard") for name in ("one", "two"))
    assert one == two and len(one) == 90


def test_bad_lines_and_wrong_options_end_it_as_the_main_job(tmp_path, tokens, capsys):
    assert run(tmp_path / "out", tokens, "--max-bad-share", 0, "--summary", "json") == 3
    printed = capsys.readouterr()
    assert "1 of 91 lines is bad" in printed.err
    found = json.loads(printed.out)
    assert found["status"] == "too_many_bad_lines" and found["counts"]["rejected"]
    assert not (tmp_path / "out" / "CURRENT").exists()
    with pytest.raises(UsageError, match="unknown flag `--imput`; did you mean `--input`"):
        run(tmp_path / "out", tokens, "--imput", "x")


def test_what_it_merges_is_what_was_added():
    parts = [
        token_captions.CaptionsPerImage({"a": 1, "b": 2}),
        token_captions.CaptionsPerImage({"a": 1}),
    ]
    merged = token_captions.CaptionsPerImage()
    for part in parts:
        merged.merge(token_captions.CaptionsPerImage.unpack(json.loads(json.dumps(part.pack()))))
    assert merged.images == collections.Counter({"a": 2, "b": 2})
