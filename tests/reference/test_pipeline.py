"""The whole reference on two narratives that can be worked out by hand."""

import json

import pytest
import spacy

from . import build, read_coco, read_open_images

DOG, BALL = "/m/0bt9lr", "/m/018xm"
BOX_HEADER = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax"


def points(*triples):
    return [dict(zip("xyt", triple, strict=True)) for triple in triples]


def utterances(*triples):
    keys = "utterance", "start_time", "end_time"
    return [dict(zip(keys, triple, strict=True)) for triple in triples]


FIRST = {
    "dataset_id": "open_images_train",
    "image_id": "img1",
    "annotator_id": 3,
    "caption": "A dog , big ball",
    "timed_caption": utterances(("A dog", 1, 2), ("ball", 3, 4)),
    "traces": [
        points((0.1, 0.1, 0.5), (0.3, 0.3, 1.0), (0.7, 0.3, 2.0)),
        points((0.7, 0.9, 3.0), (1.1, 0.9, 4.0)),
    ],
    "voice_recording": "open_images_train/img1_3.ogg",
}
SECOND = FIRST | {
    "annotator_id": "7",
    "caption": "The dogs dog",
    "timed_caption": utterances(("The", 0, 0), ("docks", 0, 2)),
    "traces": None,
}


@pytest.fixture
def known(tmp_path):
    files = {
        "boxes.csv": [
            f"{BOX_HEADER},IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside",
            f"img1,xclick,{BALL},1,0.5,0.5,0.1,0.9,0,0,0,0,0",
            f"img1,xclick,{DOG},1,0.2,0.6,0.2,0.6,1,0,-1,0,0",
        ],
        "labels.csv": ["ImageID,Source,LabelName,Confidence", f"img1,verification,{BALL},0"],
        "images.csv": [
            "ImageID,Subset,OriginalURL,License,Author,OriginalSize,Rotation",
            'img1,train,http://x/1.jpg,by,"Doe, J.",12,90.0',
            "img2,train,http://x/2.jpg,by,,,",
        ],
        "classes.csv": [f"{BALL},Ball", f"{DOG},Dog"],
    }
    paths = {name: tmp_path / name for name in files}
    for name, lines in files.items():
        paths[name].write_text("\r\n".join(lines), encoding="utf-8")
    return read_open_images(**{name[:-4]: [path] for name, path in paths.items()})


