"""Words, their alignment and times, traces and mentions, for `by_hand`."""

import math
import re
import unicodedata
from collections.abc import Iterator

from benchmarks.baselines import common

# Words


def is_mark(character: str) -> bool:
    """Whether a character is no word by itself."""
    return unicodedata.category(character) in common.NO_WORD


def split_words(text: str) -> list[tuple[int, int]]:
    """Where words begin and end; lone marks belong to the word before, else the one after."""
    words = []
    pending = None
    for token in re.finditer(r"\S+", text):
        start, end = token.span()
        if not all(is_mark(character) for character in token[0]):
            words.append((start if pending is None else pending, end))
            pending = None
        elif words:
            words[-1] = (words[-1][0], end)
        elif pending is None:
            pending = start
    return words


def normalise(word: str) -> str:
    """A word as it is compared: folded, without outer marks and white space."""
    word = unicodedata.normalize("NFKC", word).casefold()
    while word and (is_mark(word[0]) or word[0].isspace()):
        word = word[1:]
    rest = ""
    while word and (is_mark(word[-1]) or word[-1].isspace()):
        word, rest = word[:-1], word[-1] + rest
    return word + common.accents(rest)


def levenshtein(a: str, b: str) -> int:
    """Edit distance."""
    above = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y)))
        above = row
    return above[-1]


def align(spoken: list[str], caption: list[str]) -> tuple[list[int], int]:
    """The caption word that each spoken word goes to, and D (Eq. 1).

    Of the best assignments it is the one that leaves the fewest caption words unused, then the
    lexicographically smallest. best[i][j] is the least (D, -caption words used after j) of the
    spoken words from i on if word i goes to j.
    """
    costs = [[levenshtein(said, written) for written in caption] for said in spoken]
    best = [[(cost, 0) for cost in costs[-1]]]
    for row in reversed(costs[:-1]):
        current = [None] * len(caption)
        moved = (math.inf, 0)  # the least if the next word goes further than j
        for j in reversed(range(len(caption))):
            distance, used = best[0][j]
            rest = min((distance, used), moved)
            current[j] = (row[j] + rest[0], rest[1])
            moved = min(moved, (distance, used - 1))
        best.insert(0, current)
    return first_of_best(best, costs), min(best[0])[0]


def first_of_best(best: list, costs: list) -> list[int]:
    """The lexicographically smallest assignment that reaches the least value of `best`."""
    path = [best[0].index(min(best[0]))]
    for i in range(1, len(best)):
        j = path[-1]
        wanted = (best[i - 1][j][0] - costs[i - 1][j], best[i - 1][j][1])
        if best[i][j] != wanted:
            j += 1
            while (best[i][j][0], best[i][j][1] - 1) != wanted:
                j += 1
        path.append(j)
    return path


def word_times(
    path: list[int], intervals: list[tuple], words: int, t0: float, t1: float
) -> list[tuple]:
    """Start and end of each caption word (Eq. 2), inverted ones as they come."""
    times = [None] * words
    for j, (start, end) in zip(path, intervals, strict=True):
        known = times[j]
        times[j] = (min(known[0], start), max(known[1], end)) if known else (start, end)
    starts, ends = [], []
    latest = None
    for known in times:
        if known:
            latest = known[1] if latest is None else max(latest, known[1])
        starts.append(known[0] if known else t0 if latest is None else latest)
    earliest = None
    for known in reversed(times):
        if known:
            earliest = known[0] if earliest is None else min(earliest, known[0])
        ends.append(known[1] if known else t1 if earliest is None else earliest)
    return list(zip(starts, reversed(ends), strict=True))


# Grounding


def dataset_and_split(dataset_id: str) -> tuple[str | None, str | None]:
    """What a `dataset_id` says: `mscoco_val2017` is `coco`, `validation`."""
    name = dataset_id.lower()
    found = re.search(r"(?<![a-z])(train|validation|val|test)(?![a-z])", name)
    split = {"val": "validation"}.get(found[1], found[1]) if found else None
    for part, dataset in (("coco", "coco"), ("flic", "flickr30k"), ("open_images", "open_images")):
        if part in name.replace("openimages", "open_images"):
            return dataset, split
    if name.startswith("ade"):
        return "ade20k", split
    rest = name.replace(found[0], "", 1) if found else name
    return re.sub("[^a-z0-9]+", "_", rest).strip("_") or None, split


def recording_of(record: dict, dataset: str | None) -> str:
    """The recording's name; those of Flickr30k and ADE20k are stored under another one."""
    name = record["voice_recording"]
    found = re.search(r"(\w+)/\w+_([0-9]+)_[0-9]+\.", name)
    if dataset not in ("flickr30k", "ade20k") or not found:
        return name
    folder, image = found.groups()
    return f"{folder}/{folder}_{image.zfill(16)}_{record['annotator_id']}.ogg"


