"""What is declared of the fields of samples is what samples have."""

import json

from tests.transforms.core.output.exports.fiftyone.test_samples import sample
from transforms.core.output.exports.fiftyone.fields import LABELS, describe_fields, metadata_file

__all__ = ["sample"]  # a fixture

OF_LIBRARY = {"attributes", "mask", "mask_path", "confidence", "index", "logits"}
OF_DATABASE = {"created_at", "last_modified_at", "_dataset_id"}


def names(fields):
    return {field["db_field"] for field in fields}


def test_samples_have_just_the_fields_that_are_declared(sample):
    assert names(describe_fields()) - OF_DATABASE == sample.keys()
    by_name = {field["name"]: field for field in describe_fields()}
    assert names(by_name["metadata"]["fields"]) == sample["metadata"].keys() - {"_cls"}


def test_labels_have_just_the_fields_that_are_declared(sample):
    for field in describe_fields():
        if field["name"] not in LABELS:
            continue
        content = sample[field["name"]]
        kind = field["embedded_doc_type"].rpartition(".")[2]
        assert content["_cls"] == kind
        labels = field["fields"][0]
        found = set().union(*content[labels["name"]])
        assert content[labels["name"]] and labels["name"] == kind.lower()
        assert names(labels["fields"]) - OF_LIBRARY == found - {"_cls", "index"}


def test_boxes_flags_are_declared_where_all_are_null():
    [boxes] = [field for field in describe_fields() if field["name"] == "boxes"]
    declared = {field["name"]: field["ftype"] for field in boxes["fields"][0]["fields"]}
    assert declared["is_occluded"] == "fiftyone.core.fields.BooleanField"


def test_metadata_names_the_version():
    told = json.loads(metadata_file("v1"))
    assert told["info"]["version"] == "v1" and told["media_type"] == "image"
    assert told["version"] and told["sample_fields"] == describe_fields()
