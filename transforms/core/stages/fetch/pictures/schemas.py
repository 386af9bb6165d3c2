"""Schemas of the job that downloads images: what is wanted, what was fetched and what was not."""

import pyarrow as pa

from transforms.core.model.columns import (
    ANNOTATIONS,
    COMPUTED,
    OPEN_IMAGES,
    PUBLISHED,
    RUN,
    column,
    list_of,
    term,
)
from transforms.core.model.narratives.schemas import BOX, IMAGE, IMAGE_ID

SERVER = "the server"
"""Where values are from that came with a picture, or in its place."""

CAPTION = pa.struct(
    [
        column("narrative_id", pa.string(), "the narrative, as in `narratives`", source=COMPUTED),
        column("caption", pa.string(), "its caption"),
    ]
)

_SPLIT = [
    term("dataset", "the dataset of the first narrative that has the image", source=RUN),
    term("split", "its split", source=RUN),
    IMAGE_ID,
]
_ABOUT = [
    column("image", IMAGE, "what is known of the image", source=ANNOTATIONS),
    column("captions", list_of(CAPTION), "of all narratives of the image", source=PUBLISHED),
]

WANTED = pa.schema(
    [
        *_SPLIT,
        *_ABOUT,
        column("boxes", list_of(BOX), "the image's boxes", source=ANNOTATIONS),
    ]
)
"""A line of a list of images: an image with all its captions, and its boxes."""

_PLACE = [
    term("shard", "the list of images", source=RUN, required=True),
    column("byte_offset", pa.int64(), "where its line begins there", "bytes", RUN, required=True),
]

_ASKED = [
    column("url", pa.string(), "the address that was asked", source=ANNOTATIONS),
    term("host", "the server that was asked", source=ANNOTATIONS),
]
_ATTEMPTS = column("attempts", pa.int32(), "requests that it took", "requests", RUN)

IMAGES = pa.schema(
    [
        *_SPLIT,
        *_PLACE,
        *_ASKED,
        column("redirected_to", pa.string(), "where the server sent to; null: nowhere",
               source=SERVER),
        term("fetched_as", "`thumbnail`, or `original` (also where there is no thumbnail)",
             source=RUN),
        column("member", pa.string(), "its name in the file of `samples` with this file's number; "
               "null in folders", source=RUN),
        column("offset", pa.int64(), "where its bytes begin there; null in folders", "bytes", RUN),
        column("file", pa.string(), "in folders its path below the output, else null",
               source=RUN),
        column("bytes", pa.int64(), "its size", "bytes", SERVER),
        term("format", "`jpg`, `png` or `gif`", source=SERVER),
        column("width", pa.int32(), "its width as stored", "pixels", SERVER),
        column("height", pa.int32(), "its height as stored", "pixels", SERVER),
        column("orientation", pa.int8(), "of a JPEG's Exif data, 1 to 8", "", SERVER),
        column("rotation", pa.float64(), "by which it is to be rotated counter-clockwise",
               "degrees", OPEN_IMAGES),
        column("md5", pa.string(), "MD5 of the picture, hexadecimal", source=COMPUTED),
        column("sha256", pa.string(), "SHA-256 of the picture, hexadecimal", source=COMPUTED),
        term("verified", "`md5` or `size`: it is what the list says; `none`: the list does not "
             "say; `failed`: it is not, and was kept (`keep_unverified`)", source=COMPUTED),
        _ATTEMPTS,
        *_ABOUT,
        term("boxes_are", "`published`; `rotated` after the rotation, `pixels` of the picture, or "
             "`rotated pixels`", source=RUN),
        column("boxes", list_of(BOX), "the image's boxes; in pixels where `boxes_are` says so",
               source=ANNOTATIONS),
    ]
)  # fmt: skip
"""A picture that was fetched."""

FAILURES = pa.schema(
    [
        *_SPLIT,
        *_PLACE,
        *_ASKED,
        term("reason", "why it was not fetched, for programs", source=RUN),
        column("status", pa.int32(), "the answer's status of HTTP", "", SERVER),
        column("message", pa.string(), "why it was not fetched, for people", source=RUN),
        _ATTEMPTS,
        column("retryable", pa.bool_(), "whether another attempt may mend it", source=RUN),
        column("bytes", pa.int64(), "what came of it", "bytes", SERVER),
    ]
)
"""An image that was not fetched."""

SAMPLES = pa.schema(
    [
        column("member", pa.string(), "the member's name: `KEY.jpg` and its like, or `KEY.json`",
               source=RUN, required=True),
        column("data", pa.large_binary(), "the picture, or what is known of it as JSON",
               source=SERVER, required=True),
    ],
    metadata={"ending": "tar"},
)  # fmt: skip
"""Members of a WebDataset shard: a picture, or what is known of it as JSON."""

UNIT_TABLES = {"images": IMAGES, "failures": FAILURES, "samples": SAMPLES}
