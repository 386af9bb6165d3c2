"""The main job as people write it: `json`, dictionaries, loops, and Eq. 1 by dynamic programming.

Takes shards in the published form (plain JSON Lines with `timed_caption`) and Open Images files.
Left out: bad lines (they raise), quality rules, transcriptions in files of their own, compressed
shards, resuming. Run it with `python -m benchmarks.baselines.by_hand.by_hand --help`.
"""

import bisect
import csv
import json
import math
import pathlib
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.baselines import common
from benchmarks.baselines.by_hand.by_hand_words import Matcher, find_mentions, ground
from benchmarks.baselines.common import Annotations, Path

ROWS_AT_A_TIME = 1000
EDGES = np.linspace(-1, 2, 151).tolist()
"""Bin edges of the localization histogram, in box widths and heights."""


def build(
    narratives: Sequence[Path], annotations: Annotations, classes: Sequence[Path], output: Path
) -> None:
    """Writes the tables of `common.TABLES` into the folder `output`."""
    pathlib.Path(output).mkdir(parents=True, exist_ok=True)
    vocabularies = read_classes(classes)
    names = {class_id: name for pairs in vocabularies.values() for class_id, name in pairs}
    images = read_images(annotations.images)
    labels = read_labels(annotations.labels, names)
    boxes = read_boxes(annotations.boxes, names)
    matchers = {dataset: Matcher(pairs) for dataset, pairs in vocabularies.items()}
    totals = Totals()
    tables = {name: Table(output, name) for name in ("narratives", "mentions")}
    for record, shard, byte_offset in read_narratives(narratives):
        row = ground(record, shard, byte_offset)
        ours = row["dataset"] not in common.OTHER_DATASETS
        row["image"] = images.get(row["image_id"]) if ours else None
        row["labels"] = labels.get(row["image_id"], []) if annotations.labels and ours else None
        own_boxes = boxes.get(row["image_id"], []) if ours else []
        status = status_of(row["image_id"], own_boxes, images, annotations) if ours else "unknown"
        row["boxes_status"] = status
        row["boxes"] = None if status == "unknown" else own_boxes
        matcher = matchers["coco" if row["dataset"] == "coco" else "open_images"]
        mentions = find_mentions(row, matcher, own_boxes)
        if not ours and any(row["image_id"] in known for known in (images, labels, boxes)):
            row["flags"].append(common.OTHERS_FLAG)
        totals.add(row, record, mentions, own_boxes)
        tables["narratives"].add([row])
        tables["mentions"].add(mentions)
    for name, rows in totals.tables().items():
        tables[name] = Table(output, name)
        tables[name].add(rows)
    for table in tables.values():
        table.close()


class Table:
    """A Parquet file that is written some thousand rows at a time."""

    def __init__(self, folder: Path, name: str):
        self.schema = common.TABLES[name]
        path = pathlib.Path(folder, f"{name}.parquet")
        self.writer = pq.ParquetWriter(path, self.schema, compression="zstd")
        self.rows = []

    def add(self, rows: list[dict]) -> None:
        """Adds rows; keys that the schema does not have are left out."""
        self.rows += rows
        if len(self.rows) >= ROWS_AT_A_TIME:
            self.flush()

    def flush(self) -> None:
        """Writes the rows that are waiting."""
        self.writer.write_table(pa.Table.from_pylist(self.rows, schema=self.schema))
        self.rows = []

    def close(self) -> None:
        """Writes the rest and ends the file."""
        self.flush()
        self.writer.close()


# Reading


def read_narratives(paths: Sequence[Path]) -> Iterator[tuple[dict, str, int]]:
    """Each line's record, its shard's file name and the byte at which it begins."""
    for path in paths:
        offset = 0
        with open(path, "rb") as file:
            for line in file:
                yield json.loads(line), pathlib.Path(path).name, offset
                offset += len(line)


def read_rows(paths: Sequence[Path]) -> Iterator[dict]:
    """Rows of CSV files with a header, as dictionaries."""
    for path in paths:
        with open(path, newline="", encoding="utf-8") as file:
            yield from csv.DictReader(file)


def read_classes(paths: Sequence[Path]) -> dict[str, list[tuple[str, str]]]:
    """Ids and names of the classes of `open_images` and of `coco` (ids of digits)."""
    classes = defaultdict(list)
    for path in paths:
        with open(path, newline="", encoding="utf-8") as file:
            for class_id, name in csv.reader(file):
                classes["coco" if class_id.isdigit() else "open_images"].append((class_id, name))
    return classes


def read_images(paths: Sequence[Path]) -> dict[str, dict]:
    """What is known of each image."""
    images = {}
    for row in read_rows(paths):
        image = {column: row.get(name) or None for column, name in common.IMAGE_COLUMNS.items()}
        if image["original_size"]:
            image["original_size"] = int(image["original_size"])
        if image["rotation"]:
            image["rotation"] = float(image["rotation"])
        images.setdefault(row["ImageID"], image)
    return images


