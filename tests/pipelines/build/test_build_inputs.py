"""The main job's inputs: which files are read, and files that are odd."""

import gzip
import json
import re

import pytest

from pipelines.build.inputs.shards import find_shards
from pipelines.build.options import BuildOptions
from pipelines.catalog import load_catalogs
from tests import build_helpers as helpers
from tests.build_helpers import build
from transforms.core.base.errors import UsageError
from transforms.core.output.jobs.narratives import NARRATIVES


def shard_names(output):
    return [shard["shard"] for shard in helpers.manifest_of(output)["inputs"]]


@pytest.fixture
def shard(tmp_path):
    """A shard of three narratives."""
    return helpers.write_lines(tmp_path / "in" / "a.jsonl", helpers.lines_of(helpers.REAL, 0, 1, 2))


CATALOG = """
folder: {folder}
groups:
  flickr_test:
    dataset: flickr30k
    split: test
    narratives: 3
    files:
      - file: flickr30k_test_localized_narratives.jsonl
        bytes: {size}
"""


def test_names_of_the_catalog_stand_for_their_files(shard, tmp_path):
    named = shard.rename(shard.with_name("flickr30k_test_localized_narratives.jsonl"))
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text(CATALOG.format(folder=named.parent, size=named.stat().st_size))
    output = tmp_path / "out"
    more = ["--catalog", catalog, "--split", "train", "--dataset", "other"]
    assert build(output, ["flickr_test"], *more) == 0
    (described,) = helpers.manifest_of(output)["inputs"]
    assert (described["group"], described["md5"]) == ("flickr_test", None)
    rows = helpers.rows_of(output, "narratives")
    assert {(row["dataset"], row["split"]) for row in rows} == {("flickr30k", "test")}
    assert all("dataset_id_differs" in row["flags"] for row in rows)
    assert [file.name for file in (helpers.version_of(output) / "narratives").iterdir()] == [
        "narratives-00000.parquet"
    ]


LAYOUTS = [
    ("coco_val_captions.jsonl", "coco_val_localized_narratives.jsonl"),
    ("oi_train_v6_captions.jsonl", "oi_train_v6_localized_narratives-00003-of-00010.jsonl"),
    ("coco_val_captions.jsonl.gz", "coco_val_localized_narratives.jsonl"),
]


@pytest.mark.parametrize("names", LAYOUTS)
def test_captions_beside_their_narratives_are_refused(shard, tmp_path, names):
    for name in names:
        (shard.parent / name).write_bytes(shard.read_bytes())
    shard.unlink()
    with pytest.raises(UsageError, match="every caption twice: give one of the two") as error:
        build(tmp_path / "out", [shard.parent / "*.jsonl*"])
    assert all(name in str(error.value) for name in names)


def test_captions_of_another_split_are_read(shard, tmp_path):
    """A captions file alone, and one beside the narratives of another split."""
    names = ("coco_train_captions.jsonl", "coco_val_localized_narratives.jsonl")
    options = BuildOptions(input=[str(shard.parent / "coco*")], output=str(tmp_path / "out"))
    catalog = load_catalogs(options.catalog)
    for number, name in enumerate(names, 1):
        (shard.parent / name).write_bytes(shard.read_bytes())
        assert len(find_shards(options, catalog)) == number


FLICKR_AND_COCO = {
    "images": [{"id": 36979, "width": 640, "height": 480, "coco_url": "http://u"}],
    "annotations": [{"image_id": 36979, "category_id": 1, "bbox": [1, 2, 3, 4], "iscrowd": 0}],
    "categories": [{"id": 1, "name": "person"}],
}


@pytest.mark.parametrize(
    ("dataset_id", "more", "is_joined"),
    [
        ("Flickr30k_train", (), False),
        ("ADE20k_train", (), False),
        ("mscoco_train2017", (), True),
        ("Flickr30k_train", ("--annotations-for", "flickr30k=coco"), True),
        ("mine", (), False),
        ("mine", ("--annotations-for", "mine=coco"), True),
        ("mscoco_train2017", ("--dataset", "flickr30k"), False),
    ],
)
def test_an_image_id_alone_joins_nothing(tmp_path, dataset_id, more, is_joined):
    record = json.loads(helpers.lines_of(helpers.REAL, 0)[0])
    record |= {"dataset_id": dataset_id, "image_id": "36979", "caption": "A person."}
    shard = helpers.write_lines(tmp_path / "a.jsonl", [json.dumps(record).encode() + b"\n"])
    boxes = tmp_path / "instances.json"
    boxes.write_text(json.dumps(FLICKR_AND_COCO))
    output = tmp_path / "out"
    assert build(output, [shard], "--boxes", boxes, *more) == 0
    (row,) = helpers.rows_of(output, "narratives")
    assert (row["boxes_status"], bool(row["image"]), row["labels"]) == (
        ("boxed", True, None) if is_joined else ("unknown", False, None)
    )
    (mention,) = helpers.rows_of(output, "mentions")
    assert mention["class_id"] == (
        "1" if is_joined or dataset_id[:6] == "mscoco" and not more else "/m/01g317"
    )
    flags = helpers.manifest_of(output)["counts"]["flags"]
    assert flags.get("annotations_of_other_dataset", 0) == (not is_joined)


