"""Nouns per caption (Fig. 5): how many captions have how many."""

import dataclasses
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.model.chunk import Chunk
from transforms.core.model.columns import TERM, dataset_splits
from transforms.core.output.statistics.statistic import Split, Statistic, StatisticsTable, in_order

TABLE = "noun_counts"


@dataclasses.dataclass(slots=True)
class NounCounts(Statistic):
    """Captions by number of nouns.

    Attributes:
      captions: By dataset and split.
    """

    name = "noun_counts"
    tables = {
        TABLE: StatisticsTable(
            pa.schema(
                [("dataset", TERM), ("split", TERM), ("nouns", pa.int32()),
                 ("captions", pa.int64())]
            ),
            "a number of nouns, and the captions that have as many",
        )
    }  # fmt: skip

    captions: dict[Split, Counter] = dataclasses.field(default_factory=dict)

    def add(self, chunk: Chunk) -> None:
        """Counts captions; those that were not tagged are left out."""
        column = pc.struct_field(chunk["narratives"]["richness"], "nouns")
        nouns = np.array(column.to_pylist(), object)
        splits, split_of_row = dataset_splits(chunk["narratives"])
        for position, split in enumerate(splits):
            values = nouns[split_of_row == position]
            counted = Counter(value for value in values if value is not None)
            self.captions.setdefault(split, Counter()).update(counted)

    def merge(self, other: "NounCounts") -> None:
        """Adds another's captions."""
        for split, counter in other.captions.items():
            self.captions.setdefault(split, Counter()).update(counter)

    def pack(self) -> list:
        """Rows of dataset, split, and pairs of nouns and captions."""
        return [[*split, sorted(counter.items())] for split, counter in self.captions.items()]

    @classmethod
    def unpack(cls, packed: list) -> "NounCounts":
        """What `pack` made."""
        return cls(
            {
                (dataset, split): Counter(dict(map(tuple, counts)))
                for dataset, split, counts in packed
            }
        )

    def to_tables(self) -> dict[str, pa.Table]:
        """A row a number of nouns of each split."""
        rows = [
            {"dataset": split[0], "split": split[1], "nouns": nouns, "captions": captions}
            for split in in_order(self.captions)
            for nouns, captions in sorted(self.captions[split].items())
        ]
        return {TABLE: pa.Table.from_pylist(rows, schema=self.tables[TABLE].schema)}
