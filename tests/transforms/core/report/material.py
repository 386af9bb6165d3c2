"""Material for the tests of report and summary: real narratives, by a small conversion.

The narratives, their words' times and their traces are the 22 real ones of `samples/`. They have
no boxes; the real Open Images V3 boxes joined to them here are those of other images, which is
good enough to draw.
"""

import csv
import json
import pathlib

import msgspec
import numpy as np
import pyarrow as pa

from tests.build_helpers import STATISTICS_TABLES
from transforms.core.model.narratives import schemas
from transforms.core.model.narratives.manifest import BuildManifest

ROOT = pathlib.Path(__file__).parents[4]
NARRATIVES = ROOT / "samples/narratives/vidln_as_localized_narratives.jsonl"
BOXES = ROOT / "samples/open_images/validation/annotations-human-bbox.csv"
CLASSES = ROOT / "samples/open_images/class-descriptions-boxable.csv"


def real_records():
    return [json.loads(line) for line in NARRATIVES.read_text().splitlines()]


def real_boxes(image_number):
    """Boxes of the n-th image of the V3 validation box file, as items of the `boxes` column."""
    names = dict(csv.reader(CLASSES.open()))
    by_image = {}
    for row in csv.DictReader(BOXES.open()):
        by_image.setdefault(row["ImageID"], []).append(row)
    return [
        {
            "class_id": row["LabelName"],
            "name": names[row["LabelName"]],
            "source": "human",
            **{
                ours: float(row[theirs])
                for ours, theirs in zip(
                    ("x_min", "x_max", "y_min", "y_max"),
                    ("XMin", "XMax", "YMin", "YMax"),
                    strict=True,
                )
            },
            **dict.fromkeys(schemas.BOX_FLAGS, False),
        }
        for row in list(by_image.values())[image_number]
    ]


def narrative_row(record, number, boxes=()):
    """A row of `narratives`: each utterance of these records is one word."""
    points = [point for segment in record["traces"] for point in segment]
    times = np.array([point["t"] for point in points])
    words, at = [], 0
    for utterance in record["timed_caption"]:
        at = record["caption"].index(utterance["utterance"], at)
        end = at + len(utterance["utterance"])
        first = int(np.searchsorted(times, utterance["start_time"]))
        last = int(np.searchsorted(times, utterance["end_time"], "right"))
        words.append(
            {
                "text": record["caption"][at:end],
                "char_start": at,
                "char_end": end,
                "start_time": utterance["start_time"],
                "end_time": utterance["end_time"],
                "first_point": first,
                "end_point": max(first, last),
            }
        )
        at = end
    starts = np.cumsum([0, *(len(segment) for segment in record["traces"])])[:-1]
    return {
        "narrative_id": f"oops-train-{number:02d}-0",
        "dataset": "oops",
        "split": "train",
        "image_id": record["image_id"],
        "annotator_id": record["annotator_id"],
        "caption": record["caption"],
        "words": words,
        "trace": {axis: [point[axis] for point in points] for axis in "xyt"},
        "segment_starts": starts.tolist(),
        "boxes_status": "boxed" if boxes else "unknown",
        "boxes": list(boxes),
    }


def mention_row(narrative, first_word, box_index, class_id="/m/01g317", name="Person"):
    """A row of `mentions` of one word."""
    word = narrative["words"][first_word]
    points = word["end_point"] - word["first_point"]
    return {
        **{key: narrative[key] for key in ("narrative_id", "dataset", "split", "image_id")},
        **{key: value for key, value in word.items() if key not in ("text", "crosses_gap")},
        "annotator_id": narrative["annotator_id"],
        "shard": "oops.jsonl",
        "byte_offset": 0,
        "class_id": class_id,
        "name": name,
        "text": word["text"],
        "first_word": first_word,
        "end_word": first_word + 1,
        "box_index": box_index,
        "mean_distance": 0.0125 if box_index is not None else None,
        "points": points,
        "points_inside": points // 2 if box_index is not None else None,
    }


def table(rows, schema):
    return pa.Table.from_pylist(rows, schema=schema)


