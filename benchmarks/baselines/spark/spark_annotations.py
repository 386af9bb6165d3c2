"""Annotations as DataFrames of a row an image, for the baseline `spark`."""

import csv
import functools
from collections.abc import Sequence

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.types import from_arrow_schema

from benchmarks.baselines import common
from benchmarks.baselines.common import Path

BOX_EDGES = {"x_min": "XMin", "x_max": "XMax", "y_min": "YMin", "y_max": "YMax"}

CSV_TYPES = {
    "OriginalSize": T.LongType(),
    "Rotation": T.DoubleType(),
    "Confidence": T.DoubleType(),
    **dict.fromkeys(BOX_EDGES.values(), T.DoubleType()),
    **dict.fromkeys(common.BOX_FLAGS.values(), T.IntegerType()),
}
"""Columns that are not text."""


def read_images(session: SparkSession, paths: Sequence[Path]) -> DataFrame:
    """Columns `image_id` and `image`; of an image that is listed twice, the first row."""
    if not paths:
        return _nothing(session, "image")
    rows = read_csv(session, paths, list(common.IMAGE_COLUMNS.values()), multiline=True)
    image = F.struct(*_renamed(common.IMAGE_COLUMNS))
    return rows.groupBy("image_id").agg(F.min_by(image, "position").alias("image"))


def read_labels(session: SparkSession, paths: Sequence[Path], classes: DataFrame) -> DataFrame:
    """Columns `image_id` and `labels`, in the order of the files."""
    if not paths:
        return _nothing(session, "labels")
    rows = read_csv(session, paths, ["Source", "LabelName", "Confidence"])
    return _by_image(rows, classes, "labels", _renamed({"confidence": "Confidence"}))


def read_boxes(session: SparkSession, paths: Sequence[Path], classes: DataFrame) -> DataFrame:
    """Columns `image_id` and `boxes`, in the order of the files."""
    if not paths:
        return _nothing(session, "boxes")
    columns = ["Source", "LabelName", *BOX_EDGES.values(), *common.BOX_FLAGS.values()]
    rows = read_csv(session, paths, columns)
    flags = [  # 1, 0 and -1, which is unknown
        F.when(F.col(column) >= 0, F.col(column) == 1).alias(name)
        for name, column in common.BOX_FLAGS.items()
    ]
    return _by_image(rows, classes, "boxes", [*_renamed(BOX_EDGES), *flags])


def read_csv(
    session: SparkSession, paths: Sequence[Path], columns: Sequence[str], multiline: bool = False
) -> DataFrame:
    """These columns of CSV files, null where a file does not have one.

    Beside them stand `image_id` and `position`, by which all rows can be put in their order.
    """
    files = [
        _read_file(session, str(path), number, columns, multiline)
        for number, path in enumerate(paths)
    ]
    return functools.reduce(DataFrame.unionByName, files)


def _read_file(
    session: SparkSession, path: str, number: int, columns: Sequence[str], multiline: bool
) -> DataFrame:
    """One file's rows; its header is read here, so that Spark need not look for it."""
    with open(path, newline="", encoding="utf-8") as file:
        header = next(csv.reader(file))
    types = T.StructType([T.StructField(name, _type(name)) for name in header])
    # Quotes are doubled within quotes, and an empty text is none, be it quoted or not.
    rows = session.read.schema(types).csv(
        path, header=True, quote='"', escape='"', mode="FAILFAST", multiLine=multiline
    )
    # Where a piece of the file begins and, within the piece, a number that goes up.
    place = F.col("_metadata.file_block_start"), F.monotonically_increasing_id()
    return rows.select(
        F.col("ImageID").alias("image_id"),
        F.struct(F.lit(number), *place).alias("position"),
        *(_column(name, header) for name in columns),
    )


def _type(column: str) -> T.DataType:
    return CSV_TYPES.get(column, T.StringType())


def _column(name: str, header: Sequence[str]) -> Column:
    if name not in header:
        return F.lit(None).cast(_type(name)).alias(name)
    return (F.col(name) if name in CSV_TYPES else F.nullif(F.col(name), F.lit(""))).alias(name)


def _renamed(columns: dict[str, str]) -> list[Column]:
    return [F.col(column).alias(name) for name, column in columns.items()]


def _by_image(rows: DataFrame, classes: DataFrame, name: str, columns: list[Column]) -> DataFrame:
    """The rows of each image as a list of structs in the order of the files."""
    rows = rows.withColumnRenamed("LabelName", "class_id")
    rows = rows.join(F.broadcast(classes), "class_id", "left")
    item = F.struct("class_id", "name", F.col("Source").alias("source"), *columns)
    placed = F.sort_array(F.collect_list(F.struct("position", item.alias("item"))))
    return rows.groupBy("image_id").agg(placed.getField("item").alias(name))


def _nothing(session: SparkSession, column: str) -> DataFrame:
    """No rows of `image_id` and a column of `narratives`."""
    schema = pa.schema([("image_id", pa.string()), common.NARRATIVES.field(column)])
    return session.createDataFrame([], from_arrow_schema(schema))