def read_labels(paths: Sequence[Path], names: dict[str, str]) -> dict[str, list[dict]]:
    """The labels of each image."""
    labels = defaultdict(list)
    for row in read_rows(paths):
        labels[row["ImageID"]].append(
            {
                "class_id": row["LabelName"],
                "name": names.get(row["LabelName"]),
                "source": row["Source"],
                "confidence": float(row["Confidence"]),
            }
        )
    return labels


def read_boxes(paths: Sequence[Path], names: dict[str, str]) -> dict[str, list[dict]]:
    """The boxes of each image."""
    boxes = defaultdict(list)
    truth = {"0": False, "1": True}
    for row in read_rows(paths):
        box = {
            "class_id": row["LabelName"],
            "name": names.get(row["LabelName"]),
            "source": row["Source"],
            "x_min": float(row["XMin"]),
            "x_max": float(row["XMax"]),
            "y_min": float(row["YMin"]),
            "y_max": float(row["YMax"]),
        }
        for flag, name in common.BOX_FLAGS.items():
            box[flag] = truth.get(row.get(name))
        boxes[row["ImageID"]].append(box)
    return boxes


def status_of(image_id: str, boxes: list, images: dict, annotations: Annotations) -> str:
    """`boxed`, `none` (a listed image without a box) or `unknown`."""
    if boxes:
        return "boxed"
    return "none" if annotations.boxes and image_id in images else "unknown"


# Statistics


class Totals:
    """What the tables of statistics are made of."""

    def __init__(self):
        self.counts = defaultdict(Counter)  # by class key
        self.bins = Counter()  # by class key and bin
        self.measures = defaultdict(lambda: defaultdict(list))  # by dataset and split
        self.images = defaultdict(Counter)  # narratives by image, likewise

    def add(self, row: dict, record: dict, mentions: list[dict], boxes: list[dict]) -> None:
        """Adds a narrative."""
        split = row["dataset"], row["split"]
        self.images[split][row["image_id"]] += 1
        measures = self.measures[split]
        measures["trace_points"].append(len(row["points"]))
        measures["trace_length"].append(round(trace_length(record) * 1_000_000))
        seconds = row["narration_seconds"]
        if seconds is not None and seconds >= 0.05:  # shorter ones are flagged and not measured
            measures["narration_seconds"].append(round(seconds * 1000))
        for mention in mentions:
            self.add_mention(mention, row["points"], boxes)

    def add_mention(self, mention: dict, points: list[tuple], boxes: list[dict]) -> None:
        """Counts a mention and the points of its closest box."""
        key = tuple(mention[column] for column in common.CLASS_KEY)
        counts = self.counts[key]
        counts["mentions"] += 1
        counts[mention["outcome"]] += 1
        if mention["outcome"] != "boxed":
            return
        box = boxes[mention["box_index"]]
        counts["points"] += mention["points"]
        counts["points_inside"] += mention["points_inside"]
        for x, y, _ in points[mention["first_point"] : mention["end_point"]]:
            bin_x = find_bin((x - box["x_min"]) / (box["x_max"] - box["x_min"]))
            bin_y = find_bin((y - box["y_min"]) / (box["y_max"] - box["y_min"]))
            if bin_x is None or bin_y is None:
                counts["overflow"] += 1
            else:
                self.bins[key, bin_x, bin_y] += 1

    def tables(self) -> dict[str, list[dict]]:
        """Rows of the tables."""
        heads = common.CLASS_KEY
        return {
            "localization": [
                dict(zip(heads, key, strict=True)) | {name: counts[name] for name in common.COUNTS}
                for key, counts in self.counts.items()
            ],
            "localization_histogram": [
                dict(zip(heads, key, strict=True))
                | {"bin_x": bin_x, "bin_y": bin_y, "points": points}
                for (key, bin_x, bin_y), points in self.bins.items()
            ],
            "richness": [self.richness(split) for split in self.images],
        }

    def richness(self, split: tuple) -> dict:
        """A row of `richness`."""
        images = self.images[split]
        measures = self.measures[split] | {"narratives_per_image": list(images.values())}
        row = {"dataset": split[0], "split": split[1]}
        row |= {"captions": images.total(), "images": len(images)}
        for measure, values in measures.items():
            scale = common.MEASURES[measure]
            if values:
                row[f"{measure}_sum"] = sum(values) / scale
                row[f"{measure}_mean"] = statistics.fmean(values) / scale
                row[f"{measure}_deviation"] = statistics.pstdev(values) / scale
        return row


def trace_length(record: dict) -> float:
    """Length of the trace; the gaps between its segments do not count."""
    length = 0.0
    for segment in record.get("traces") or []:
        for before, after in zip(segment, segment[1:], strict=False):
            length += math.hypot(after["x"] - before["x"], after["y"] - before["y"])
    return length


def find_bin(value: float) -> int | None:
    """The bin of a coordinate, None outside; the last edge is closed."""
    if not EDGES[0] <= value <= EDGES[-1]:
        return None
    return min(bisect.bisect_right(EDGES, value) - 1, len(EDGES) - 2)


if __name__ == "__main__":
    common.run(build, __doc__.partition("\n")[0])
