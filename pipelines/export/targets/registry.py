"""Where versions can be exported to: a new target is a module and a line of `TARGETS`.

A module has a subclass of `TargetOptions`: its fields are the target's own options, and
`make_target` returns the `Target` that they describe. What it needs is imported there.
"""

from pipelines.export.targets.bigquery import BigQueryOptions
from pipelines.export.targets.coco import CocoOptions
from pipelines.export.targets.fiftyone import FiftyOneOptions
from pipelines.export.targets.hf import HuggingFaceOptions
from pipelines.export.targets.options import TargetOptions
from pipelines.export.targets.postgres import PostgresOptions
from pipelines.export.targets.webdataset import WebDatasetOptions

TARGETS: dict[str, type[TargetOptions]] = {
    "postgres": PostgresOptions,
    "bigquery": BigQueryOptions,
    "coco": CocoOptions,
    "fiftyone": FiftyOneOptions,
    "hf": HuggingFaceOptions,
    "webdataset": WebDatasetOptions,
}
"""By the name that `--to` takes."""