@pytest.fixture
def shard(tmp_path):
    path = tmp_path / "some_localized_narratives.jsonl"
    lines = [json.dumps(FIRST), "", '{"dataset_id": "cut', json.dumps(SECOND)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_annotations_by_hand(known):
    assert known.classes == [(BALL, "Ball"), (DOG, "Dog")]
    dog = known.boxes["img1"][1]
    assert (dog["name"], dog["x_min"], dog["x_max"]) == ("Dog", 0.2, 0.6)
    assert (dog["is_occluded"], dog["is_truncated"], dog["is_group_of"]) == (True, False, None)
    assert [known.status_of(i) for i in ("img1", "img2", "img3")] == [
        "boxed",
        "none",
        "unknown",
    ]
    assert known.labels["img1"][0]["confidence"] == 0
    assert known.images["img1"]["author"] == "Doe, J."
    assert (known.images["img1"]["original_size"], known.images["img1"]["rotation"]) == (12, 90)
    assert known.images["img2"]["rotation"] is None


def test_narratives_by_hand(known, shard):
    tables = build([shard], known=known)
    first, second = tables["narratives"]
    assert first["narrative_id"] == "open_images-train-img1-3"
    assert (first["distance"], first["flags"]) == (0, ["outside_image"])
    columns = ("text", "start_time", "end_time", "first_point", "end_point", "crosses_gap")
    assert [tuple(word[column] for column in columns) for word in first["words"]] == [
        ("A", 1, 2, 1, 3, False),
        ("dog ,", 1, 2, 1, 3, False),
        # Not said: from the end of "A dog" to the start of "ball"; points at 2.0 and 3.0.
        ("big", 2, 3, 2, 4, True),
        ("ball", 3, 4, 3, 5, False),
    ]
    big = first["words"][2]
    assert [big[edge] for edge in ("x_min", "y_min", "x_max", "y_max")] == [0.7, 0.3, 0.7, 0.9]
    assert first["segment_starts"] == [0, 3]
    assert first["trace"]["t"] == [0.5, 1, 2, 3, 4]
    # "docks" becomes "dogs" by 2 edits (c for g, k away), "dog" by 3: D = 2. "dog" is not said:
    # from the end of "docks" to T1, without a trace the last end: 2 to 2.
    assert second["distance"] == 2
    assert second["flags"] == ["no_trace", "zero_length_utterance"]
    assert [(w["start_time"], w["end_time"]) for w in second["words"]] == [
        (0, 0),
        (0, 2),
        (2, 2),
    ]
    assert second["annotator_id"] == 7
    assert [row["code"] for row in tables["rejected"]] == ["malformed_json"]
    assert tables["shards"] == [
        {
            "shard": shard.name,
            "lines": 4,
            "rejected": 1,
            "blank": 1,
            "narratives": 2,
            "discarded": 0,
        }
    ]


def test_mentions_and_localization_by_hand(known, shard):
    tables = build([shard], known=known)
    dog, ball, silent = tables["mentions"]
    # Points 1 and 2: in the box, and 0.1 right of it.
    assert (dog["class_id"], dog["box_index"], dog["points"], dog["points_inside"]) == (
        (DOG, 1, 2, 1)
    )
    assert dog["mean_distance"] == pytest.approx(0.05)
    assert (dog["char_start"], dog["char_end"], dog["first_word"], dog["end_word"]) == (
        2,
        5,
        1,
        2,
    )
    assert (ball["box_index"], ball["outcome"]) == (None, "without_box_of_class")  # no width
    assert (silent["text"], silent["outcome"]) == ("dog", "without_trace")
    by_class = {row["class_id"]: row for row in tables["localization"]}
    assert by_class[DOG] == {
        "dataset": "open_images",
        "split": "train",
        "class_id": DOG,
        "name": "Dog",
        "mentions": 2,
        "boxed": 1,
        "without_trace": 1,
        "without_box_of_class": 0,
        "points": 2,
        "points_inside": 1,
        "overflow": 0,
    }
    assert by_class[BALL]["without_box_of_class"] == 1
    # The box is 0.4 wide and high from 0.2: x 0.3 and 0.7 are 0.25 and 1.25, y 0.3 is 0.25.
    # Bins of 0.02 from -1: 1.25 / 0.02 = 62.5 and 2.25 / 0.02 = 112.5.
    bins = {(row["bin_x"], row["bin_y"]): row["points"] for row in tables["localization_histogram"]}
    assert bins == {(62, 62): 1, (112, 62): 1}


def test_richness_by_hand(known, shard):
    (row,) = build([shard], known=known, nlp=spacy.blank("en"))["richness"]
    assert (row["captions"], row["images"]) == (2, 1)
    assert (row["words_sum"], row["words_mean"], row["words_deviation"]) == (7, 3.5, 0.5)
    assert (row["narration_seconds_sum"], row["narration_seconds_mean"]) == (5, 2.5)  # 3 and 2
    # 4 / 3 = 1.333333 and 3 / 2 = 1.5
    assert row["words_per_second_sum"] == 2.833333
    assert (row["trace_points_sum"], row["trace_points_deviation"]) == (5, 2.5)  # 5 and 0
    # 0.2 √2 + 0.4 in the first segment, 0.4 in the second
    assert row["trace_length_sum"] == 1.082843
    assert (row["narratives_per_image_mean"], row["narratives_per_image_deviation"]) == (2, 0)


def test_quality_by_hand(known, shard):
    tables = build([shard], known=known, max_distance=1)
    assert [row["narrative_id"] for row in tables["narratives"]] == ["open_images-train-img1-3"]
    assert [row["reasons"] for row in tables["discarded"]] == [["distance"]]
    assert tables["shards"][0]["discarded"] == 1
    assert len(tables["mentions"]) == 2
    # Per character: 2 / 12 = 1 / 6
    assert not build([shard], max_distance_per_char=0.17)["discarded"]
    assert build([shard], max_distance_per_char=0.16)["discarded"]


def test_transcripts_by_hand(shard):
    asr = {("img1", 7): [["the", "a"], ["docks", "dogs dog"]]}
    first, second = build([shard], source="asr", transcripts=asr)["narratives"]
    assert (first["distance"], first["flags"][0]) == (None, "no_transcript")
    assert second["distance"] == 0
    assert second["words"][1]["end_time"] == 2  # times still come from `timed_caption`
    heard = {("img1", 3): [("a", 0.5, 1), ("dog", 1, 1.5), ("big", 1.5, 2), ("ball", 2, 4)]}
    first, second = build([shard], source="words", transcripts=heard)["narratives"]
    assert [word["end_time"] for word in first["words"]] == [1, 1.5, 2, 4]
    assert (second["distance"], second["words"][0]["start_time"]) == (None, None)


def test_inverted_words_and_mentions_collapse_and_are_flagged(known, tmp_path):
    path = tmp_path / "x.jsonl"
    # "Ball" is not said: from the end of "A" (3) to the start of "dog" (2).
    timed = utterances(("A", 0, 3), ("dog", 2, 4))
    narrative = FIRST | {"caption": "A ball dog", "timed_caption": timed, "traces": []}
    path.write_text(json.dumps(narrative), encoding="utf-8")
    tables = build([path], known=known)
    (row,) = tables["narratives"]
    assert row["flags"] == ["no_trace", "inverted_word"]
    assert (row["words"][1]["start_time"], row["words"][1]["end_time"]) == (3, 3)
    # Two words of one mention, said the wrong way round: from 5 to 3.
    known.classes.append(("/m/x", "Big dog"))
    timed = utterances(("Big", 5, 6), ("dog", 2, 3))
    path.write_text(json.dumps(narrative | {"caption": "Big dog", "timed_caption": timed}))
    tables = build([path], known=known)
    assert tables["narratives"][0]["flags"][-1] == "inverted_mention"
    assert [(m["start_time"], m["end_time"]) for m in tables["mentions"]] == [(5, 5)]


def test_given_names_and_the_flag(shard):
    given = {shard.name: ("coco", "validation")}
    first, _ = build([shard], names=given)["narratives"]
    assert first["narrative_id"] == "coco-validation-img1-3"
    assert "dataset_id_differs" in first["flags"]
    first, _ = build([shard], dataset="open_images", split="train")["narratives"]
    assert "dataset_id_differs" not in first["flags"]


def test_coco_by_hand(tmp_path):
    path = tmp_path / "instances_val2017.json"
    content = {
        "images": [{"id": 9, "width": 200, "height": 100, "coco_url": "u", "license": 1}],
        "licenses": [{"id": 1, "url": "by"}],
        "categories": [{"id": 18, "name": "dog"}],
        "annotations": [{"image_id": 9, "category_id": 18, "bbox": [20, 30, 50, 40], "iscrowd": 1}],
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    known = read_coco([path])
    (box,) = known.boxes["9"]
    # 20 / 200, (20 + 50) / 200, 30 / 100, (30 + 40) / 100
    assert [box[edge] for edge in ("x_min", "x_max", "y_min", "y_max")] == [0.1, 0.35, 0.3, 0.7]
    assert (box["name"], box["is_group_of"], known.images["9"]["licence"]) == (
        "dog",
        True,
        "by",
    )
