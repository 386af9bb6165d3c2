"""What the baselines share: their command line, the tables they write, and how tables are compared.

A baseline does the work of `python -m pipelines.build --tagger none` as people do it without this
project. It is a module with a function

    build(narratives, annotations, classes, output)

that writes `TABLES` into the folder `output`, each as `NAME.parquet` (a file, or a folder of
files). Baselines serve as yardsticks of speed and as oracles: they import nothing from
`transforms`, `pipelines` or `tests.reference`, and `differences` says whether two outputs hold the
same.
"""

import argparse
import dataclasses
import itertools
import math
import os
import pathlib
import unicodedata
from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

Path = str | os.PathLike


@dataclasses.dataclass(frozen=True)
class Annotations:
    """Open Images CSV files, in the order in which their rows count."""

    boxes: Sequence[Path] = ()
    labels: Sequence[Path] = ()
    images: Sequence[Path] = ()


Build = Callable[[Sequence[Path], Annotations, Sequence[Path], Path], None]
"""Narrative shards, annotations, class files (ids of digits are COCO's) and output folder."""

BOX_FLAGS = {
    "is_occluded": "IsOccluded",
    "is_truncated": "IsTruncated",
    "is_group_of": "IsGroupOf",
    "is_depiction": "IsDepiction",
    "is_inside": "IsInside",
}
"""Columns of boxes that may be missing, and their names in the CSV files: 1, 0, -1 (unknown)."""

IMAGE_COLUMNS = {
    "subset": "Subset",
    "url": "OriginalURL",
    "landing_url": "OriginalLandingURL",
    "licence": "License",
    "author_profile_url": "AuthorProfileURL",
    "author": "Author",
    "title": "Title",
    "original_size": "OriginalSize",
    "original_md5": "OriginalMD5",
    "thumbnail_url": "Thumbnail300KURL",
    "rotation": "Rotation",
}
"""Columns of images and their names in the CSV files; any but the first three may be missing."""

NO_WORD = {
    *("Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So"),
    *("Mn", "Mc", "Me", "Cf", "Cc"),
}
"""Categories of characters that are no word by themselves."""


def accents(text: str) -> str:
    """What of the text that follows a letter combines with it, up to the last but a selector."""
    n = next((k for k, c in enumerate(text) if unicodedata.category(c)[0] != "M"), len(text))
    while n and unicodedata.name(text[n - 1], "").find("VARIATION SELECTOR") >= 0:
        n -= 1
    return text[:n]


OTHER_DATASETS = ("coco", "flickr30k", "ade20k")
"""Datasets whose images are not those of Open Images, whatever their ids."""

OTHERS_FLAG = "annotations_of_other_dataset"

TAG_COUNTS = (
    "words",
    "nouns",
    "pronouns",
    "adjectives",
    "adpositions",
    "verbs",
    "proper_nouns",
    "auxiliaries",
)
"""What a tagger counts; null without one."""

MEASURES = {
    **dict.fromkeys(TAG_COUNTS, 1),
    "narration_seconds": 1_000,
    "words_per_second": 1_000_000,
    "trace_points": 1,
    "trace_length": 1_000_000,
    "narratives_per_image": 1,
}
"""Columns of `richness`, each summed in whole numbers of 1/scale."""

COUNTS = (
    "mentions",
    "boxed",
    "without_trace",
    "without_box_of_class",
    "points",
    "points_inside",
    "overflow",
)
"""Columns of `localization` beside its key."""

_TEXT, _INT, _LONG, _FLOAT, _BOOL = pa.string(), pa.int32(), pa.int64(), pa.float64(), pa.bool_()


def _columns(type_: pa.DataType, *names: str) -> list[tuple[str, pa.DataType]]:
    return [(name, type_) for name in names]


WORD = pa.struct(
    [
        *_columns(_TEXT, "text", "normalized"),
        *_columns(_INT, "char_start", "char_end"),
        *_columns(_FLOAT, "start_time", "end_time"),
        *_columns(_INT, "first_point", "end_point"),
        ("crosses_gap", _BOOL),
        *_columns(_FLOAT, "x_min", "y_min", "x_max", "y_max"),
    ]
)

_NUMBERS_OF_IMAGE = {"original_size": _LONG, "rotation": _FLOAT}
IMAGE = pa.struct([(name, _NUMBERS_OF_IMAGE.get(name, _TEXT)) for name in IMAGE_COLUMNS])

LABEL = pa.struct([*_columns(_TEXT, "class_id", "name", "source"), ("confidence", _FLOAT)])

BOX = pa.struct(
    [
        *_columns(_TEXT, "class_id", "name", "source"),
        *_columns(_FLOAT, "x_min", "x_max", "y_min", "y_max"),
        *_columns(_BOOL, *BOX_FLAGS),
    ]
)

