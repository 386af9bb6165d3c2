"""Schemas of the job that downloads images: what is wanted, what was fetched and what was not."""

import pyarrow as pa

from transforms.core.model.columns import TERM, list_of
from transforms.core.model.narratives.schemas import BOX, IMAGE

CAPTION = pa.struct([("narrative_id", pa.string()), ("caption", pa.string())])

WANTED = pa.schema(
    [
        ("dataset", TERM),
        ("split", TERM),
        ("image_id", pa.string()),
        ("image", IMAGE),
        ("captions", list_of(CAPTION)),
        ("boxes", list_of(BOX)),
    ]
)
"""A line of a list of images: an image with all its captions, and its boxes."""

_PLACE = [("shard", TERM), ("byte_offset", pa.int64())]

IMAGES = pa.schema(
    [
        ("dataset", TERM),
        ("split", TERM),
        ("image_id", pa.string()),
        *_PLACE,
        ("url", pa.string()),
        ("host", TERM),
        ("redirected_to", pa.string()),
        ("fetched_as", TERM),
        ("member", pa.string()),
        ("offset", pa.int64()),
        ("file", pa.string()),
        ("bytes", pa.int64()),
        ("format", TERM),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("orientation", pa.int8()),
        ("rotation", pa.float64()),
        ("md5", pa.string()),
        ("sha256", pa.string()),
        ("verified", TERM),
        ("attempts", pa.int32()),
        ("image", IMAGE),
        ("captions", list_of(CAPTION)),
        ("boxes_are", TERM),
        ("boxes", list_of(BOX)),
    ]
)
"""A picture that was fetched."""

FAILURES = pa.schema(
    [
        ("dataset", TERM),
        ("split", TERM),
        ("image_id", pa.string()),
        *_PLACE,
        ("url", pa.string()),
        ("host", TERM),
        ("reason", TERM),
        ("status", pa.int32()),
        ("message", pa.string()),
        ("attempts", pa.int32()),
        ("retryable", pa.bool_()),
        ("bytes", pa.int64()),
    ]
)
"""An image that was not fetched."""

SAMPLES = pa.schema([("member", pa.string()), ("data", pa.large_binary())],
                    metadata={"ending": "tar"})  # fmt: skip
"""Members of a WebDataset shard: a picture, or what is known of it as JSON."""

UNIT_TABLES = {"images": IMAGES, "failures": FAILURES, "samples": SAMPLES}
