"""Richness of captions (Tables 2 and 3): moments of every measure, and narratives per image."""

import dataclasses
from collections import Counter
from itertools import starmap
from typing import Any

import numpy as np
import pyarrow as pa

from transforms.core.model.chunk import Chunk
from transforms.core.model.columns import COMPUTED, column, dataset_splits
from transforms.core.model.narratives.schemas import MEASURES, SPLIT_COLUMNS
from transforms.core.output.statistics.moments import (
    Moments,
    describe_moments,
    merge_moments,
    moment_fields,
)
from transforms.core.output.statistics.statistic import Split, Statistic, StatisticsTable, in_order
from transforms.core.stages.measure.measures import measured_values

TABLE = "richness"

SCHEMA = pa.schema(
    [
        *SPLIT_COLUMNS,
        column("captions", pa.int64(), "narratives kept", "captions", COMPUTED),
        column("images", pa.int64(), "their distinct images", "images", COMPUTED),
        *moment_fields(MEASURES),
    ]
)


@dataclasses.dataclass(slots=True)
class Richness(Statistic):
    """What captions, narrations and traces measure, and how often an image is described.

    Attributes:
      measures: Moments by dataset and split, then by measure (`schemas.MEASURES`).
      narratives: Narratives kept by `image/annotator` key, by dataset and split.
    """

    name = "richness"
    tables = {
        TABLE: StatisticsTable(
            SCHEMA, "a dataset and split: sums, means and deviations of the captions' measures"
        )
    }

    measures: dict[Split, dict[str, Moments]] = dataclasses.field(default_factory=dict)
    narratives: dict[Split, Counter] = dataclasses.field(default_factory=dict)

    def add(self, chunk: Chunk) -> None:
        """Adds every measure of the narratives that are kept, unknown ones left out."""
        values = measured_values(chunk["narratives"])
        keys = np.array(_keys(chunk["narratives"]), object)
        splits, split_of_row = dataset_splits(chunk["narratives"])
        for position, split in enumerate(splits):
            rows = np.flatnonzero(split_of_row == position)
            moments = self.measures.setdefault(split, {})
            for measure, found in values.items():
                known = (value for value in found[rows] if value is not None)
                moments.setdefault(measure, Moments()).update(known)
            self.narratives.setdefault(split, Counter()).update(keys[rows])

    def merge(self, other: "Richness") -> None:
        """Adds another's."""
        for split, measures in other.measures.items():
            merge_moments(self.measures.setdefault(split, {}), measures)
        for split, counter in other.narratives.items():
            self.narratives.setdefault(split, Counter()).update(counter)

    def pack(self) -> list:
        """Rows of dataset, split, measures and keys."""
        return [
            [
                *split,
                {name: moments.pack() for name, moments in measures.items()},
                dict(self.narratives[split]),
            ]
            for split, measures in self.measures.items()
        ]

    @classmethod
    def unpack(cls, packed: list) -> "Richness":
        """What `pack` made."""
        made = cls()
        for dataset, split, measures, keys in packed:
            made.measures[dataset, split] = {
                name: Moments.unpack(moments) for name, moments in measures.items()
            }
            made.narratives[dataset, split] = Counter(keys)
        return made

    def to_tables(self) -> dict[str, pa.Table]:
        """A row a dataset and split."""
        rows = [self._row(split) for split in in_order(self.measures)]
        return {TABLE: pa.Table.from_pylist(rows, schema=SCHEMA)}

    def _row(self, split: Split) -> dict:
        per_image = self.images(split)
        moments = dict(self.measures[split])
        moments["narratives_per_image"] = Moments()
        moments["narratives_per_image"].update(per_image.values())
        row: dict[str, Any] = {"dataset": split[0], "split": split[1], "images": len(per_image)}
        row["captions"] = self.narratives[split].total()
        return row | describe_moments(moments, MEASURES)

    def images(self, split: Split) -> Counter:
        """Narratives of a split by image."""
        counts: Counter = Counter()
        for key, number in self.narratives[split].items():
            counts[key.rpartition("/")[0]] += number
        return counts

    def repeated_keys(self) -> list[dict]:
        """Image and annotator pairs that occur more than once, with how often."""
        return [
            {"dataset": split[0], "split": split[1], "key": key, "narratives": number}
            for split in in_order(self.narratives)
            for key, number in sorted(self.narratives[split].items())
            if number > 1
        ]


def _keys(narratives: pa.RecordBatch) -> list[str]:
    ids = zip(
        narratives["image_id"].to_pylist(), narratives["annotator_id"].to_pylist(), strict=True
    )
    return list(starmap("{}/{}".format, ids))
