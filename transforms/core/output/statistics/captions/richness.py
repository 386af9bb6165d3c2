"""Rows of Tables 2 and 3 for all collections: captions, images, words and tags, replication."""

import dataclasses
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.model.chunk import Chunk
from transforms.core.model.columns import COMPUTED, column, dataset_splits
from transforms.core.model.narratives.schemas import RICHNESS_OF_CAPTION
from transforms.core.output.statistics.captions.digests import DigestCounts
from transforms.core.output.statistics.moments import (
    Moments,
    describe_moments,
    merge_moments,
    moment_fields,
)
from transforms.core.output.statistics.statistic import Split, Statistic, StatisticsTable, in_order
from transforms.core.sources.captions.schemas import MEASURES, SPLIT_COLUMNS
from transforms.core.sources.captions.schemas import TABLE as CAPTIONS

TABLE = "richness"

SCHEMA = pa.schema(
    [
        *SPLIT_COLUMNS,
        column("captions", pa.int64(), "captions", "captions", COMPUTED),
        column("images", pa.int64(), "their distinct images", "images", COMPUTED),
        column("empty", pa.int64(), "captions of white space alone", "captions", COMPUTED),
        column("repeated", pa.int64(), "captions whose image and id another one of the split has "
               "too; all are kept", "captions", COMPUTED),
        *moment_fields(MEASURES),
    ]
)  # fmt: skip

_SEPARATOR = "\0"
"""Between an image's id and a caption's, neither of which can hold it."""


@dataclasses.dataclass(slots=True)
class _Split:
    """What is known of a collection's split.

    Attributes:
      measures: Moments by tag.
      images: Captions by image.
      keys: Captions by image and caption id, of those that have one.
      empty: Captions of white space alone.
    """

    measures: dict[str, Moments] = dataclasses.field(default_factory=dict)
    images: DigestCounts = dataclasses.field(default_factory=DigestCounts)
    keys: DigestCounts = dataclasses.field(default_factory=DigestCounts)
    empty: int = 0

    def add(self, rows: pa.RecordBatch) -> None:
        richness = rows["richness"].drop_null()
        measures = {
            field.name: Moments.of(richness.field(field.name).to_numpy())
            for field in RICHNESS_OF_CAPTION
        }
        merge_moments(self.measures, measures)
        self.images.update(rows["image_id"].to_pylist())
        named = rows.filter(pc.is_valid(rows["caption_id"]))
        keys = pc.binary_join_element_wise(named["image_id"], named["caption_id"], _SEPARATOR)
        self.keys.update(keys.to_pylist())
        self.empty += pc.sum(pc.equal(pc.utf8_trim_whitespace(rows["caption"]), "")).as_py() or 0

    def merge(self, other: "_Split") -> None:
        merge_moments(self.measures, other.measures)
        self.images.merge(other.images)
        self.keys.merge(other.keys)
        self.empty += other.empty

    def describe(self) -> dict[str, Any]:
        """Columns of the split's row."""
        per_image, per_key = self.images.values(), self.keys.values()
        moments = {**self.measures, "captions_per_image": Moments.of(per_image)}
        return {
            "captions": int(per_image.sum()),
            "images": len(per_image),
            "empty": self.empty,
            "repeated": int(per_key[per_key > 1].sum()),
            **describe_moments(moments, MEASURES),
        }


@dataclasses.dataclass(slots=True)
class CaptionRichness(Statistic):
    """What captions measure, and how often an image is described, by collection and split."""

    name = "richness"
    tables = {
        TABLE: StatisticsTable(
            SCHEMA, "a collection and split: its rows of the paper's Tables 2 and 3"
        )
    }

    splits: dict[Split, _Split] = dataclasses.field(default_factory=dict)

    def add(self, chunk: Chunk) -> None:
        """Adds the captions of a chunk."""
        rows = chunk[CAPTIONS]
        splits, split_of_row = dataset_splits(rows, "collection")
        for position, split in enumerate(splits):
            chosen = pa.array(np.flatnonzero(split_of_row == position))
            own = rows if len(splits) == 1 else rows.take(chosen)
            self.splits.setdefault(split, _Split()).add(own)

    def merge(self, other: "CaptionRichness") -> None:
        """Adds another's."""
        for split, found in other.splits.items():
            self.splits.setdefault(split, _Split()).merge(found)

    def compact(self) -> None:
        """Adds up what merging has only gathered."""
        for found in self.splits.values():
            found.images.compact()
            found.keys.compact()

    def pack(self) -> list:
        """Rows of collection, split, measures, images, keys and empty captions."""
        return [
            [
                *split,
                {name: moments.pack() for name, moments in found.measures.items()},
                found.images.pack(),
                found.keys.pack(),
                found.empty,
            ]
            for split, found in self.splits.items()
        ]

    @classmethod
    def unpack(cls, packed: list) -> "CaptionRichness":
        """What `pack` made."""
        return cls(
            {
                (collection, split): _Split(
                    {name: Moments.unpack(moments) for name, moments in measures.items()},
                    DigestCounts.unpack(images),
                    DigestCounts.unpack(keys),
                    empty,
                )
                for collection, split, measures, images, keys, empty in packed
            }
        )

    def to_tables(self) -> dict[str, pa.Table]:
        """A row a collection and split."""
        rows = [
            {"collection": split[0], "split": split[1], **self.splits[split].describe()}
            for split in in_order(self.splits)
        ]
        return {TABLE: pa.Table.from_pylist(rows, schema=SCHEMA)}