def ground(record: dict, shard: str, byte_offset: int) -> dict:
    """A record's row of `narratives` without its annotations; `points` are kept beside it."""
    dataset, split = dataset_and_split(record["dataset_id"])
    image_id, annotator_id = str(record["image_id"]), int(record["annotator_id"])
    traces = record.get("traces") or []
    points = [(point["x"], point["y"], point["t"]) for segment in traces for point in segment]
    segment_starts, start = [], 0
    for segment in traces:
        segment_starts.append(start)
        start += len(segment)
    flags = flags_of(record["timed_caption"], points)
    distance, words = time_words(record, points, flags)
    for word in words:
        word.update(locate(word, points, segment_starts))
    x, y, t = zip(*points, strict=True) if points else ((), (), ())
    return {
        "narrative_id": f"{dataset or 'unknown'}-{split or 'unknown'}-{image_id}-{annotator_id}",
        "dataset": dataset,
        "split": split,
        "dataset_id": record["dataset_id"],
        "image_id": image_id,
        "annotator_id": annotator_id,
        "caption": record["caption"],
        "voice_recording": recording_of(record, dataset),
        "shard": shard,
        "byte_offset": byte_offset,
        "transcript_source": "timed_caption",
        "distance": distance,
        "flags": flags,
        "words": words,
        "trace": {"x": x, "y": y, "t": t},
        "segment_starts": segment_starts,
        "narration_seconds": narration_seconds(record["timed_caption"]),
        "points": points,
    }


def narration_seconds(utterances: list[dict]) -> float | None:
    """Seconds from the first utterance's start to the last one's end."""
    if not utterances:
        return None
    end = max(utterance["end_time"] for utterance in utterances)
    return end - min(utterance["start_time"] for utterance in utterances)


def flags_of(utterances: list[dict], points: list[tuple]) -> list[str]:
    """What is odd about utterances and points."""
    starts = [utterance["start_time"] for utterance in utterances]
    ends = [utterance["end_time"] for utterance in utterances]
    flags = []
    if not points:
        flags.append("no_trace")
    if any(start == end for start, end in zip(starts, ends, strict=True)):
        flags.append("zero_length_utterance")
    times = [t for _, _, t in points]
    inverted = any(start > end for start, end in zip(starts, ends, strict=True))
    if inverted or starts != sorted(starts) or times != sorted(times):
        flags.append("times_out_of_order")
    if any(not (0 <= x <= 1 and 0 <= y <= 1) for x, y, _ in points):
        flags.append("outside_image")
    return flags


def time_words(record: dict, points: list[tuple], flags: list[str]) -> tuple[int | None, list]:
    """D, and the caption's words with their times; adds to the flags."""
    caption = record["caption"]
    spans = split_words(caption)
    spoken, intervals = [], []
    for utterance in record["timed_caption"]:
        text = utterance["utterance"]
        for start, end in split_words(text):
            spoken.append(normalise(text[start:end]))
            intervals.append((utterance["start_time"], utterance["end_time"]))
    if not spans:
        flags.insert(0, "no_caption")
    if not spoken:
        flags.insert(0, "no_transcript")
    distance, times = None, [(None, None)] * len(spans)
    if spans and spoken:
        path, distance = align(spoken, [normalise(caption[start:end]) for start, end in spans])
        t0, t1 = extent(points, record["timed_caption"])
        times = word_times(path, intervals, len(spans), t0, t1)
        if any(start > end for start, end in times):
            flags.append("inverted_word")
            times = [(start, max(start, end)) for start, end in times]
    words = [
        {
            "text": caption[first:last],
            "normalized": normalise(caption[first:last]),
            "char_start": first,
            "char_end": last,
        }
        | {"start_time": start, "end_time": end}
        for (first, last), (start, end) in zip(spans, times, strict=True)
    ]
    return distance, words


def extent(points: list[tuple], utterances: list[dict]) -> tuple[float, float]:
    """T0 and T1 of Eq. 2."""
    if points:
        return min(t for _, _, t in points), max(t for _, _, t in points)
    starts = [utterance["start_time"] for utterance in utterances]
    return min(starts), max(utterance["end_time"] for utterance in utterances)


def locate(word: dict, points: list[tuple], segment_starts: list[int]) -> dict:
    """The word's piece of the trace, and its box."""
    first, end = point_range(points, word["start_time"], word["end_time"])
    row = {"first_point": first, "end_point": end, "crosses_gap": None}
    if first is not None:
        row["crosses_gap"] = any(first < start < end for start in segment_starts)
    if first != end:
        row["x_min"], row["y_min"], row["x_max"], row["y_max"] = bounds(points[first:end])
    return row


