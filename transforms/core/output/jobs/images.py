"""The rows of the job that downloads images: pictures fetched, failures, and samples of them."""

from transforms.core.model import bad_lines
from transforms.core.model.chunk import Chunk
from transforms.core.output.jobs import origins
from transforms.core.output.jobs.job import Further, Job
from transforms.core.output.statistics.images.outcomes import Outcomes
from transforms.core.stages.fetch.pictures.schemas import UNIT_TABLES


def count_images(chunk: Chunk) -> Further:
    """Failures by reason, and how many of them another attempt may mend."""
    failures = chunk["failures"]
    counted = failures["reason"].value_counts()
    reasons = zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(),
                  strict=True)  # fmt: skip
    return {"reasons": dict(sorted(reasons)), "retryable": failures["retryable"].true_count}


IMAGES = Job(
    name="images",
    title="Images",
    tables={**UNIT_TABLES, bad_lines.TABLE: bad_lines.SCHEMA},
    meanings={
        "images": "a picture that was fetched: its file, size, checksums and origin",
        "failures": "an image that was not fetched, and why",
        "samples": "a member of a WebDataset shard: a picture, or its JSON (tar)",
        bad_lines.TABLE: "a line of the list of images that could not be read (Avro)",
    },
    accounted=("images", "failures"),
    statistics=(Outcomes,),
    count=count_images,
    origin=origins.IMAGES,
)
"""Conservation: images of the list = fetched + failed."""
