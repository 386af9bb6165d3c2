"""What is said about input that is not there, is in the wrong place, or is of another kind."""

import gzip

import pytest
import zstandard

from pipelines.cli.options import with_flags
from tests import build_helpers as helpers
from transforms.core.base.errors import UsageError

OPEN_IMAGES = helpers.ROOT / "samples" / "open_images" / "train"
CAPTION = b'{"dataset_id": "a", "image_id": "1", "annotator_id": 1, "caption": "A cat."}\n'


def refusal(tmp_path, shard, *more):
    """The sentence with which a run is refused."""
    with pytest.raises(UsageError) as end:
        helpers.build(tmp_path / "out", [shard], *more)
    assert not list(tmp_path.glob("out/units/*"))
    return with_flags(str(end.value))


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("coco_validaton", "did you mean `coco_validation`?"),
        ("COCO train", "did you mean `coco_train`?"),
        ("open-images-test", "did you mean `open_images_test`?"),
        ("nothing", "check the path"),
    ],
)
def test_a_name_that_the_catalog_does_not_have(tmp_path, monkeypatch, name, remedy):
    monkeypatch.chdir(tmp_path)
    assert refusal(tmp_path, name) == (
        f"there is no file {name!r} and no such name in the catalog: {remedy}"
    )


def test_a_name_of_the_official_catalog_stands_for_its_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expected = "data/localized_narratives/coco/validation/coco_val_localized_narratives.jsonl"
    assert refusal(tmp_path, "coco_validation") == (
        f"`coco_validation` of the catalog stands for {expected!r}, which is not there: fetch it "
        "with `narratives fetch coco_validation`, name the folder that has it with --data, or give "
        "--input the path at which you have it"
    )


def test_a_file_without_a_suffix_is_no_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "narratives").write_bytes(helpers.REAL.read_bytes())
    assert helpers.build(tmp_path / "out", ["narratives"]) == 0


@pytest.mark.parametrize("output", [".", "in", "./in/../in"])
def test_input_below_the_output_is_refused(tmp_path, monkeypatch, output):
    monkeypatch.chdir(tmp_path)
    helpers.write_lines(tmp_path / "in" / "a.jsonl", helpers.lines_of(helpers.REAL, 0))
    with pytest.raises(UsageError, match="is below the output folder .* give --input a pattern"):
        helpers.build(output, ["in/*"])
    assert [path.name for path in tmp_path.rglob("*")] == ["in", "a.jsonl"]


def test_output_below_the_folder_of_the_input_is_fine(tmp_path):
    shard = helpers.write_lines(tmp_path / "a.jsonl", helpers.lines_of(helpers.REAL, 0))
    assert helpers.build(tmp_path / "out", [shard.parent / "a*"]) == 0


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (OPEN_IMAGES / "annotations-human-bbox.csv", "a file of boxes, not a file of narratives: "
         "give it with --boxes"),
        (OPEN_IMAGES / "annotations-human.csv", "a file of labels, not a file of narratives: give "
         "it with --labels"),
        (OPEN_IMAGES / "images.csv", "an image list, not a file of narratives: give it with"),
        (helpers.NARRATIVES / "generated_train_asr-00000-of-00002.jsonl", "a file of transcr"),
        (helpers.NARRATIVES / "generated_train_words-00000-of-00002.jsonl", "a file of word ti"),
    ],
    ids=["boxes", "labels", "images", "asr", "words"],
)  # fmt: skip
def test_files_of_another_kind_are_no_narratives(tmp_path, source, message):
    shard = tmp_path / "a.jsonl"
    shard.write_bytes(source.read_bytes())
    assert f"--input: {str(shard)!r} is {message}" in refusal(tmp_path, shard)


@pytest.mark.parametrize(
    ("pack", "message"),
    [
        (gzip.compress, "is compressed with gzip, not a file of narratives: let its name end in"),
        (zstandard.compress, "is compressed with zstd, not a file of narratives: let its name"),
    ],
)
def test_compressed_narratives_need_their_suffix(tmp_path, pack, message):
    shard = tmp_path / "a.jsonl"
    shard.write_bytes(pack(helpers.REAL.read_bytes()))
    assert message in refusal(tmp_path, shard)


def test_captions_alone_need_their_suffix(tmp_path):
    shard = helpers.write_lines(tmp_path / "a.jsonl", [CAPTION])
    message = refusal(tmp_path, shard)
    assert "is a file of captions alone, not a file of narratives: rename it so that it" in message
    assert message.endswith("ends in _captions.jsonl")
    renamed = shard.rename(tmp_path / "a_captions.jsonl")
    assert helpers.build(tmp_path / "out", [renamed]) == 0
    packed = tmp_path / "b_captions.jsonl.gz"
    packed.write_bytes(gzip.compress(CAPTION))
    assert helpers.build(tmp_path / "out", [packed]) == 0


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("is_framed", [False, True], ids=["of no bytes", "of nothing"])
def test_an_empty_compressed_file_is_an_error(tmp_path, suffix, is_framed):
    compress = {".gz": gzip.compress, ".zst": zstandard.compress}[suffix]
    shard = helpers.write_lines(tmp_path / f"a.jsonl{suffix}", [compress(b"")] * is_framed)
    message = refusal(tmp_path, shard)
    assert f"a.jsonl{suffix}' is corrupt, cut short or not what its name" in message
    assert message.endswith("get it again (it is empty; leave it out if it is meant to be)")


def test_an_empty_compressed_file_beside_others_is_an_error(tmp_path):
    empty = helpers.write_lines(tmp_path / "a.jsonl.gz", [gzip.compress(b"")])
    message = refusal(tmp_path, helpers.REAL, "--input", empty)
    assert "a.jsonl.gz' is corrupt" in message and "it is empty" in message


@pytest.mark.parametrize(
    ("option", "source", "message"),
    [
        ("--boxes", "annotations-human.csv", "this is a file of labels, not a file of boxes: give "
         "it with --labels"),
        ("--labels", "annotations-human-bbox.csv", "this is a file of boxes, not a file of labels: "
         "give it with --boxes"),
        ("--images", "annotations-human.csv", "this is a file of labels, not an image list: give"),
        ("--labels", "images.csv", "this is an image list, not a file of labels: give it with"),
        ("--classes", "images.csv", "this is an image list, not a file of class names: give it"),
        ("--boxes", "../class-descriptions-boxable.csv", "this is a file of class names, not a"),
        ("--boxes", "../../narratives/vidln_as_localized_narratives.jsonl", "this is a file of "
         "narratives, not a file of boxes: give it with --input"),
    ],
)  # fmt: skip
def test_annotations_given_as_others(tmp_path, option, source, message):
    assert message in refusal(tmp_path, helpers.REAL, option, OPEN_IMAGES / source)
