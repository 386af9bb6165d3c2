"""Datasets, splits, recordings and ids."""

import pyarrow as pa
import pytest

from tests.reference import naming as reference
from transforms.core.model.columns import TERM
from transforms.core.model.narratives.naming import (
    dataset_and_split,
    narrative_ids,
    resolve_recording,
)

NAMES = [
    ("mscoco_val2017", "coco", "validation"),
    ("mscoco_train2017", "coco", "train"),
    ("COCO", "coco", None),
    ("ADE20k", "ade20k", None),
    ("ADE20k_validation", "ade20k", "validation"),
    ("Flickr30k_test", "flickr30k", "test"),
    ("Flic_train", "flickr30k", "train"),
    ("open_images_train_v6", "open_images", "train"),
    ("open_images_validation", "open_images", "validation"),
    ("OpenImages", "open_images", None),
    ("OVIS_train", "ovis", "train"),
    ("generated_train", "generated", "train"),
    ("", None, None),
]


@pytest.mark.parametrize(("dataset_id", "dataset", "split"), NAMES)
def test_dataset_and_split(dataset_id, dataset, split):
    assert dataset_and_split(dataset_id) == (dataset, split)
    assert (reference.dataset_of(dataset_id), reference.split_of(dataset_id)) == (dataset, split)


@pytest.mark.parametrize(
    ("dataset_id", "split"),
    [("training_day", None), ("retrieval", None), ("contest", None), ("my-val", "validation")],
)
def test_a_split_is_a_word_of_its_own(dataset_id, split):
    assert dataset_and_split(dataset_id)[1] == split


RECORDINGS = [  # of the four datasets: dataset_id, stored name, annotator, the object's name
    (
        "open_images_train",
        "open_images_train/open_images_train_0e8fa9aba1d34af6_7.ogg",
        7,
        "open_images_train/open_images_train_0e8fa9aba1d34af6_7.ogg",
    ),
    (
        "mscoco_val2017",
        "coco_val/coco_val_137576_93.ogg",
        93,
        "coco_val/coco_val_137576_93.ogg",
    ),
    (
        "Flickr30k_train",
        "flickr30k_train/flickr30k_train_1000092795_119.ogg",
        119,
        "flickr30k_train/flickr30k_train_0000001000092795_119.ogg",
    ),
    (
        "ADE20k",
        "ade20k_validation/ade20k_validation_00000175_4.ogg",
        47,
        "ade20k_validation/ade20k_validation_0000000000000175_47.ogg",
    ),
    ("ade20k_train", "ade20k_train/ade20k_train_1_2.ogg", 2,
     "ade20k_train/ade20k_train_0000000000000001_2.ogg"),
    ("flic", "flickr30k_test/flickr30k_test_36979_2.ogg", 2,
     "flickr30k_test/flickr30k_test_0000000000036979_2.ogg"),
    ("ADE20k", "something/else.ogg", 1, "something/else.ogg"),
    ("ADE20k", "", 1, ""),
    ("ADE20k", None, 1, None),
]  # fmt: skip


@pytest.mark.parametrize(("dataset_id", "stored", "annotator", "name"), RECORDINGS)
def test_recordings_of_the_four_datasets(dataset_id, stored, annotator, name):
    assert resolve_recording(dataset_id, annotator, stored) == name
    assert reference.resolve_recording(dataset_id, stored, annotator) == name


def test_narrative_ids():
    rows = pa.RecordBatch.from_pydict(
        {
            "dataset": pa.array(["coco", None]).cast(TERM),
            "split": pa.array([None, "train"]).cast(TERM),
            "image_id": ["7", "a-b"],
            "annotator_id": [12, -3],
        }
    )
    assert narrative_ids(rows).to_pylist() == ["coco-unknown-7-12", "unknown-train-a-b--3"]
