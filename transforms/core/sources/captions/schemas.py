"""Schemas of captions of all collections, and entries of their versions' manifests."""

import msgspec
import pyarrow as pa

from transforms.core.model import bad_lines
from transforms.core.model.columns import COMPUTED, RUN, column, term
from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import Provenance, ShardRow
from transforms.core.model.narratives.schemas import RICHNESS_OF_CAPTION, TAG_COLUMNS
from transforms.core.model.units import Counts

TABLE = "captions"

COLLECTION = "the collection"
"""Where values are from that stand in a published file."""

SPLIT_COLUMNS = [
    term("collection", "the collection, by the file's name or the options", source=RUN),
    term("split", "its split, by the file's name, the options or the record; null: unknown",
         source=RUN),
]  # fmt: skip

_SIDES = {"x": "left edge", "y": "upper edge", "width": "width", "height": "height"}

REGION = pa.struct(
    [column(name, pa.float64(), f"its {told}", "pixels") for name, told in _SIDES.items()]
)
"""Part of an image that a phrase describes, in pixels from the upper left corner."""

READ_CAPTIONS = pa.schema(
    [
        *SPLIT_COLUMNS,
        column("image_id", pa.string(), "the image, as published; a file's name without ending "
               "(Flickr30k), a path (WikiScenes), an address (Conceptual Captions)",
               source=COLLECTION, required=True),
        column("caption_id", pa.string(), "the caption, as published; Flickr30k's number, the "
               "annotator; null where there is none", source=COLLECTION),
        column("caption", pa.string(), "the caption, as published, without its line end; may be "
               "empty", source=COLLECTION),
        column("region", REGION, "the part of the image that it describes (Visual Genome), else "
               "null", source=COLLECTION),
        term("shard", "file that the record is in", source=RUN, required=True),
        column("byte_offset", pa.int64(), "where the record begins in its shard, as text",
               "bytes", RUN, required=True),
    ]
)  # fmt: skip
"""Captions as they are read."""

CAPTIONS = pa.schema(
    [
        *READ_CAPTIONS,
        column("richness", RICHNESS_OF_CAPTION, "the caption's tokens by part of speech; null "
               "where it was not tagged", source=COMPUTED),
    ]
)  # fmt: skip

UNIT_TABLES = {TABLE: CAPTIONS, bad_lines.TABLE: bad_lines.SCHEMA}
"""Tables that each unit writes a file of."""

MEASURES = {"words": 1, **dict.fromkeys(TAG_COLUMNS, 1), "captions_per_image": 1}
"""What is measured, with the integer scale in which each is summed."""


class NounCountRow(msgspec.Struct, frozen=True):
    """How many narratives have so many nouns."""

    nouns: int
    captions: int


class ComparedNarratives(msgspec.Struct, frozen=True):
    """Narratives beside which captions are shown.

    Attributes:
      version: The version that they are of.
      captions: Narratives.
      images: Their images, added up over datasets and splits.
      sums: Of each measure over the captions that were tagged, by its name.
      counted: Captions that were tagged.
      nouns: Captions by number of nouns.
    """

    version: str
    captions: int
    images: int
    sums: dict[str, int]
    counted: int
    nouns: list[NounCountRow]


class CaptionsShardRow(ShardRow, frozen=True, kw_only=True):
    """The conservation law for a shard.

    Attributes:
      captions: Captions written.
    """

    captions: int


class CaptionsManifest(Manifest, frozen=True, kw_only=True):
    """A version of captions.

    Attributes:
      narratives: What they are shown beside, null for nothing.
    """

    shards: list[CaptionsShardRow]
    counts: Counts
    narratives: ComparedNarratives | None = None


class CaptionsProvenance(Provenance, frozen=True, kw_only=True):
    """Entries that are known before a record is read."""

    narratives: ComparedNarratives | None = None
