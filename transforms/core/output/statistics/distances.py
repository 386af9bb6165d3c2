"""Alignment distances: how many narratives have which D."""

import dataclasses
from collections import Counter

import numpy as np
import pyarrow as pa

from transforms.core.model.chunk import Chunk
from transforms.core.model.columns import TERM, dataset_splits
from transforms.core.output.statistics.statistic import Split, Statistic, StatisticsTable, in_order

TABLE = "distances"


@dataclasses.dataclass(slots=True)
class Distances(Statistic):
    """Narratives that are kept, by D (Eq. 1) in characters.

    Attributes:
      narratives: By dataset and split.
    """

    name = "distances"
    tables = {
        TABLE: StatisticsTable(
            pa.schema(
                [("dataset", TERM), ("split", TERM), ("distance", pa.int32()),
                 ("narratives", pa.int64())]
            ),
            "an alignment distance D, and the narratives that have it",
        )
    }  # fmt: skip

    narratives: dict[Split, Counter] = dataclasses.field(default_factory=dict)

    def add(self, chunk: Chunk) -> None:
        """Counts narratives; those without a D are left out."""
        distances = np.array(chunk["narratives"]["distance"].to_pylist(), object)
        splits, split_of_row = dataset_splits(chunk["narratives"])
        for position, split in enumerate(splits):
            values = distances[split_of_row == position]
            counted = Counter(value for value in values if value is not None)
            self.narratives.setdefault(split, Counter()).update(counted)

    def merge(self, other: "Distances") -> None:
        """Adds another's narratives."""
        for split, counter in other.narratives.items():
            self.narratives.setdefault(split, Counter()).update(counter)

    def pack(self) -> list:
        """Rows of dataset, split, and pairs of D and narratives."""
        return [[*split, sorted(counter.items())] for split, counter in self.narratives.items()]

    @classmethod
    def unpack(cls, packed: list) -> "Distances":
        """What `pack` made."""
        return cls(
            {
                (dataset, split): Counter(dict(map(tuple, counts)))
                for dataset, split, counts in packed
            }
        )

    def to_tables(self) -> dict[str, pa.Table]:
        """A row a D of each split."""
        rows = [
            {"dataset": split[0], "split": split[1], "distance": distance, "narratives": number}
            for split in in_order(self.narratives)
            for distance, number in sorted(self.narratives[split].items())
        ]
        return {TABLE: pa.Table.from_pylist(rows, schema=self.tables[TABLE].schema)}
