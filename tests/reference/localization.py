"""Localization table and histogram (Fig. 4, Fig. 12) by loops over points."""

import bisect

import numpy

EDGES = numpy.linspace(-1, 2, 151).tolist()
COUNTS = (
    "mentions",
    "boxed",
    "without_trace",
    "without_box_of_class",
    "points",
    "points_inside",
    "overflow",
)


def bin_of(value):
    """Bin of a coordinate relative to a box, None outside [-1, 2]; the last edge is closed."""
    if not EDGES[0] <= value <= EDGES[-1]:
        return None
    return min(bisect.bisect_right(EDGES, value) - 1, len(EDGES) - 2)


def bin_of_point(point, box):
    """(bin_x, bin_y) of a point in the frame of a box, None outside."""
    x = bin_of((point[0] - box["x_min"]) / (box["x_max"] - box["x_min"]))
    y = bin_of((point[1] - box["y_min"]) / (box["y_max"] - box["y_min"]))
    return None if x is None or y is None else (x, y)


def tables(mentions):
    """Rows of `localization` and `localization_histogram`.

    Args:
        mentions: (row of table `mentions` with `outcome`, the narrative's points, its boxes).
    """
    counts, bins = {}, {}
    for mention, points, boxes in mentions:
        key = tuple(mention[column] for column in ("dataset", "split", "class_id", "name"))
        row = counts.setdefault(key, dict.fromkeys(COUNTS, 0))
        row["mentions"] += 1
        row[mention["outcome"]] += 1
        if mention["outcome"] != "boxed":
            continue
        for point in points[mention["first_point"] : mention["end_point"]]:
            row["points"] += 1
            place = bin_of_point(point, boxes[mention["box_index"]])
            if place is None:
                row["overflow"] += 1
            else:
                bins[key + place] = bins.get(key + place, 0) + 1
        row["points_inside"] += mention["points_inside"]
    heads = ("dataset", "split", "class_id", "name")
    localization = [dict(zip(heads, key, strict=True)) | row for key, row in counts.items()]
    histogram = [
        dict(zip((*heads, "bin_x", "bin_y"), key, strict=True)) | {"points": number}
        for key, number in bins.items()
    ]
    return localization, histogram
