"""What the golden run needs: the main job's output as rows, and the reference's beside it."""

import json
import math
import pathlib

import fastavro
import numpy as np
import pyarrow.parquet as pq

from pipelines.build.job import main
from tests import reference
from tests.build_helpers import STATISTICS_TABLES
from tests.reference import naming
from tests.reference.reading import read_shard
from transforms.core.model.narratives.schemas import UNIT_TABLES

ROOT = pathlib.Path(__file__).parents[1]
SAMPLES = ROOT / "samples"
SHARDS = sorted(
    [
        *SAMPLES.glob("narratives/*localized_narratives*.jsonl"),
        SAMPLES / "narratives" / "odd_and_bad.jsonl",
    ]
)
ANNOTATIONS = {
    "boxes": sorted(SAMPLES.glob("open_images/*/annotations-human-bbox.csv")),
    "labels": sorted(
        [
            *SAMPLES.glob("open_images/*/annotations-human.csv"),
            *SAMPLES.glob("open_images/*/annotations-machine.csv"),
        ]
    ),
    "images": sorted(SAMPLES.glob("open_images/*/images.csv")),
}
CLASSES = SAMPLES / "open_images" / "class-descriptions-boxable.csv"
COCO_CLASSES = ROOT / "transforms" / "core" / "data" / "coco-classes.csv"

RELATIVE_ERROR = 1e-12
"""Allowed where sums of distances are summed in another order; everything else is exact."""


def known_annotations():
    """What the reference knows of the sample's images, with names of Open Images classes."""
    return reference.read_open_images(**ANNOTATIONS, classes=[CLASSES])


def coco_classes():
    lines = COCO_CLASSES.read_text(encoding="utf-8").splitlines()
    return [tuple(line.split(",", 1)) for line in lines]


def transcript_files(kind):
    return sorted(SAMPLES.glob(f"narratives/generated_train_{kind}-*.jsonl"))


def transcripts(kind):
    """The sample's transcriptions as the reference takes them."""
    rows = [json.loads(line) for path in transcript_files(kind) for line in path.open()]
    if kind == "asr":
        return {
            (row["image_id"], row["annotator_id"]): [
                [alternative["transcript"] for alternative in chunk] for chunk in row["asr"]
            ]
            for row in rows
        }
    by_stem = {row["recording"]: timed_words(row["results"]) for row in rows}
    return {
        recording: by_stem[pathlib.PurePath(recording).stem]
        for recording in recordings()
        if pathlib.PurePath(recording).stem in by_stem
    }


def timed_words(results):
    return [
        (word["word"], *(float(word[key].removesuffix("s")) for key in ("startTime", "endTime")))
        for result in results
        for word in result["alternatives"][0]["words"]
    ]


def recordings():
    records = [record for path in SHARDS for record in read_shard(path, path.name)[0]]
    return [
        naming.resolve_recording(r["dataset_id"], r["voice_recording"], r["annotator_id"])
        for r in records
    ]


def build(output, *arguments, shards=SHARDS):
    """Runs the main job over the sample; returns its manifest and the rows of every table."""
    command = ["--output", str(output), "--max-bad-share", "0.1", "--input", *map(str, shards)]
    if "--annotations" not in arguments:
        for name, paths in ANNOTATIONS.items():
            command += [f"--{name}", *map(str, paths)]
    assert main([*command, *arguments]) == 0
    version = output / "versions" / (output / "CURRENT").read_text().strip()
    manifest = json.loads((version / "manifest.json").read_text())
    return manifest, {name: read_table(version, manifest, name) for name in table_names()}


def table_names():
    return [*UNIT_TABLES, *STATISTICS_TABLES]


def read_table(version, manifest, name):
    """Rows of one table, over its files in the manifest's order."""
    rows = []
    for file in manifest["files"]:
        if file["table"] != name:
            continue
        path = version / file["path"]
        if path.suffix == ".avro":
            with path.open("rb") as stream:
                rows += list(fastavro.reader(stream))
        else:
            rows += pq.read_table(path).to_pylist()
    return rows


def in_float32(trace):
    return {axis: np.float32(values).tolist() for axis, values in trace.items()}


def as_written(tables):
    """The reference's tables with the values that the published schema can hold."""
    heads = UNIT_TABLES["discarded"].names
    written = dict(tables)
    for name in ("narratives", "discarded"):
        written[name] = [row | {"trace": in_float32(row["trace"])} for row in tables[name]]
    written["discarded"] = [{key: row[key] for key in heads} for row in written["discarded"]]
    columns = UNIT_TABLES["mentions"].names
    written["mentions"] = [{key: row[key] for key in columns} for row in tables["mentions"]]
    return written


def differences(found, expected, path=""):
    """Places at which two values differ, with both values; floats may differ by rounding."""
    if isinstance(found, dict) and isinstance(expected, dict):
        if found.keys() != expected.keys():
            return [(path, sorted(found.keys() ^ expected.keys()), "keys")]
        pairs = [(f"{path}.{key}", found[key], expected[key]) for key in found]
    elif isinstance(found, list) and isinstance(expected, list):
        if len(found) != len(expected):
            return [(path, len(found), len(expected))]
        pairs = [
            (f"{path}[{i}]", *pair) for i, pair in enumerate(zip(found, expected, strict=True))
        ]
    else:
        return [] if same(found, expected, path) else [(path, found, expected)]
    return [difference for place, *pair in pairs for difference in differences(*pair, place)]


def same(found, expected, path):
    if path.endswith(".mean_distance") and None not in (found, expected):
        return math.isclose(found, expected, rel_tol=RELATIVE_ERROR, abs_tol=1e-15)
    return type(found) in (type(expected), *NUMBERS) and found == expected


NUMBERS = (int, float)
"""A whole number may be an integer in the reference and a float in a table."""

KEYS = {
    "narratives": ("shard", "byte_offset"),
    "discarded": ("shard", "byte_offset"),
    "mentions": ("shard", "byte_offset", "char_start"),
    "words": ("shard", "byte_offset", "word"),
    "localization": ("dataset", "split", "class_id"),
    "localization_histogram": ("dataset", "split", "class_id", "bin_x", "bin_y"),
    "richness": ("dataset", "split"),
    "noun_counts": ("dataset", "split", "nouns"),
    "distances": ("dataset", "split", "distance"),
}


def in_order(name, rows):
    return sorted(
        rows, key=lambda row: tuple("" if row[key] is None else row[key] for key in KEYS[name])
    )