def point_range(points: list[tuple], start: float | None, end: float | None) -> tuple:
    """From the first to one past the last point with start ≤ t ≤ end."""
    if start is None:
        return None, None
    inside = [k for k, (_, _, t) in enumerate(points) if start <= t <= end]
    if inside:
        return inside[0], inside[-1] + 1
    place = next((k for k, (_, _, t) in enumerate(points) if t > end), len(points))
    return place, place


def bounds(points: list[tuple]) -> tuple[float, float, float, float]:
    """The points' bounding box: x_min, y_min, x_max, y_max."""
    xs = [x for x, _, _ in points]
    ys = [y for _, y, _ in points]
    return min(xs), min(ys), max(xs), max(ys)


# Mentions and localization


class Matcher:
    """Finds the names of classes in captions."""

    def __init__(self, classes: list[tuple[str, str]]):
        by_name = {}
        for class_id, name in classes:
            spoken = " ".join(re.sub(r"\([^)]*\)", " ", name).split())
            by_name.setdefault(spoken.lower(), (class_id, name))
        longest_first = sorted(by_name, key=len, reverse=True)
        self.classes = [by_name[name] for name in longest_first]
        names = [r"\s+".join(map(re.escape, name.split())) for name in longest_first]
        alternatives = "|".join(f"({name})" for name in names)
        self.pattern = re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)", re.IGNORECASE)

    def find(self, caption: str) -> Iterator[tuple[str, str, int, int]]:
        """Class id, name, first character and one past the last, left to right."""
        for match in self.pattern.finditer(caption):
            yield (*self.classes[match.lastindex - 1], *match.span())


def find_mentions(row: dict, matcher: Matcher, boxes: list[dict]) -> list[dict]:
    """A narrative's rows of `mentions`, each with `outcome`; may flag the narrative."""
    heads = ("narrative_id", "dataset", "split", "image_id", "annotator_id")
    mentions = []
    for class_id, name, char_start, char_end in matcher.find(row["caption"]):
        mention = {head: row[head] for head in (*heads, "shard", "byte_offset")}
        mention |= {"class_id": class_id, "name": name, "text": row["caption"][char_start:char_end]}
        mention |= {"char_start": char_start, "char_end": char_end}
        touched = [
            k
            for k, word in enumerate(row["words"])
            if word["char_start"] < char_end and word["char_end"] > char_start
        ]
        mention |= {"first_word": touched[0], "end_word": touched[-1] + 1}
        start = row["words"][touched[0]]["start_time"]
        end = row["words"][touched[-1]]["end_time"]
        if start is not None and start > end:
            end = start
            if "inverted_mention" not in row["flags"]:
                row["flags"].append("inverted_mention")
        first, last = point_range(row["points"], start, end)
        mention |= {"start_time": start, "end_time": end, "first_point": first, "end_point": last}
        points = row["points"][first:last] if first != last else []
        mention["points"] = None if start is None else len(points)
        mention |= choose_box(class_id, points, boxes)
        mentions.append(mention)
    return mentions


def choose_box(class_id: str, points: list[tuple], boxes: list[dict]) -> dict:
    """The closest box of a class, and how far and how many points are inside."""
    usable = [
        (k, box)
        for k, box in enumerate(boxes)
        if box["class_id"] == class_id
        and box["x_max"] > box["x_min"]
        and box["y_max"] > box["y_min"]
    ]
    if not usable:
        return {"outcome": "without_box_of_class"}
    if not points:
        return {"outcome": "without_trace"}
    ranked = [(mean_distance(points, b), centre_distance(points, b), k) for k, b in usable]
    distance, _, index = min(ranked)
    box = boxes[index]
    inside = [
        box["x_min"] <= x <= box["x_max"] and box["y_min"] <= y <= box["y_max"]
        for x, y, _ in points
    ]
    return {
        "outcome": "boxed",
        "box_index": index,
        "mean_distance": distance,
        "points_inside": sum(inside),
    }


def mean_distance(points: list[tuple], box: dict) -> float:
    """Mean distance of points to a box, 0 inside."""
    total = 0.0
    for x, y, _ in points:
        dx = max(box["x_min"] - x, 0.0, x - box["x_max"])
        dy = max(box["y_min"] - y, 0.0, y - box["y_max"])
        total += math.sqrt(dx * dx + dy * dy)
    return total / len(points)


def centre_distance(points: list[tuple], box: dict) -> float:
    """Distance of the points' box from a box, centre to centre, in its widths and heights."""
    x_min, y_min, x_max, y_max = bounds(points)
    dx = (x_min + x_max) / 2 - (box["x_min"] + box["x_max"]) / 2
    dy = (y_min + y_max) / 2 - (box["y_min"] + box["y_max"]) / 2
    return math.hypot(dx / (box["x_max"] - box["x_min"]), dy / (box["y_max"] - box["y_min"]))
