"""Rows of Tables 2 and 3 for all collections: captions, images, words and tags, replication."""

import collections
import dataclasses
import tempfile
from typing import Any, BinaryIO, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.base.errors import telling_room
from transforms.core.model.chunk import Chunk
from transforms.core.model.columns import COMPUTED, column, dataset_splits
from transforms.core.model.narratives.schemas import RICHNESS_OF_CAPTION
from transforms.core.output.statistics.captions import digests
from transforms.core.output.statistics.moments import (
    Moments,
    describe_moments,
    merge_moments,
    moment_fields,
)
from transforms.core.output.statistics.sorted_runs import SortedRuns
from transforms.core.output.statistics.statistic import (
    ReadAside,
    Split,
    Statistic,
    StatisticsTable,
    in_order,
)
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

_IN_MEMORY = 16 << 20
"""Bytes of digests that are merged without a file."""


@dataclasses.dataclass(slots=True)
class _Split:
    """What is known of a collection's split.

    Attributes:
      measures: Moments by tag.
      captions: Captions.
      empty: Of these, those of white space alone.
      per_image: Captions of each image; None until that is gathered from all units.
      repeated: Captions whose image and id another one has too, of those that have an id; likewise.
    """

    measures: dict[str, Moments] = dataclasses.field(default_factory=dict)
    captions: int = 0
    empty: int = 0
    per_image: Moments | None = None
    repeated: int | None = None

    def add(self, rows: pa.RecordBatch) -> None:
        richness = rows["richness"].drop_null()
        measures = {
            field.name: Moments.of(richness.field(field.name).to_numpy())
            for field in RICHNESS_OF_CAPTION
        }
        merge_moments(self.measures, measures)
        self.captions += len(rows)
        self.empty += pc.sum(pc.equal(pc.utf8_trim_whitespace(rows["caption"]), "")).as_py() or 0

    def merge(self, other: "_Split") -> None:
        merge_moments(self.measures, other.measures)
        self.captions += other.captions
        self.empty += other.empty

    def gather(self, images: SortedRuns, keys: SortedRuns) -> None:
        self.per_image, self.repeated = Moments(), 0
        for numbers in images.merged():
            self.per_image.merge(Moments.of(numbers))
        for numbers in keys.merged():
            self.repeated += int(numbers[numbers > 1].sum())
        if self.per_image.total != self.captions:
            raise ValueError(f"{self.per_image.total} captions are of images, not {self.captions}")

    def describe(self) -> dict[str, Any]:
        """Columns of the split's row."""
        if self.per_image is None:
            raise ValueError("images are counted by `gather`, which was not called")
        moments = {**self.measures, "captions_per_image": self.per_image}
        return {
            "captions": self.captions,
            "images": self.per_image.count,
            "empty": self.empty,
            "repeated": self.repeated,
            **describe_moments(moments, MEASURES),
        }


@dataclasses.dataclass(slots=True)
class CaptionRichness(Statistic):
    """What captions measure, and how often an image is described, by collection and split.

    Images and ids are counted when all units are merged, of their digests, which each unit sets
    aside in order.
    """

    name = "captions"
    tables = {
        TABLE: StatisticsTable(
            SCHEMA, "a collection and split: its rows of the paper's Tables 2 and 3"
        )
    }
    aside = {digests.TABLE: digests.SCHEMA}

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

    @staticmethod
    def set_aside(chunk: Chunk) -> dict[str, pa.RecordBatch]:
        """The digests of a unit's images and ids."""
        return {digests.TABLE: digests.digests_of_captions(chunk[CAPTIONS])}

    def gather(self, read: ReadAside) -> None:
        """Counts images and repeated ids, of digests that are merged by way of a temporary file."""
        with (
            telling_room(tempfile.gettempdir()),
            tempfile.SpooledTemporaryFile(_IN_MEMORY) as file,
        ):
            runs: dict = collections.defaultdict(lambda: SortedRuns(cast(BinaryIO, file)))
            for rows in read(digests.TABLE):
                for part in digests.parts_of(rows):
                    runs[part.split, part.whose].append(part.digests, part.captions)
            for split, found in self.splits.items():
                found.gather(runs[split, digests.IMAGE], runs[split, digests.KEY])

    def pack(self) -> list:
        """Rows of collection, split, measures, captions and empty ones."""
        return [
            [
                *split,
                {name: moments.pack() for name, moments in found.measures.items()},
                found.captions,
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
                    captions,
                    empty,
                )
                for collection, split, measures, captions, empty in packed
            }
        )

    def to_tables(self) -> dict[str, pa.Table]:
        """A row a collection and split."""
        rows = [
            {"collection": split[0], "split": split[1], **self.splits[split].describe()}
            for split in in_order(self.splits)
        ]
        return {TABLE: pa.Table.from_pylist(rows, schema=SCHEMA)}