NARRATIVES = pa.schema(
    [
        *_columns(_TEXT, "narrative_id", "dataset", "split", "dataset_id", "image_id"),
        ("annotator_id", _LONG),
        *_columns(_TEXT, "caption", "voice_recording", "shard"),
        ("byte_offset", _LONG),
        ("transcript_source", _TEXT),
        ("distance", _INT),
        ("flags", pa.list_(_TEXT)),
        ("words", pa.list_(WORD)),
        ("trace", pa.struct(_columns(pa.list_(pa.float32()), "x", "y", "t"))),
        ("segment_starts", pa.list_(_INT)),
        ("narration_seconds", _FLOAT),
        ("image", IMAGE),
        ("labels", pa.list_(LABEL)),
        ("boxes_status", _TEXT),
        ("boxes", pa.list_(BOX)),
        ("richness", pa.struct(_columns(_INT, *TAG_COUNTS))),
    ]
)

MENTIONS = pa.schema(
    [
        *_columns(_TEXT, "narrative_id", "dataset", "split", "image_id"),
        ("annotator_id", _LONG),
        ("shard", _TEXT),
        ("byte_offset", _LONG),
        *_columns(_TEXT, "class_id", "name", "text"),
        *_columns(_INT, "char_start", "char_end", "first_word", "end_word"),
        *_columns(_FLOAT, "start_time", "end_time"),
        *_columns(_INT, "first_point", "end_point", "box_index"),
        ("mean_distance", _FLOAT),
        *_columns(_INT, "points", "points_inside"),
    ]
)

CLASS_KEY = ("dataset", "split", "class_id", "name")

TABLES = {
    "narratives": NARRATIVES,
    "mentions": MENTIONS,
    "localization": pa.schema([*_columns(_TEXT, *CLASS_KEY), *_columns(_LONG, *COUNTS)]),
    "localization_histogram": pa.schema(
        [*_columns(_TEXT, *CLASS_KEY), *_columns(_INT, "bin_x", "bin_y"), ("points", _LONG)]
    ),
    "richness": pa.schema(
        [
            *_columns(_TEXT, "dataset", "split"),
            *_columns(_LONG, "captions", "images"),
            *(
                (f"{measure}_{statistic}", _FLOAT)
                for measure in MEASURES
                for statistic in ("sum", "mean", "deviation")
            ),
        ]
    ),
}
"""The tables and their Arrow schemas: as docs/tables.md, with plain strings for terms."""

KEYS = {
    "narratives": ("shard", "byte_offset"),
    "mentions": ("shard", "byte_offset", "char_start"),
    "localization": ("dataset", "split", "class_id"),
    "localization_histogram": ("dataset", "split", "class_id", "bin_x", "bin_y"),
    "richness": ("dataset", "split"),
}
"""Columns that bring a table's rows into one order."""

RELATIVE_ERROR = 1e-12
"""Allowed where floats are added up, in any order; all else must be the same to the last bit."""

_ADDED_UP = ("mean_distance", "_mean", "_deviation")


def run(build: Build, description: str, argv: Sequence[str] | None = None) -> None:
    """A baseline's command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--input", nargs="+", required=True, help="narrative shards (.jsonl)")
    for field in dataclasses.fields(Annotations):
        parser.add_argument(f"--{field.name}", nargs="+", default=[], help="Open Images CSV files")
    parser.add_argument("--classes", nargs="+", required=True, help="CSV files of ids and names")
    parser.add_argument("--output", required=True, help="folder for the tables")
    flags = parser.parse_args(argv)
    annotations = Annotations(flags.boxes, flags.labels, flags.images)
    build(flags.input, annotations, flags.classes, flags.output)


def read_table(folder: Path, name: str) -> list[dict]:
    """Rows of a table in the order of its key, from a baseline's output or a version's folder."""
    path = pathlib.Path(folder, f"{name}.parquet")
    if not path.exists():
        path = pathlib.Path(folder, name)
    rows = pq.read_table(path).to_pylist()
    return sorted(rows, key=lambda row: [(row[key] is not None, row[key]) for key in KEYS[name]])


def differences(expected: Path, found: Path, at_most: int = 20) -> list[str]:
    """Places at which two outputs differ, with both values; empty if they hold the same.

    Args:
      expected: A baseline's output folder or the folder of a version.
      found: Likewise.
      at_most: Places that are listed of each table.
    """
    return [
        place
        for name in TABLES
        for place in itertools.islice(
            _compare(name, read_table(expected, name), read_table(found, name)), at_most
        )
    ]


def _compare(path: str, expected: object, found: object) -> Iterator[str]:
    """Places below `path` at which two values differ."""
    if type(expected) is not type(found):
        yield f"{path}: expected {expected!r}, found {found!r}"
    elif isinstance(expected, dict):
        if expected.keys() != found.keys():
            yield f"{path}: only one has {sorted(expected.keys() ^ found.keys())}"
        for key in expected.keys() & found.keys():
            yield from _compare(f"{path}.{key}", expected[key], found[key])
    elif isinstance(expected, list):
        if len(expected) != len(found):
            yield f"{path}: expected {len(expected)} items, found {len(found)}"
        for position, pair in enumerate(zip(expected, found, strict=False)):
            yield from _compare(f"{path}[{position}]", *pair)
    elif expected != found and not _nearly(path, expected, found):
        yield f"{path}: expected {expected!r}, found {found!r}"


def _nearly(path: str, expected: object, found: object) -> bool:
    if not (isinstance(expected, float) and path.endswith(_ADDED_UP)):
        return False
    return math.isclose(expected, found, rel_tol=RELATIVE_ERROR, abs_tol=1e-15)
