"""The guard's checks: what is judged, by which limit, and what is not."""

import dataclasses

import msgspec
import pytest

from tests.transforms.core.manifests import index_of, manifest_with
from transforms.core.model.narratives.manifest import Baseline
from transforms.core.output.checks.guard import (
    Limits,
    covered_kinds,
    explain_checks,
    judge_again,
    run_checks,
)

OPEN_IMAGES = index_of("images", "labels", "boxes", "classes")
COCO = index_of("coco_instances")


def split(dataset="open_images", name="train", **changes):
    """A split of 1,000 narratives of which all is as it should be."""
    numbers = {
        "narratives": 1000,
        "captions": 1000,
        "dataset_id_differs": 0,
        "with_images": 1000,
        "with_labels": 1000,
        "with_boxes": 900,
        "discarded": 0,
        "mentions": 4000,
        "with_box": 2000,
    }
    return {"dataset": dataset, "split": name, **numbers, **changes}


def manifest(*splits, annotations=OPEN_IMAGES, bad=0, **configuration):
    kept = sum(row["narratives"] for row in splits)
    return manifest_with(
        splits=list(splits),
        annotations=annotations,
        configuration=configuration,
        counts={
            "lines": kept + bad + 2,
            "blank": 2,
            "narratives": kept,
            "discarded_narratives": sum(row["discarded"] for row in splits),
            "rejected": {"malformed_json": bad} if bad else {},
            "flags": {"no_caption": kept - sum(row["captions"] for row in splits)},
        },
    )


def failed(made, previous=None, **limits):
    checks = run_checks(made, previous, Limits(**limits))
    return [(row.name, row.split) for row in checks if not row.passed]


def test_a_run_as_it_should_be_passes_every_check():
    made = manifest(split(), split(name="validation"))
    checks = run_checks(made, made, Limits())
    assert all(row.passed for row in checks)
    assert {row.name for row in checks} == {
        "bad_lines", "dataset_id_differs", "images_joined", "labels_joined", "boxes_joined",
        "mentions_with_box", "narratives_fewer", "captions_fewer",
    }  # fmt: skip
    assert (checks[0].value, checks[0].limit) == (0, 0.01)
    assert explain_checks(checks) is None


@pytest.mark.parametrize(
    ("changes", "name", "said"),
    [
        ({"dataset_id_differs": 11}, "dataset_id_differs", "11 of 1,000 narratives of open_images"),
        ({"with_images": 249}, "images_joined", "in the image lists (option `images`)"),
        ({"with_labels": 0}, "labels_joined", "in the label files (option `labels`)"),
        ({"with_boxes": 0}, "boxes_joined", "0 of 1,000 narratives of open_images validation have"),
        ({"with_box": 199}, "mentions_with_box", "199 of 4,000 mentions of open_images validation"),
    ],
)
def test_a_split_beyond_a_limit_is_found_among_others(changes, name, said):
    made = manifest(split(), split(name="validation", **changes))
    assert failed(made) == [(name, "validation")]
    message = explain_checks(run_checks(made, None, Limits()))
    assert said in message and "option `m" in message
    loose = {"max_differing_share": 1, "min_joined_share": 0, "min_boxed_share": 0}
    assert failed(made, **loose) == []


def test_a_share_at_its_limit_passes():
    at = split(dataset_id_differs=10, with_images=250, with_labels=250, with_boxes=250,
               with_box=200)  # fmt: skip
    assert failed(manifest(at)) == []
    hundred = dict.fromkeys(("narratives", "captions", "with_images", "with_boxes"), 100)
    at = split(**hundred, with_labels=100, dataset_id_differs=29)
    assert failed(manifest(at), max_differing_share=0.29) == []


def test_images_are_asked_of_the_annotations_of_their_own_dataset():
    none = {"with_images": 0, "with_labels": 0, "with_boxes": 0, "with_box": 0}
    assert failed(manifest(split("oops", **none), split("coco", **none))) == []
    assert len(failed(manifest(split("generated", **none)))) == 4
    boxes_only = [("boxes_joined", "train"), ("mentions_with_box", "train")]
    assert failed(manifest(split("coco", **none), annotations=COCO)) == boxes_only
    assert failed(manifest(split(**none), annotations=COCO)) == []
    assert failed(manifest(split(**none), annotations=None)) == []
    only_labels = index_of("labels")
    assert failed(manifest(split(**none), annotations=only_labels)) == [("labels_joined", "train")]
    assert covered_kinds(None) == {}


def test_a_few_narratives_say_nothing():
    none = {"with_images": 0, "with_labels": 0, "with_boxes": 0, "mentions": 0}
    assert failed(manifest(split(narratives=9, captions=9, **none))) == []
    kinds = [(f"{kind}_joined", "train") for kind in ("images", "labels", "boxes")]
    assert failed(manifest(split(narratives=10, captions=10, **none))) == kinds


def test_a_few_mentions_say_nothing():
    assert failed(manifest(split(mentions=19, with_box=0))) == []
    assert failed(manifest(split(mentions=20, with_box=0))) == [("mentions_with_box", "train")]


def test_fewer_narratives_than_before_in_all_and_by_split():
    before = manifest(split(), split(name="test", narratives=10, captions=10))
    assert failed(manifest(split()), before) == [
        ("narratives_fewer", "test"), ("captions_fewer", "test"),
    ]  # fmt: skip  # 10 of 1,010 are less than one in a hundred
    smaller = manifest(split(narratives=900, captions=900), split(name="test", narratives=10))
    assert ("narratives_fewer", None) in failed(smaller, before)
    assert failed(smaller, before, max_shrink_share=0.2) == []
    assert failed(manifest(split(), split(name="test")), before) == []
    older = msgspec.convert({"counts": msgspec.to_builtins(before.counts)}, Baseline)
    assert failed(manifest(split(narratives=900, captions=900)), older)[0][0] == "narratives_fewer"


@pytest.mark.parametrize("dataset", ["coco", None])
def test_a_loss_in_the_only_split_is_told_once(dataset):
    name = "train" if dataset else None
    before = manifest(split(dataset, name), annotations=None)
    smaller = split(dataset, name, narratives=500, captions=500)
    message = explain_checks(run_checks(manifest(smaller, annotations=None), before, Limits()))
    of_split = " of coco train" if dataset else ""
    assert message == "; ".join(
        f"the number of {noun}{of_split} fell by 500 from the 1,000 of the version before "
        "(50.00%, above option `max_shrink_share` 0.01)"
        for noun in ("narratives", "captions")
    )


def test_a_stricter_quality_rule_may_keep_fewer_captions():
    kept = {"narratives": 700, "captions": 700, "discarded": 300}
    made = manifest(split(**kept), max_distance=3)
    assert failed(made, manifest(split())) == []
    assert ("captions_fewer", None) in failed(made, manifest(split(), max_distance=3))


def test_captions_that_are_empty_now_are_fewer():
    made = manifest(split(captions=900))
    assert failed(made, manifest(split())) == [
        ("captions_fewer", None),
        ("captions_fewer", "train"),
    ]


def test_checks_of_a_current_version_are_judged_by_the_limits_of_now():
    before = manifest(split(narratives=2000, captions=2000))
    checks = run_checks(manifest(split(dataset_id_differs=5)), before, Limits())
    assert not all(row.passed for row in checks)
    assert all(row.passed for row in judge_again(checks, Limits()))
    strict = dataclasses.replace(Limits(), max_differing_share=0.001)
    again = [row.name for row in judge_again(checks, strict) if not row.passed]
    assert again == ["dataset_id_differs"]