def example():
    """One narrative with boxes and two mentions, as the report takes them."""
    narrative = narrative_row(real_records()[0], 0, real_boxes(3))
    mentions = [mention_row(narrative, 1, 0), mention_row(narrative, 4, None)]
    return table([narrative], schemas.NARRATIVES).to_pylist()[0], mentions


def shard_row(name, dataset="oops", split="train", **counts):
    row = {"shard": name, "dataset": dataset, "split": split, "conserved": True}
    row |= {"narratives": 0, "discarded": 0, "rejected": 0, "blank": 0, "bytes": 0} | counts
    row["lines"] = row["narratives"] + row["discarded"] + row["rejected"] + row["blank"]
    return {"size": row["bytes"], **row}


def manifest(**changes):
    """A manifest of three shards, 22 real narratives and some generated ones in it, as JSON."""
    shards = [
        shard_row("vidln.jsonl", narratives=20, discarded=2, bytes=713_112),
        shard_row("odd_and_bad.jsonl", None, None, narratives=7, rejected=5, blank=1, bytes=40_031),
        shard_row(
            "generated_train_localized_narratives-00000-of-00002.jsonl",
            "generated",
            narratives=12_345,
            bytes=412_345_678,
        ),
    ]
    made = {
        "format": 1,
        "version": "20260102T030405-1a2b3c",
        "created": "2026-01-02T03:04:05+00:00",
        "previous": "20260101T030405-0f0f0f",
        "configuration": {"input": ["samples/*.jsonl"], "max_bad_share": 0.5},
        "code": "8d3c",
        "packages": {"apache-beam": "2.77.0", "pyarrow": "25.0.0"},
        "threshold": {
            "kind": "max_distance_per_char",
            "value": "1/12",
            "calibrated_share": 0.235,
        },
        "inputs": [
            {
                "shard": row["shard"],
                "path": f"samples/{row['shard']}",
                "size": row["size"],
                "fingerprint": "crc32c:5f3a9b01",
                "dataset": row["dataset"],
                "split": row["split"],
                "group": None,
                "md5": None,
                "md5_verified": False,
            }
            for row in shards
        ],
        "annotations": {
            "path": "out/indexes/annotations-8d3c",
            "fingerprint": "5f3a",
            "sources": [
                {"role": "boxes", "path": "boxes.csv", "size": 1_234, "fingerprint": "1-2"}
            ],
            "rows": {"images": 2000, "boxes": 1000},
            "warnings": [],
        },
        "transcripts": None,
        "shards": shards,
        "expected": [],
        "splits": [],
        "checks": [
            {
                "name": "bad_lines",
                "dataset": None,
                "split": None,
                "count": 5,
                "total": 12_379,
                "value": 5 / 12_379,
                "option": "max_bad_share",
                "limit": 0.5,
                "passed": True,
            }
        ],
        "counts": {
            "lines": sum(row["lines"] for row in shards),
            "blank": 1,
            "narratives": 12_372,
            "discarded": {"distance": 2, "trace_shorter_than_speech": 1},
            "discarded_narratives": 2,
            "rejected": {"not_json": 3, "missing_key": 2},
            "flags": {"outside_image": 17, "no_trace": 2},
            "generated": {"generated/train": 12_345},
            "mentions": 48_211,
            "mentions_without_boxes": 31,
            "zero_size_boxes": 3,
            "inverted_boxes": 2,
            "outside_boxes": 0,
        },
        "warnings": [],
        "units": [],
        "bad_lines": [
            {
                "shard": "odd_and_bad.jsonl",
                "line": 3 + number,
                "code": "not_json",
                "message": f"The line ends inside a value at byte {400 + number}.",
            }
            for number in range(5)
        ],
        "repeated_keys": {
            "narratives": 2,
            "keys": 1,
            "first": [{"dataset": "oops", "split": "train", "key": "a_0/0", "narratives": 2}],
        },
        "files": [
            {
                "table": "richness",
                "path": "richness/all.parquet",
                "rows": 3,
                "bytes": 4096,
                "crc32c": 12,
            }
        ],
    }
    return made | {"pages": [], "seal": ""} | changes


def typed(made):
    """A manifest that `manifest` made, perhaps changed since."""
    return msgspec.convert(made, BuildManifest)


SPLITS = (("oops", "train"), (None, None), ("generated", "train"))