def test_generated_narratives_are_generated_whatever_the_dataset_is_called(tmp_path, capsys):
    lines = [*helpers.lines_of(helpers.GENERATED[0], 0, 1), *helpers.lines_of(helpers.REAL, 0)]
    shard = helpers.write_lines(tmp_path / "a.jsonl", lines)
    output = tmp_path / "out"
    assert build(output, [shard], "--dataset", "coco", "--split", "train") == 0
    assert helpers.manifest_of(output)["counts"]["generated"] == {"coco/train": 2}
    text = " ".join(capsys.readouterr().out.split())
    assert "Contains generated narratives (2 of COCO train): not spoken by people." in text
    assert "COCO train (not real)" in text
    report = (helpers.version_of(output) / "report.html").read_text()
    assert "Contains generated narratives." in report
    card = (helpers.version_of(output) / "README.md").read_text()
    assert "| coco (generated, not spoken by people) | train | 3 | 3 |" in card


def test_a_file_that_is_shorter_than_the_published_one_is_refused(shard, tmp_path, capsys):
    named = shard.rename(shard.with_name("flickr30k_test_localized_narratives.jsonl"))
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text(CATALOG.format(folder=named.parent, size=named.stat().st_size + 1))
    assert build(tmp_path / "out", [named], "--catalog", catalog) == 3
    assert f"the published file {named.stat().st_size + 1:,}: download" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    more = ["--catalog", catalog, "--allow-partial"]
    assert build(tmp_path / "out", [named], *more) == 0


def test_options_name_dataset_and_split_of_unknown_files(shard, tmp_path):
    output = tmp_path / "out"
    assert build(output, [shard], "--dataset", "ade20k", "--split", "validation") == 0
    rows = helpers.rows_of(output, "narratives")
    assert {(row["dataset"], row["split"]) for row in rows} == {("ade20k", "validation")}
    assert all(row["narrative_id"].startswith("ade20k-validation-") for row in rows)


def test_output_files_are_numbered_in_order_and_the_manifest_names_their_shards(shard, tmp_path):
    names = ["_b-val.jsonl", "(1).jsonl", "train.jsonl"]
    shards = [shard.with_name(name) for name in names]
    for path in shards:
        path.write_bytes(shard.read_bytes())
    output = tmp_path / "out"
    assert build(output, [*shards, helpers.ODD_AND_BAD]) == 0
    files = helpers.manifest_of(output)["files"]
    mentions = {file["path"] for file in files if file["table"] == "mentions"}
    for table in ("narratives", "rejected"):
        found = [file for file in files if file["table"] == table]
        for file in found:
            number = file["path"].split("-")[1].split(".")[0]
            assert file["path"].startswith(f"{table}/{table}-") and len(number) == 5
            rows = helpers.read_file(helpers.version_of(output) / file["path"])
            assert {row["shard"] for row in rows} == {file["shard"]}
            assert f"mentions/mentions-{number}.parquet" in mentions
    assert sorted(path.name for path in (helpers.version_of(output) / "narratives").iterdir()) == [
        f"narratives-{number:05d}.parquet" for number in range(4)
    ]


