"""The data source of the baseline `spark`: shards become rows of grounded narratives.

Spark reads text through the JVM and hands it on to Python; a data source of its own (Spark 4)
reads, decodes and grounds in Python at once, knows each line's offset in its file, and came out
faster than text with `mapInArrow` and than Spark's JSON reader with a schema.
"""

import dataclasses
import functools
import json
import os
import pathlib
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from benchmarks.baselines import common
from benchmarks.baselines.libraries.with_libraries import (
    DECODER,
    describe,
    flag,
    ground,
    measure,
    narration_seconds,
)
from benchmarks.baselines.libraries.with_libraries_boxes import Classes
from benchmarks.baselines.libraries.with_libraries_mentions import locate_mentions
from benchmarks.baselines.libraries.with_libraries_words import (
    Traces,
    Words,
    offsets_of,
    ranges,
    read_speech,
    read_traces,
    time_words,
)

PIECE_BYTES = 32 << 20
"""How much of a shard is one task."""

LINES_AT_A_TIME = 500

AXIS = pa.list_(pa.float64())
FOUND = pa.struct(
    [common.MENTIONS.field(name) for name in ("class_id", "name", "text", "char_start", "char_end",
     "first_word", "end_word", "start_time", "end_time", "first_point", "end_point")]
    + [pa.field("x", AXIS), pa.field("y", AXIS)]
)  # fmt: skip
"""A mention before it is localized, with the points of its segment."""

MEASURED = {
    name: f"{name}_scaled" for name in ("narration_seconds", "trace_points", "trace_length")
}
"""Measures of a narrative, and their columns in integers of their scales (`common.MEASURES`)."""

JOINED = ("image", "labels", "boxes_status", "boxes", "richness")
"""Columns of `narratives` that come later."""

GROUNDED = pa.schema(
    [
        *(field for field in common.NARRATIVES if field.name not in JOINED),
        *((column, pa.int64()) for column in MEASURED.values()),
        ("mentions", pa.list_(FOUND)),
    ]
)
"""Rows of the data source."""


class LocalizedNarratives(DataSource):
    """The format `localized_narratives`; its options are JSON lists of `paths` and `classes`."""

    @classmethod
    def name(cls) -> str:
        """The name of the format."""
        return "localized_narratives"

    def schema(self) -> StructType:
        """The rows' type."""
        return from_arrow_schema(GROUNDED)

    def reader(self, schema: StructType) -> "Reader":
        """A reader of the shards."""
        return Reader(json.loads(self.options["paths"]), tuple(json.loads(self.options["classes"])))


@dataclasses.dataclass
class Piece(InputPartition):
    """The lines of a shard that begin in a range of bytes."""

    path: str
    start: int
    end: int


@dataclasses.dataclass
class Reader(DataSourceReader):
    """Reads pieces of shards as `GROUNDED`.

    Attributes:
      paths: The shards.
      classes: Files of classes.
    """

    paths: Sequence[str]
    classes: tuple[str, ...]

    def partitions(self) -> list[Piece]:
        """Pieces of all shards."""
        sizes = [(path, os.path.getsize(path)) for path in self.paths]
        return [
            Piece(path, start, min(start + PIECE_BYTES, size))
            for path, size in sizes
            for start in range(0, size, PIECE_BYTES)
        ]

    def read(self, partition: Piece) -> Iterator[pa.RecordBatch]:
        """Grounds a piece's narratives, some hundred at a time."""
        classes = read_classes(self.classes)
        shard = pathlib.Path(partition.path).name
        for offset, lines in read_lines(partition):
            yield ground_lines(shard, offset, lines, classes)


@functools.lru_cache(maxsize=1)
def read_classes(paths: tuple[str, ...]) -> Classes:
    """The classes, once a worker."""
    return Classes.read(paths)


def read_lines(piece: Piece) -> Iterator[tuple[int, list[bytes]]]:
    """Some hundred lines at a time, and where the first begins."""
    with open(piece.path, "rb") as file:
        if piece.start:  # the line that ends here, or reaches in, is the piece's before
            file.seek(piece.start - 1)
            file.readline()
        offset = end = file.tell()
        while end < piece.end:
            lines = []
            while len(lines) < LINES_AT_A_TIME and end < piece.end:
                lines.append(file.readline())
                end += len(lines[-1])
            yield offset, lines
            offset = end


def ground_lines(
    shard: str, offset: int, lines: Sequence[bytes], classes: Classes
) -> pa.RecordBatch:
    """Lines as rows of `GROUNDED`; the first of them begins at `offset`."""
    records = [DECODER.decode(line) for line in lines]
    traces = read_traces(records)
    speech = read_speech(records)
    words = time_words(records, speech, traces)
    batch = describe(records, shard, offset + offsets_of(list(map(len, lines)))[:-1])
    mentions, inverted = find_mentions(batch, words, traces, classes)
    points = traces.offsets.astype(np.int32)
    axes = [
        pa.ListArray.from_arrays(points, axis.astype(np.float32))
        for axis in (traces.x, traces.y, traces.t)
    ]
    columns = {name: batch[name].combine_chunks() for name in batch.column_names} | {
        "distance": pa.array(words.distances, pa.int32()),
        "flags": flag(speech, words, traces, inverted),
        "words": pa.ListArray.from_arrays(words.offsets.astype(np.int32), ground(words, traces)),
        "trace": pa.StructArray.from_arrays(axes, names=list("xyt")),
        "segment_starts": pa.ListArray.from_arrays(
            traces.segment_offsets.astype(np.int32), pa.array(traces.segment_starts, pa.int32())
        ),
        "narration_seconds": pa.array(narration_seconds(speech, len(batch)), from_pandas=True),
        "mentions": mentions,
    }
    measures = measure(batch, speech, traces)
    columns |= {column: measures[name].combine_chunks() for name, column in MEASURED.items()}
    return pa.RecordBatch.from_arrays(
        [columns[field.name].cast(field.type) for field in GROUNDED], schema=GROUNDED
    )


def find_mentions(
    batch: pa.Table, words: Words, traces: Traces, classes: Classes
) -> tuple[pa.ListArray, np.ndarray]:
    """The column `mentions`, and narratives with a mention whose times are inverted."""
    located = locate_mentions(batch, words, traces, classes)
    rows, sizes = located.rows, located.end_point - located.first_point
    point = ranges(traces.offsets[rows] + located.first_point, sizes)
    segments = offsets_of(sizes).astype(np.int32)
    columns = located.columns | {
        "x": pa.ListArray.from_arrays(segments, traces.x[point]),
        "y": pa.ListArray.from_arrays(segments, traces.y[point]),
    }
    structs = pa.StructArray.from_arrays(
        [columns[field.name].cast(field.type) for field in FOUND], fields=list(FOUND)
    )
    offsets = offsets_of(np.bincount(rows, minlength=len(batch))).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, structs), rows[located.inverted]