def richness_row(dataset, split, captions, mean):
    """A row with every mean given by one number and its deviation a quarter of it."""
    row = {"dataset": dataset, "split": split, "captions": captions, "images": captions}
    for offset, measure in enumerate(schemas.MEASURES):
        value = None if mean is None else mean + offset
        row[f"{measure}_sum"] = None if value is None else value * captions
        row[f"{measure}_mean"] = value
        row[f"{measure}_deviation"] = None if value is None else value / 4
    return row


def localization_row(dataset, split, class_id, name, *counts):
    keys = ("dataset", "split", "class_id", "name", *schemas.LOCALIZATION_COUNTS)
    return dict(zip(keys, (dataset, split, class_id, name, *counts), strict=True))


def histogram_rows(dataset, split, class_id, name, points, seed=0):
    """Points scattered round a box's middle, counted by bin; those outside are left out."""
    places = np.random.default_rng(seed).normal(0.5, 0.35, (2, points))
    bins = np.floor((places + 1) * 50).astype(int)
    bins = bins[:, ((bins >= 0) & (bins < 150)).all(axis=0)]
    cells, counts = np.unique(bins[0] * 150 + bins[1], return_counts=True)
    return [
        {
            "dataset": dataset,
            "split": split,
            "class_id": class_id,
            "name": name,
            "bin_x": cell // 150,
            "bin_y": cell % 150,
            "points": count,
        }
        for cell, count in zip(cells.tolist(), counts.tolist(), strict=True)
    ]


def tables():
    """Statistics tables for `manifest()`."""
    noun_rows = [
        {"dataset": dataset, "split": split, "nouns": nouns, "captions": captions}
        for (dataset, split), number in zip(SPLITS, (20, 7, 12_345), strict=True)
        for nouns, captions in enumerate(
            np.random.default_rng(1).binomial(number, 0.08, 22).tolist()
        )
        if captions
    ]
    rows = {
        "richness": [
            richness_row("oops", "train", 20, 21.5),
            richness_row(None, None, 7, 18.25),
            richness_row("generated", "train", 12_345, 33.125),
        ],
        "noun_counts": noun_rows,
        "distances": [{"dataset": "oops", "split": "train", "distance": 3, "narratives": 20}],
        "localization": [
            localization_row("generated", "train", "/m/01g317", "Person", 30_000, 21_000, 100,
                             8_900, 160_000, 120_000, 1_500),
            localization_row("generated", "train", "/m/0k4j", "Car", 18_000, 9_000, 50, 8_950,
                             40_000, 31_000, 200),
            localization_row("oops", "train", "/m/01g317", "Person", 211, 0, 3, 0, 0, 0, 0),
        ],
        "localization_histogram": [
            *histogram_rows("generated", "train", "/m/01g317", "Person", 158_500),
            *histogram_rows("generated", "train", "/m/0k4j", "Car", 39_800, seed=2),
        ],
    }  # fmt: skip
    return {name: table(rows[name], schema) for name, schema in STATISTICS_TABLES.items()}


def empty_tables():
    return {name: schema.empty_table() for name, schema in STATISTICS_TABLES.items()}


def rule_row(name, **changes):
    """A row of a rule of a file of checks, as JSON has it: a drift that is kept."""
    row = {"name": name, "dataset": "generated", "split": "train", "count": 800, "total": 40,
           "option": "checks", "value": 0.05, "limit": 0.1, "passed": True,
           "kind": "relative_drift", "severity": "warn", "measure": "words", "now": 20.0,
           "before": 19.0, "baseline": "0123456789abcdef", "at_least": None, "at_most": None,
           "details": []}  # fmt: skip
    return row | changes


def rule_rows():
    """One rule that is kept of two splits, one that warns and one that holds."""
    return [
        rule_row("words", dataset="oops", value=0.01),
        rule_row("words"),
        rule_row("classes", dataset=None, split=None, kind="changes", measure="classes", value=2.0,
                 limit=0.0, count=2, total=30, passed=False, now=None, before=None,
                 details=["+<b>Dog</b>", "-Car"]),
        rule_row("inside_box", kind="absolute_drift", measure="points_inside_box", now=0.5,
                 before=0.8, value=0.3, limit=0.2, passed=False, severity="hold"),
    ]  # fmt: skip
