"""The main job by somebody who knows PySpark 4, on two cores of one machine.

A data source decodes, aligns and grounds whole batches in Python workers, with the same libraries
as the baseline `with_libraries` uses, so that the two differ in the engine. Annotations are read,
grouped and joined as DataFrames (broadcast, since they are small beside the narratives); boxes
meet mentions by a join, and `mapInArrow` finds the closest; all sums are DataFrame aggregations,
and Spark writes the Parquet files. The grounded narratives are kept for their two uses, in memory
or where they do not fit on disk. It takes what `with_libraries` takes. Run it with
`python -m benchmarks.baselines.spark.spark --help`.
"""

import json
from collections.abc import Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from benchmarks.baselines import common
from benchmarks.baselines.common import Annotations, Path
from benchmarks.baselines.spark.spark_annotations import read_boxes, read_images, read_labels
from benchmarks.baselines.spark.spark_localization import (
    count_cells,
    count_localized,
    localize_mentions,
    of_others,
)
from benchmarks.baselines.spark.spark_reading import MEASURED, LocalizedNarratives, read_classes
from benchmarks.baselines.spark.spark_session import start_session, stop_session

CORES = 2


def build(
    narratives: Sequence[Path],
    annotations: Annotations,
    classes: Sequence[Path],
    output: Path,
    session: SparkSession | None = None,
) -> None:
    """Writes the tables of `common.TABLES` into the folder `output`.

    Args:
      narratives: Shards.
      annotations: Open Images files.
      classes: Files of ids and names.
      output: Where the tables go, a folder of files each.
      session: Spark's session. Without one the active one is taken, and if there is none, one is
        started and stopped.
    """
    session = session or SparkSession.getActiveSession()
    if session is not None:
        write_tables(session, narratives, annotations, classes, output)
        return
    session = start_session(CORES)
    try:
        write_tables(session, narratives, annotations, classes, output)
    finally:
        stop_session(session)


def write_tables(
    session: SparkSession,
    narratives: Sequence[Path],
    annotations: Annotations,
    classes: Sequence[Path],
    output: Path,
) -> None:
    """Does the work."""
    classes = list(map(str, classes))
    names = name_classes(session, classes)
    images = read_images(session, annotations.images)
    labels = read_labels(session, annotations.labels, names)
    boxes = read_boxes(session, annotations.boxes, names).persist()
    grounded = read_narratives(session, narratives, classes).persist()
    mentions = localize_mentions(grounded, boxes).persist()
    write(join_annotations(grounded, images, labels, boxes, annotations), output, "narratives")
    write(mentions, output, "mentions")
    write(count_localized(mentions).coalesce(1), output, "localization")
    write(count_cells(mentions).coalesce(1), output, "localization_histogram")
    write(summarise(grounded).coalesce(1), output, "richness")
    for frame in (mentions, grounded, boxes):
        frame.unpersist()


def write(rows: DataFrame, output: Path, name: str) -> None:
    """Writes a table."""
    columns = common.TABLES[name].names
    rows.select(*columns).write.mode("overwrite").parquet(f"{output}/{name}.parquet")


def name_classes(session: SparkSession, paths: Sequence[str]) -> DataFrame:
    """Columns `class_id` and `name`: the first name of each class."""
    classes = read_classes(tuple(paths))
    names = {}
    for class_id, name in zip(classes.ids.to_pylist(), classes.names.to_pylist(), strict=True):
        names.setdefault(class_id, name)
    return session.createDataFrame(list(names.items()), "class_id string, name string")


def read_narratives(
    session: SparkSession, paths: Sequence[Path], classes: Sequence[str]
) -> DataFrame:
    """Grounded narratives (`spark_reading.GROUNDED`)."""
    session.dataSource.register(LocalizedNarratives)
    options = {"paths": json.dumps(list(map(str, paths))), "classes": json.dumps(classes)}
    return session.read.format(LocalizedNarratives.name()).options(**options).load()


def join_annotations(
    grounded: DataFrame,
    images: DataFrame,
    labels: DataFrame,
    boxes: DataFrame,
    annotations: Annotations,
) -> DataFrame:
    """The table `narratives`."""
    types = {field.name: field.dataType for field in from_arrow_schema(common.NARRATIVES)}
    for known in (images, labels, boxes):
        grounded = grounded.join(F.broadcast(known), "image_id", "left")
    grounded = leave_out(grounded)
    boxed = F.col("boxes").isNotNull()
    listed = F.col("image").isNotNull() & F.lit(bool(annotations.boxes))
    status = F.when(boxed, "boxed").when(listed, "none").otherwise("unknown")
    columns = {
        "boxes_status": status,
        "boxes": F.when(listed & ~boxed, F.array().cast(types["boxes"])).otherwise(F.col("boxes")),
        "richness": F.lit(None).cast(types["richness"]),
    }
    if annotations.labels:
        nothing = F.array().cast(types["labels"])
        columns["labels"] = F.when(~of_others(), F.coalesce("labels", nothing))
    return grounded.withColumns(columns)


def leave_out(joined: DataFrame) -> DataFrame:
    """Without what is about another image with the same id."""
    names = ("image", "labels", "boxes")
    found = F.greatest(*(F.col(name).isNotNull() for name in names))
    flags = F.when(of_others() & found, F.array_append("flags", F.lit(common.OTHERS_FLAG)))
    kept = {name: F.when(~of_others(), F.col(name)) for name in names}
    return joined.withColumns({"flags": flags.otherwise(F.col("flags")), **kept})


def summarise(grounded: DataFrame) -> DataFrame:
    """The table `richness`."""
    keys = ["dataset", "split"]
    by_image = grounded.groupBy(*keys, "image_id").agg(F.count("*").alias("narratives_per_image"))
    # Rows of narratives and of images together: each has null where the other has its measures.
    rows = grounded.select(
        *keys, *(F.col(column).alias(name) for name, column in MEASURED.items())
    ).unionByName(by_image, allowMissingColumns=True)
    statistics = {"sum": F.sum, "mean": F.avg, "deviation": F.stddev_pop}
    columns = [
        (add_up(name) / scale if name in rows.columns else F.lit(None).cast("double")).alias(
            f"{name}_{statistic}"
        )
        for name, scale in common.MEASURES.items()
        for statistic, add_up in statistics.items()
    ]
    captions, images = F.count("trace_points"), F.count("narratives_per_image")
    return rows.groupBy(*keys).agg(captions.alias("captions"), images.alias("images"), *columns)


if __name__ == "__main__":
    common.run(build, __doc__.partition("\n")[0])
