"""Lines and boxes that are readable but beyond any sense: the run publishes, flags and warns."""

import json

import pytest

from tests.build_helpers import build, manifest_of, rows_of

HEADER = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax\n"
LONG = " ".join(["word"] * 40_000)


def line(image, caption, said, start=0.0, end=2.0):
    return {
        "dataset_id": "open_images_train",
        "image_id": image,
        "annotator_id": 1,
        "caption": caption,
        "timed_caption": [{"utterance": said, "start_time": start, "end_time": end}],
        "traces": [[{"x": 0.5, "y": 0.5, "t": 0.1}, {"x": 0.6, "y": 0.5, "t": 0.2}]],
        "voice_recording": "open_images_train/a_1.ogg",
    }


LINES = {
    "usual": line("usual", "a dog", "a dog"),
    "alignment_too_large": line("large", LONG, f"{LONG} more"),
    "caption_too_long": line("long", "dog " * 300_000, "dog " * 300_000),
    "narration_too_short": line("reversed", "a dog", "a dog", 2.0, 1.0),
    "rate": line("rate", "a dog", "a dog", 0.3, 0.30000000000000004),
}


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd")
    shard, boxes = folder / "odd.jsonl", folder / "boxes.csv"
    shard.write_text("".join(json.dumps(own) + "\n" for own in LINES.values()))
    rows = [f"{image},s,/m/0bt9lr,1,0,1e15,1e15,1e15\n" for image in ("usual", "usual", "rate")]
    boxes.write_text(HEADER + "".join(rows) + "usual,s,/m/0bt9lr,1,0.9,0.1,0,1\n")
    build(folder / "out", [shard], "--boxes", boxes, "--tagger", "en_ud_pos")
    return folder / "out"


def test_each_oddity_is_flagged_and_counted(output):
    assert manifest_of(output)["counts"]["narratives"] == len(LINES)
    assert manifest_of(output)["counts"]["flags"] == {
        "alignment_too_large": 1,
        "caption_too_long": 2,
        "inverted_word": 1,
        "narration_too_short": 2,
        "times_out_of_order": 1,
    }


def test_what_could_not_be_computed_is_null(output):
    rows = {row["image_id"]: row for row in rows_of(output, "narratives")}
    assert [rows[image]["distance"] for image in ("usual", "large", "long")] == [0, None, 0]
    assert {word["start_time"] for word in rows["large"]["words"]} == {None}
    assert [bool(rows[image]["richness"]) for image in ("usual", "large", "long")] == [
        True, False, False,
    ]  # fmt: skip
    (richness,) = rows_of(output, "richness")
    assert (richness["narration_seconds_sum"], richness["words_per_second_mean"]) == (6, 1.0)


@pytest.mark.long
def test_boxes_are_published_but_not_used_and_the_user_is_warned(output):
    boxes = [row["box_index"] for row in rows_of(output, "mentions")]
    assert boxes and set(boxes) == {None}
    manifest = manifest_of(output)
    assert manifest["counts"]["outside_boxes"] == 3
    assert manifest["counts"]["inverted_boxes"] == 1
    assert manifest["warnings"] == [
        "boxes.csv: 1 box has a minimum above the maximum and is not used; it is of image usual",
        "boxes.csv: 3 boxes lie beyond -1 to 2 in normalised image coordinates and are not used; "
        "the first is of image usual",
    ]
