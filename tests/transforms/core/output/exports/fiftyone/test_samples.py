"""Samples of FiftyOne from narratives written by hand."""

import copy

import msgspec
import numpy as np
import pytest

from transforms.core.output.exports.fiftyone.samples import (
    COLUMNS,
    Media,
    Piece,
    join_sample,
    narrative_piece,
)

BOX = {"class_id": "/m/0bt9lr", "name": "Dog", "source": "xclick", "is_group_of": False,
       "x_min": 0.25, "y_min": 0.5, "x_max": 0.75, "y_max": 1.0}  # fmt: skip
WORD = {"text": "dog", "start_time": 0.5, "end_time": 1.0, "crosses_gap": False,
        "x_min": 0.125, "y_min": 0.25, "x_max": 0.375, "y_max": 0.75}  # fmt: skip
ROW = {
    "narrative_id": "open_images-train-a1-7", "dataset": "open_images", "split": "train",
    "image_id": "a1", "annotator_id": 7, "shard": "s.jsonl", "byte_offset": 0, "caption": "A dog",
    "distance": 0, "flags": ["no_transcript"], "boxes": [BOX],
    "words": [{**WORD, "text": "A", "x_min": None}, WORD],
    "trace": {"x": np.float32([0.1, 0.5, 1.0]), "y": np.float32([0.0, 0.2, 0.5]),
              "t": np.float32([0.0, 0.5, 2.0])},
    "segment_starts": [0, 2], "image": {"url": "http://i/a1", "licence": "http://l"},
}  # fmt: skip
MENTION = {"class_id": "/m/0bt9lr", "name": "Dog", "text": "dog", "start_time": 0.5,
           "end_time": 1.0, "box_index": 0, "mean_distance": 0.1}  # fmt: skip


MEDIA = Media("data/a1.jpg", "jpg", 40, 30, 1000)


def joined(rows, mentions=(), media=MEDIA):
    """The sample of narratives, whose pieces went through a file."""
    pieces = [narrative_piece(row, mentions, media) for row in rows]
    stored = [msgspec.json.decode(msgspec.json.encode(piece), type=Piece) for piece in pieces]
    return join_sample(stored)


@pytest.fixture
def sample():
    return msgspec.json.decode(joined([ROW], [MENTION, {**MENTION, "box_index": None}]))


def test_narratives_have_just_the_columns_that_are_read():
    assert set(COLUMNS) == ROW.keys()


def test_boxes_are_corner_and_size(sample):
    assert sample["boxes"]["detections"][0]["bounding_box"] == [0.25, 0.5, 0.5, 0.5]
    assert sample["words"]["detections"][0]["bounding_box"] == [0.125, 0.25, 0.25, 0.5]


def test_words_without_trace_have_no_box_but_keep_others_numbers(sample):
    assert [(w["label"], w["index"]) for w in sample["words"]["detections"]] == [("dog", 1)]


def test_trace_breaks_where_the_pointer_left(sample):
    lines = sample["trace"]["polylines"]
    assert [line["points"] for line in lines] == [[[[0.1, 0.0], [0.5, 0.2]]], [[[1.0, 0.5]]]]
    assert [(line["start_time"], line["end_time"]) for line in lines] == [(0.0, 0.5), (2.0, 2.0)]


def test_mentions_are_at_their_closest_box(sample):
    (mention,) = sample["mentions"]["detections"]
    assert (mention["label"], mention["bounding_box"]) == ("Dog", [0.25, 0.5, 0.5, 0.5])


def test_tags_are_dataset_split_and_flags(sample):
    assert sample["tags"] == ["open_images", "train", "no_transcript"]


def test_samples_are_images_and_lie_between_0_and_1_for_sampling(sample):
    assert sample["_media_type"] == "image"
    assert 0 <= sample["_rand"] < 1


def test_samples_know_their_picture_or_its_name_alone(sample):
    known = sample["metadata"]
    assert (known["width"], known["height"], known["size_bytes"]) == (40, 30, 1000)
    assert (known["mime_type"], sample["filepath"]) == ("image/jpeg", "data/a1.jpg")
    assert (sample["url"], sample["licence"]) == ("http://i/a1", "http://l")
    without = msgspec.json.decode(joined([{**ROW, "image": None}], media=Media("a1.jpg")))
    assert without["metadata"] is None and without["filepath"] == "a1.jpg"
    assert (without["url"], without["licence"]) == (None, None)


def test_narratives_without_words_and_trace_have_empty_lists():
    empty = {"words": None, "boxes": None, "flags": None, "segment_starts": None, "caption": None,
             "trace": {"x": [], "y": [], "t": []}}  # fmt: skip
    found = msgspec.json.decode(joined([{**ROW, **empty}, ROW]))
    assert [label["label"] for label in found["captions"]["classifications"]] == ["", "A dog"]
    assert len(found["words"]["detections"]) == 1 and found["boxes"]["detections"] == []
    assert found["mentions"] == {"_cls": "Detections", "detections": []}


def test_narratives_of_one_image_share_its_boxes_and_keep_their_annotator():
    other = {**ROW, "narrative_id": "open_images-train-a1-8", "annotator_id": 8}
    sample = msgspec.json.decode(joined([ROW, other]))
    assert len(sample["boxes"]["detections"]) == 1
    captions = sample["captions"]["classifications"]
    assert [caption["annotator"] for caption in captions] == ["7", "8"]


def test_repeated_narratives_have_ids_of_their_own():
    sample = msgspec.json.decode(joined([ROW, {**ROW, "byte_offset": 99}]))
    ids = [word["_id"]["$oid"] for word in sample["words"]["detections"]]
    assert len(set(ids)) == 2 and all(len(bytes.fromhex(one)) == 12 for one in ids)


def test_the_same_narrative_gives_the_same_bytes():
    assert joined([ROW], [MENTION]) == joined([copy.deepcopy(ROW)], [dict(MENTION)])
