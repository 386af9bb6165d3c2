"""Profiles of versions: measures by hand from a manifest and statistics tables."""

import math

import pyarrow as pa
import pytest

from tests.transforms.core.manifests import index_of, manifest_with
from transforms.core.output.checks.profile import KNOWN, Measured, make_profile
from transforms.core.output.statistics.narratives.distances import Distances
from transforms.core.output.statistics.narratives.localization import Localization
from transforms.core.output.statistics.narratives.noun_counts import NounCounts
from transforms.core.output.statistics.narratives.richness import Richness

OPEN_IMAGES, COCO = ("open_images", "train"), ("coco", "validation")
NUMBERS = ("narratives", "captions", "dataset_id_differs", "with_images", "with_labels",
           "with_boxes", "discarded", "mentions", "with_box")  # fmt: skip


def split(key, *numbers):
    dataset, name = key
    return {"dataset": dataset, "split": name, **dict(zip(NUMBERS, numbers, strict=True))}


def table(kind, name, rows):
    schema = kind.tables[name].schema
    return pa.Table.from_pylist([dict.fromkeys(schema.names) | row for row in rows], schema=schema)


def of(key, **values):
    return {"dataset": key[0], "split": key[1], **values}


MANIFEST = manifest_with(
    annotations=index_of("images", "boxes"),
    splits=[split(OPEN_IMAGES, 8, 7, 1, 8, 0, 6, 2, 20, 5), split(COCO, 2, 2, 0, 0, 0, 0, 0, 4, 0)],
    expected=[
        {"group": "coco_validation", "kind": "narratives", "dataset": "coco",
         "split": "validation", "shards": ["a"], "absent": [], "expected": 2, "read": 2,
         "rejected": 0, "missing": 0, "surplus": 0},
        {"group": "open_images_train", "kind": "narratives", "dataset": "open_images",
         "split": "train", "shards": ["b"], "absent": [], "expected": 9, "read": 8,
         "rejected": 0, "missing": 1, "surplus": 0},
    ],
    counts={"lines": 17, "blank": 1, "narratives": 10, "discarded_narratives": 2,
            "rejected": {"too_deep": 3, "wrong_type": 1}, "flags": {"no_trace": 4},
            "discarded": {"min_words": 2}},
    columns={"narratives": {"caption": "string"}},
)  # fmt: skip

TABLES = {
    "richness": table(
        Richness,
        "richness",
        [
            of(OPEN_IMAGES, captions=8, images=5, words_sum=210.0, words_mean=30.0,
               nouns_sum=0.0, nouns_mean=0.0),
            of(COCO, captions=2, images=2, words_sum=40.0, words_mean=20.0),
        ],
    ),
    "noun_counts": table(NounCounts, "noun_counts", [of(OPEN_IMAGES, nouns=0, captions=7)]),
    "distances": table(
        Distances,
        "distances",
        [of(OPEN_IMAGES, distance=0, narratives=5), of(OPEN_IMAGES, distance=7, narratives=2)],
    ),
    "localization": table(
        Localization,
        "localization",
        [
            of(OPEN_IMAGES, class_id="/m/1", name="Person", mentions=15, points=30,
               points_inside=24),
            of(OPEN_IMAGES, class_id="/m/2", name=None, mentions=5, points=10, points_inside=0),
            of(COCO, class_id="1", name="person", mentions=4, points=0, points_inside=0),
        ],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def profile():
    return make_profile(MANIFEST, TABLES)


def test_measures_of_a_split_are_those_worked_out_by_hand(profile):
    assert profile.splits[OPEN_IMAGES] == {
        "narratives": Measured(8, 8, 1),
        "captions": Measured(7, 7, 1),
        "mentions": Measured(20, 20, 1),
        "images": Measured(5, 5, 1),
        "boxed_mentions": Measured(5, 5, 1),
        "mentions_with_box": Measured(0.25, 5, 20),
        "images_joined": Measured(1.0, 8, 8),
        "boxes_joined": Measured(0.75, 6, 8),
        "dataset_id_differs": Measured(0.125, 1, 8),
        "discarded": Measured(0.2, 2, 10),
        "words": Measured(30.0, 210, 7),  # of the eight captions, one was not measured
        "nouns": Measured(0.0, 0, 8),
        "distance": Measured(2.0, 14, 7),
        "points_inside_box": Measured(0.6, 24, 40),
    }
    assert profile.splits.keys() == {OPEN_IMAGES, COCO}
    for name in ("images_joined", "boxed_mentions", "points_inside_box", "distance"):
        assert name not in profile.splits[COCO]  # the index is not about it, and nothing is known


def test_all_together_are_weighed_by_what_they_are_of(profile):
    whole = profile.whole
    assert whole["narratives"] == Measured(10, 10, 1)
    assert whole["words"] == Measured(pytest.approx(250 / 9), 250, 9)
    assert whole["discarded"] == Measured(pytest.approx(2 / 12), 2, 12)
    assert whole["rejected"] == Measured(0.25, 4, 16)
    assert whole["flagged_no_trace"] == Measured(0.4, 4, 10)
    assert whole["flagged_outside_image"] == Measured(0.0, 0, 10)
    assert math.isclose(whole["points_inside_box"].value, 0.6)
    assert whole.keys() <= set(KNOWN)


def test_terms_and_distributions_are_there(profile):
    assert profile.terms == {
        "splits": {"open_images train": 8, "coco validation": 2},
        "flags": {"no_trace": 4},
        "rejects": {"too_deep": 3, "wrong_type": 1},
        "reasons": {"min_words": 2},
        "classes": {"Person": 15, "/m/2": 5, "person": 4},
        "columns": {"narratives.caption (string)": 1},
    }
    assert profile.distributions == {
        "noun_counts": {OPEN_IMAGES: {0: 7}},
        "distances": {OPEN_IMAGES: {0: 5, 7: 2}},
    }
    assert profile.published == {COCO}
    assert profile.narratives == {OPEN_IMAGES: 8, COCO: 2}


def test_what_a_version_of_an_older_program_lacks_is_not_there():
    older = make_profile(manifest_with(splits=[split(COCO, 2, 2, 0, 0, 0, 0, 0, 4, 0)]), {})
    assert older.distributions == {} and "columns" not in older.terms
    assert "classes" not in older.terms and "rejected" not in older.whole
    assert older.splits[COCO]["narratives"].value == 2 and "words" not in older.splits[COCO]
