"""Mentions, their closest boxes and where their points lie, for the baseline `spark`."""

from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from benchmarks.baselines import common
from benchmarks.baselines.libraries.with_libraries_mentions import BINS, localize
from benchmarks.baselines.libraries.with_libraries_words import offsets_of

KEYS = ("narrative_id", "dataset", "split", "image_id", "annotator_id", "shard", "byte_offset")
EDGES = ("x_min", "x_max", "y_min", "y_max")

LOCALIZED = pa.schema([*common.MENTIONS, ("has_box", pa.bool_()), ("cells", pa.list_(pa.int32()))])
"""Rows of `mentions`; whether the image has a box of the class; and where there is a closest box,
the bin of each point relative to it: `bin_x * 150 + bin_y`, -1 outside the histogram."""


def localize_mentions(narratives: DataFrame, boxes: DataFrame) -> DataFrame:
    """Rows of `LOCALIZED`.

    Args:
      narratives: Rows of the data source.
      boxes: Columns `image_id` and `boxes`.
    """
    mentions = narratives.select(*KEYS, F.explode("mentions").alias("mention"))
    candidates = F.broadcast(boxes_by_class(boxes))
    rows = mentions.select(*KEYS, "mention.*").join(candidates, ["image_id", "class_id"], "left")
    rows = rows.withColumn("candidates", F.when(~of_others(), F.col("candidates")))
    return rows.mapInArrow(localize_batches, from_arrow_schema(LOCALIZED))


def of_others() -> Column:
    """Whether a narrative's image is not one of Open Images."""
    return F.coalesce(F.col("dataset").isin(*common.OTHER_DATASETS), F.lit(False))


def boxes_by_class(boxes: DataFrame) -> DataFrame:
    """Columns `image_id`, `class_id` and `candidates`: boxes with their places in the list."""
    rows = boxes.select("image_id", F.posexplode("boxes").alias("at", "box"))
    candidate = F.struct("at", *(F.col(f"box.{edge}") for edge in EDGES))
    grouped = rows.groupBy("image_id", F.col("box.class_id").alias("class_id"))
    return grouped.agg(F.sort_array(F.collect_list(candidate)).alias("candidates"))


def localize_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Localizes mentions that come with their points and candidate boxes."""
    return (localize_batch(batch) for batch in batches if len(batch))


def localize_batch(mentions: pa.RecordBatch) -> pa.RecordBatch:
    """Rows of `LOCALIZED`."""
    sizes, x, y = lengths(mentions["x"]), mentions["x"].flatten(), mentions["y"].flatten()
    counts, boxes = lengths(mentions["candidates"]), mentions["candidates"].flatten()
    offsets, everyone = offsets_of(counts), np.arange(len(mentions))
    found = localize(
        everyone,
        np.zeros(len(mentions), np.int64),
        offsets_of(sizes)[:-1],
        sizes,
        SimpleNamespace(x=x.to_numpy(), y=y.to_numpy()),
        SimpleNamespace(  # as if each mention had an image of its own, with boxes of one class
            offsets=offsets,
            classes=np.zeros(len(boxes), np.int64),
            edges={edge: boxes.field(edge).to_numpy() for edge in EDGES},
        ),
    )
    boxless = found.box < 0
    box = pa.array(offsets[:-1] + found.box, mask=boxless)
    outside = (found.bin_x < 0) | (found.bin_y < 0)
    cells = pa.array(np.where(outside, -1, found.bin_x * BINS + found.bin_y), pa.int32())
    columns = dict(zip(mentions.schema.names, mentions.columns, strict=True)) | {
        "box_index": boxes.field("at").take(box),
        "mean_distance": pa.array(found.mean_distance, mask=boxless),
        "points": pc.subtract(mentions["end_point"], mentions["first_point"]),
        "points_inside": pa.array(found.inside, mask=boxless),
        "has_box": pa.array(found.has_box),
        "cells": pa.ListArray.from_arrays(offsets_of(found.points).astype(np.int32), cells),
    }
    return pa.RecordBatch.from_arrays(
        [columns[field.name].cast(field.type) for field in LOCALIZED], schema=LOCALIZED
    )


def lengths(lists: pa.ListArray) -> np.ndarray:
    """How long each list is; null is empty."""
    return pc.list_value_length(lists).fill_null(0).to_numpy()


def count_localized(mentions: DataFrame) -> DataFrame:
    """The table `localization` from rows of `LOCALIZED`."""
    has_box, boxed = F.col("has_box"), F.col("box_index").isNotNull()
    outside = F.filter("cells", lambda cell: cell < 0)
    return mentions.groupBy(*common.CLASS_KEY).agg(
        F.count("*").alias("mentions"),
        F.count("box_index").alias("boxed"),
        F.count_if(has_box & ~boxed).alias("without_trace"),
        F.count_if(~has_box).alias("without_box_of_class"),
        F.sum(F.size("cells")).alias("points"),
        F.sum(F.coalesce("points_inside", F.lit(0))).alias("points_inside"),
        F.sum(F.size(outside)).alias("overflow"),
    )


def count_cells(mentions: DataFrame) -> DataFrame:
    """The table `localization_histogram` from rows of `LOCALIZED`.

    A class's bins are counted in numpy: to group its points by bin costs Spark far more.
    """
    rows = mentions.select(*common.CLASS_KEY, "cells")
    schema = from_arrow_schema(common.TABLES["localization_histogram"])
    return rows.groupBy(*common.CLASS_KEY).applyInArrow(count_cells_of_class, schema)


def count_cells_of_class(mentions: pa.Table) -> pa.Table:
    """Rows of `localization_histogram` of one class."""
    cells = pc.list_flatten(mentions["cells"]).to_numpy()
    points = np.bincount(cells[cells >= 0], minlength=BINS * BINS)
    filled = np.flatnonzero(points)
    keys = mentions.select(common.CLASS_KEY).slice(0, 1).take(pa.array(np.zeros_like(filled)))
    columns = [*keys.columns, *map(pa.array, (filled // BINS, filled % BINS, points[filled]))]
    schema = common.TABLES["localization_histogram"]
    return pa.table(columns, names=schema.names).cast(schema)
