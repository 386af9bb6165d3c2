"""Class mentions by one regular expression, and the closest box of each."""

import math
import re

from . import grounding


def spoken_name(name):
    """A class name as it is said: without qualifiers in parentheses, single spaces."""
    return " ".join(re.sub(r"\([^)]*\)", " ", name).split())


class Matcher:
    """Finds class names in captions.

    Args:
        classes: (class id, name) in file order; of equal spoken names the first wins.
    """

    def __init__(self, classes):
        first = {}
        for class_id, name in classes:
            spoken = spoken_name(name)
            if spoken:
                first.setdefault(spoken.casefold(), (spoken, class_id, name))
        # A name of nothing but marks is never said: a caption of marks alone has no words.
        first = {key: entry for key, entry in first.items() if re.search(r"\w", key)}
        longest_first = sorted(first.values(), key=lambda entry: -len(entry[0]))
        self.classes = [(class_id, name) for _, class_id, name in longest_first]
        alternatives = [
            "(" + r"\s+".join(map(re.escape, spoken.split())) + ")"
            for spoken, _, _ in longest_first
        ]
        # Without classes: an expression that matches nothing.
        body = "|".join(alternatives) or r"(?!)"
        self.pattern = re.compile(rf"(?<!\w)(?:{body})(?!\w)", re.IGNORECASE)

    def find(self, caption):
        """Mentions as (class id, name, char_start, char_end), left to right.

        Python's IGNORECASE takes the Turkish ı and İ for i. Unicode's case folding does not, so
        they are replaced by another letter.
        """
        return [
            (*self.classes[match.lastindex - 1], match.start(), match.end())
            for match in self.pattern.finditer(re.sub("[ıİ]", "\u0259", caption))
        ]


def word_range(words, char_start, char_end):
    """Half-open range of the words that overlap a range of characters."""
    overlapping = [
        index
        for index, word in enumerate(words)
        if word["char_start"] < char_end and word["char_end"] > char_start
    ]
    return overlapping[0], overlapping[-1] + 1


def distance_to_box(point, box):
    """Euclidean distance from a point to a box, 0 inside."""
    dx = max(box["x_min"] - point[0], 0.0, point[0] - box["x_max"])
    dy = max(box["y_min"] - point[1], 0.0, point[1] - box["y_max"])
    return math.hypot(dx, dy)


def is_inside(point, box):
    """Whether a point is in a box or on its edge."""
    across = box["x_min"] <= point[0] <= box["x_max"]
    return across and box["y_min"] <= point[1] <= box["y_max"]


def mean_distance(points, box):
    return math.fsum(distance_to_box(point, box) for point in points) / len(points)


def centre_distance(points, box):
    """Distance of the centres of the points' box and the box, in box widths and heights."""
    x_min, y_min, x_max, y_max = grounding.bounding_box(points)
    dx = (x_min + x_max) / 2 - (box["x_min"] + box["x_max"]) / 2
    dy = (y_min + y_max) / 2 - (box["y_min"] + box["y_max"]) / 2
    width, height = box["x_max"] - box["x_min"], box["y_max"] - box["y_min"]
    return math.hypot(dx / width, dy / height)


def usable_boxes(boxes, class_id, excluded_flags=()):
    """Indices of a class's boxes that have a size, lie near the image and have no excluded flag."""
    return [
        index
        for index, box in enumerate(boxes)
        if box["class_id"] == class_id
        and box["x_max"] > box["x_min"]
        and box["y_max"] > box["y_min"]
        and all(-1 <= box[edge] <= 2 for edge in ("x_min", "x_max", "y_min", "y_max"))
        and not any(box[flag] for flag in excluded_flags)
    ]


def closest_box(points, boxes, usable):
    """Index of the closest of the usable boxes; `points` must not be empty."""
    return min(
        usable,
        key=lambda i: (mean_distance(points, boxes[i]), centre_distance(points, boxes[i]), i),
    )


def mentions_of(narrative, matcher, points, boxes, excluded_flags=()):
    """Rows of table `mentions` for a narrative's row.

    Each row also has `outcome`, how localization counts it, and `inverted`.
    """
    rows = []
    for class_id, name, char_start, char_end in matcher.find(narrative["caption"]):
        words = narrative["words"]
        first_word, end_word = word_range(words, char_start, char_end)
        row = {
            "narrative_id": narrative["narrative_id"],
            "dataset": narrative["dataset"],
            "split": narrative["split"],
            "image_id": narrative["image_id"],
            "annotator_id": narrative["annotator_id"],
            "shard": narrative["shard"],
            "byte_offset": narrative["byte_offset"],
            "class_id": class_id,
            "name": name,
            "text": narrative["caption"][char_start:char_end],
            "char_start": char_start,
            "char_end": char_end,
            "first_word": first_word,
            "end_word": end_word,
        }
        times = words[first_word]["start_time"], words[end_word - 1]["end_time"]
        usable = usable_boxes(boxes, class_id, excluded_flags)
        rows.append(row | localize(times, points, boxes, usable))
    return rows


def localize(times, points, boxes, usable):
    """Times, points and closest box of a mention that is said at `times`."""
    row = dict.fromkeys(("start_time", "end_time", "first_point", "end_point"))
    row |= dict.fromkeys(("box_index", "mean_distance", "points", "points_inside"))
    row |= {"inverted": False, "outcome": "without_trace" if usable else "without_box_of_class"}
    if times[0] is None:
        return row
    (start, end), row["inverted"] = grounding.collapse(times)
    first_point, end_point = grounding.point_range(points, (start, end))
    segment = points[first_point:end_point]
    row |= {"start_time": start, "end_time": end, "points": len(segment)}
    row |= {"first_point": first_point, "end_point": end_point}
    if usable and segment:
        index = closest_box(segment, boxes, usable)
        row |= {
            "box_index": index,
            "mean_distance": mean_distance(segment, boxes[index]),
            "points_inside": sum(is_inside(point, boxes[index]) for point in segment),
            "outcome": "boxed",
        }
    return row