def test_a_file_that_several_patterns_name_is_read_once(shard, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    output = tmp_path / "out"
    assert build(output, [shard, shard.parent / "*.jsonl", "in/a.jsonl", "./in/../in/a.j*"]) == 0
    assert shard_names(output) == ["a.jsonl"]
    assert len(helpers.rows_of(output, "narratives")) == 3


def test_files_of_one_name_are_refused(shard, tmp_path):
    other = helpers.write_lines(tmp_path / "other" / "a.jsonl", helpers.lines_of(shard))
    with pytest.raises(UsageError, match="same name in the output: rename one"):
        build(tmp_path / "out", [shard, other])


def test_catalogued_and_other_shards_never_share_a_name_in_the_output(shard, tmp_path):
    """Dataset and split of the one come from the catalog; of the other they are in its name."""
    named = shard.rename(shard.with_name("flickr30k_test_localized_narratives.jsonl"))
    other = helpers.write_lines(
        named.with_name(f"flickr30k-test-{named.name}"), helpers.lines_of(helpers.REAL, 3, 4)
    )
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text(CATALOG.format(folder=named.parent, size=named.stat().st_size))
    output, more = tmp_path / "out", ["--catalog", catalog]
    told = f"'{other}' and '{named}' would have the same name in the output: rename one"
    with pytest.raises(UsageError, match=re.escape(told)):
        build(output, [other, named], *more)
    other = other.rename(other.with_name("other.jsonl"))
    assert build(output, [other, named], *more) == 0
    manifest = helpers.assert_whole(helpers.version_of(output))
    paths = [file["path"] for file in manifest["files"]]
    assert len(set(paths)) == len(paths)
    assert {row["shard"]: row["narratives"] for row in manifest["shards"]} == {
        named.name: 3,
        other.name: 2,
    }


@pytest.mark.parametrize("name", ["coco_val_asr.jsonl", "x_train_asr-00000-of-00010.jsonl.gz"])
def test_transcriptions_are_not_taken_for_narratives(tmp_path, name):
    path = helpers.write_lines(tmp_path / name, [b"{}\n"])
    with pytest.raises(UsageError, match="give it with --transcripts asr"):
        build(tmp_path / "out", [path])


@pytest.mark.parametrize("content", [b"", b"\n", b"\n \n\t\r\n  "], ids=["empty", "line", "blank"])
def test_a_shard_without_narratives_gives_empty_tables(tmp_path, content):
    path = helpers.write_lines(tmp_path / "nothing.jsonl", [content])
    output = tmp_path / "out"
    assert build(output, [path]) == 0
    manifest = helpers.assert_whole(helpers.version_of(output))
    (line,) = manifest["shards"]
    lines = content.count(b"\n") + (not content.endswith(b"\n") and content != b"")
    assert (line["lines"], line["blank"], line["bytes"]) == (lines, lines, len(content))
    assert sorted((file["table"], file["rows"]) for file in manifest["files"]) == sorted(
        (table, 0) for table in NARRATIVES.all_tables
    )


def test_an_empty_shard_beside_others_costs_nothing(shard, tmp_path):
    empty = helpers.write_lines(tmp_path / "in" / "empty.jsonl", [])
    output = tmp_path / "out"
    assert build(output, [empty, shard]) == 0
    helpers.assert_whole(helpers.version_of(output))
    assert len(helpers.rows_of(output, "narratives")) == 3


@pytest.mark.parametrize("unit_bytes", [1024, 64 << 20])
def test_line_ends_do_not_matter(shard, tmp_path, unit_bytes):
    """The last line without its end, and Windows' line ends, with units shorter than a line."""
    lines = helpers.lines_of(shard)
    bare = helpers.write_lines(tmp_path / "bare" / "a.jsonl", [*lines[:-1], lines[-1].rstrip()])
    windows = [line.replace(b"\n", b"\r\n") for line in lines]
    other = helpers.write_lines(tmp_path / "windows" / "a.jsonl", windows)
    rows = {}
    for path in (shard, bare, other):
        output = path.parent / "out"
        assert build(output, [path], "--unit-bytes", unit_bytes) == 0
        helpers.assert_whole(helpers.version_of(output))
        found = helpers.rows_of(output, "narratives")
        rows[path] = helpers.without(found, "byte_offset")
    assert len(rows[shard]) == 3
    assert rows[shard] == rows[bare] == rows[other]


def test_files_of_captions_alone_are_read_without_words_times_and_traces(shard, tmp_path):
    keys = ("dataset_id", "image_id", "annotator_id", "caption")
    records = [json.loads(line) for line in helpers.lines_of(shard)]
    lines = [json.dumps({key: record[key] for key in keys}).encode() + b"\n" for record in records]
    path = helpers.write_lines(tmp_path / "x_captions.jsonl", lines)
    output = tmp_path / "out"
    assert build(output, [path]) == 0
    rows = helpers.rows_of(output, "narratives")
    assert [row["caption"] for row in rows] == [record["caption"] for record in records]
    for row in rows:
        assert {"no_transcript", "no_trace"} <= set(row["flags"])
        assert row["distance"] is None and row["voice_recording"] is None
        assert row["trace"] == {"x": [], "y": [], "t": []}
        assert "".join(word["text"] for word in row["words"]) == row["caption"].replace(" ", "")
        assert all(word["start_time"] is word["first_point"] is None for word in row["words"])
    assert len(helpers.rows_of(output, "rejected")) == 0


def test_the_same_lines_under_another_name_are_bad(shard, tmp_path):
    """Only files that are known to hold captions alone may lack the other keys."""
    path = helpers.write_lines(tmp_path / "x.jsonl", [b'{"dataset_id": "a", "image_id": "b"}\n'])
    assert build(tmp_path / "out", [path, shard]) == 0
    assert [row["code"] for row in helpers.rows_of(tmp_path / "out", "rejected")] == ["missing_key"]


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_shard_without_a_narrative_ends_the_run_before_it_is_read(
    tmp_path, suffix, capsys, shard
):
    path = tmp_path / f"other.jsonl{suffix}"
    path.write_bytes({"": bytes, ".gz": gzip.compress}[suffix](b"17\n" * 2_000))
    with pytest.raises(UsageError) as caught:
        build(tmp_path / "out", [shard, path])
    assert str(caught.value) == (
        f"--input: {str(path)!r}: none of its first 1,000 lines is a narrative; line 1: "
        "wrong_type: Expected `object`, got `int`; give files of narratives, or --max-bad-share 1 "
        "to have all its lines in the table `rejected`"
    )
    assert not (tmp_path / "out" / "versions").exists()
    assert build(tmp_path / "out", [shard, path], "--max-bad-share", "1") == 0
    manifest = helpers.assert_whole(helpers.version_of(tmp_path / "out"))
    assert manifest["counts"]["rejected"] == {"wrong_type": 2_000}
