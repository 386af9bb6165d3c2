"""Schemas of captions of all collections, and entries of their versions' manifests."""

import msgspec
import pyarrow as pa

from transforms.core.model import bad_lines
from transforms.core.model.columns import TERM
from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import Provenance, ShardRow
from transforms.core.model.narratives.schemas import RICHNESS_OF_CAPTION, TAG_COLUMNS
from transforms.core.model.units import Counts

TABLE = "captions"

REGION = pa.struct([(name, pa.float64()) for name in ("x", "y", "width", "height")])
"""Part of an image that a phrase describes, in pixels from the upper left corner."""

READ_CAPTIONS = pa.schema(
    [
        ("collection", TERM),
        ("split", TERM),
        ("image_id", pa.string()),
        ("caption_id", pa.string()),
        ("caption", pa.string()),
        ("region", REGION),
        ("shard", TERM),
        ("byte_offset", pa.int64()),
    ]
)
"""Captions as they are read."""

CAPTIONS = pa.schema([*READ_CAPTIONS, ("richness", RICHNESS_OF_CAPTION)])

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
