"""What FiftyOne makes of an export; run in `.venv-fiftyone`.

`loading.py SCRIPT` runs the lines of docs/exports.md that load it, and describes their views.
FiftyOne finds its database by FIFTYONE_DATABASE_URI.
"""

import json
import os
import pathlib
import sys

LISTS = {"captions": "classifications", "boxes": "detections", "words": "detections",
         "trace": "polylines", "mentions": "detections"}  # fmt: skip


def counts(view):
    """Samples, and labels by field."""
    labels = {field: view.count(f"{field}.{kind}") for field, kind in LISTS.items()}
    return {"samples": len(view), **labels}


def labels_of(view, field, *names):
    """Values of all labels of a field, sample by sample."""
    paths = [f"{field}.{LISTS[field]}.{name}" for name in names]
    columns = [[value for own in view.values(path) for value in own or ()] for path in paths]
    return list(zip(*columns, strict=True))


def describe(dataset, views):
    """All that the test compares."""
    flags = ("is_occluded", "is_truncated", "is_group_of", "is_depiction", "is_inside")
    boxes = dataset.get_field_schema(flat=True)
    return {
        "counts": counts(dataset),
        "views": {name: counts(view) for name, view in views.items()},
        "undeclared": sorted(dataset.get_dynamic_field_schema()),
        "media_type": dataset.media_type,
        "flags": {name: type(boxes[f"boxes.detections.{name}"]).__name__ for name in flags},
        "groups": dataset.count_values("boxes.detections.is_group_of").get(True, 0),
        "tags": dataset.count_sample_tags(),
        "samples": list(zip(*dataset.values(["dataset", "split", "image_id", "narrative_ids"]),
                            strict=True)),
        "widths": dataset.values("metadata.width"),
        "there": sum(map(os.path.isfile, dataset.values("filepath"))),
        "words": labels_of(dataset, "words", "narrative_id", "index", "label", "start_time",
                           "end_time", "bounding_box"),
        "mentions": labels_of(dataset, "mentions", "narrative_id", "label", "text", "box_index",
                              "bounding_box"),
        "points": sum(len(line) for sample in dataset.values("trace.polylines.points")
                      for polyline in sample for line in polyline),
        "times": dataset.count("trace.polylines.times[]"),
        "kinds": sorted({type(getattr(sample[field], LISTS[field])[0]).__name__
                         for sample in dataset for field in LISTS
                         if getattr(sample[field], LISTS[field])}),
    }  # fmt: skip


def main(script):
    names = {}
    exec(compile(pathlib.Path(script).read_text(), script, "exec"), names)
    import fiftyone as fo
    from fiftyone.core.view import DatasetView

    views = {name: view for name, view in names.items() if isinstance(view, DatasetView)}
    try:
        found = describe(names["dataset"], views)
        found["clone"] = counts(names["dataset"].clone())
    finally:
        for name in fo.list_datasets():
            fo.delete_dataset(name)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
