"""Narratives of an image as a sample of FiftyOne, in the JSON of `fiftyone.types.FiftyOneDataset`.

Boxes are [x, y, width, height] and points [x, y], from the top left, in widths and heights of the
image; times are seconds. See docs.voxel51.com, "Importing data", FiftyOneDataset.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

Row = Mapping[str, Any]

_FLAGS = ("is_occluded", "is_truncated", "is_group_of", "is_depiction", "is_inside")


def describe_sample(
    rows: Sequence[Row], mentions: Sequence[Sequence[Row]], filepath: str
) -> dict[str, Any]:
    """An image with all its narratives: the same narratives give the same sample.

    Args:
      rows: The image's narratives, one at least; `trace` holds lists.
      mentions: Those of each narrative.
      filepath: Where the picture is.
    """
    first = rows[0]
    place = (first["dataset"], first["split"], first["image_id"])
    tags = [name for name in place[:2] if name]
    tags += sorted({flag for row in rows for flag in row["flags"] or ()} - set(tags))
    return {
        "_id": _oid("sample", *place),
        # The database takes samples as they are: without a type they would be of no medium.
        "_media_type": "image",
        "_rand": int(_digest("rand", *place)[:8], 16) / 2**32,
        "filepath": filepath,
        "tags": tags,
        "image_id": first["image_id"],
        "narrative_ids": [row["narrative_id"] for row in rows],
        "captions": _labels("Classifications", [_caption(row) for row in rows]),
        "boxes": _labels(
            "Detections", [_box(first, *box) for box in enumerate(first["boxes"] or ())]
        ),
        "words": _labels("Detections", [word for row in rows for word in _words(row)]),
        "trace": _labels("Polylines", [line for row in rows for line in _lines(row)]),
        "mentions": _labels(
            "Detections",
            [
                made
                for row, own in zip(rows, mentions, strict=True)
                for made in _mentions(row, first["boxes"] or (), own)
            ],
        ),
    }


def extent(box: Row) -> list[float]:
    """Corners as FiftyOne has boxes.

    >>> extent({"x_min": 0.25, "y_min": 0.5, "x_max": 0.75, "y_max": 1.0})
    [0.25, 0.5, 0.5, 0.5]
    """
    x, y = box["x_min"], box["y_min"]
    return [x, y, box["x_max"] - x, box["y_max"] - y]


def _caption(row: Row) -> dict[str, Any]:
    return _label("Classification", row["caption"] or "", row, "caption", distance=row["distance"])


def _box(row: Row, index: int, box: Row) -> dict[str, Any]:
    told = {name: box.get(name) for name in ("class_id", "source", *_FLAGS)}
    made = {"_id": _oid("box", row["dataset"], row["split"], row["image_id"], index)}
    return {**made, "_cls": "Detection", "tags": [], "label": box["name"],
            "bounding_box": extent(box), **told}  # fmt: skip


def _words(row: Row) -> Iterable[dict[str, Any]]:
    """Words with a box, which those without a trace have not."""
    for index, word in enumerate(row["words"] or ()):
        if word["x_min"] is not None:
            told = {name: word[name] for name in ("start_time", "end_time", "crosses_gap")}
            yield _label("Detection", word["text"], row, f"word-{index}", index=index,
                         bounding_box=extent(word), **told)  # fmt: skip


def _lines(row: Row) -> Iterable[dict[str, Any]]:
    """A polyline for each run of the trace in which the pointer did not leave the image."""
    x, y, t = (list(row["trace"][axis]) for axis in "xyt")
    starts = [*(row["segment_starts"] or ()), len(t)]
    for index, (start, end) in enumerate(pairwise(starts)):
        if start < end:
            points = [
                [float(px), float(py)] for px, py in zip(x[start:end], y[start:end], strict=True)
            ]
            yield _label("Polyline", "trace", row, f"trace-{index}", points=[points],
                         closed=False, filled=False, times=[float(time) for time in t[start:end]],
                         start_time=float(t[start]), end_time=float(t[end - 1]))  # fmt: skip


def _mentions(row: Row, boxes: Sequence[Row], mentions: Sequence[Row]) -> Iterable[dict[str, Any]]:
    """Mentions that have a closest box, at that box."""
    for index, mention in enumerate(mentions):
        if mention["box_index"] is not None:
            names = ("class_id", "text", "start_time", "end_time", "box_index", "mean_distance")
            yield _label("Detection", mention["name"], row, f"mention-{index}",
                         bounding_box=extent(boxes[mention["box_index"]]),
                         **{name: mention[name] for name in names})  # fmt: skip


def _label(kind: str, label: str, row: Row, part: str, **told: Any) -> dict[str, Any]:
    """A label of a narrative, by whose id and annotator it can be filtered."""
    line = (row["shard"], row["byte_offset"])
    return {"_id": _oid(row["narrative_id"], *line, part), "_cls": kind, "tags": [], "label": label,
            "narrative_id": row["narrative_id"], "annotator": str(row["annotator_id"]),
            **told}  # fmt: skip


def _labels(kind: str, labels: Sequence[Row]) -> dict[str, Any]:
    return {"_cls": kind, kind.lower(): list(labels)}


def _oid(*names: Any) -> dict[str, str]:
    """An id of the 12 bytes that the database's have, the same in every run."""
    return {"$oid": _digest(*names)[:24]}


def _digest(*names: Any) -> str:
    return hashlib.sha256("\0".join(map(str, names)).encode()).hexdigest()
