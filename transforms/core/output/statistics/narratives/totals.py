"""Totals of each dataset and split, by which a run is judged (`guard`)."""

import dataclasses
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.model.chunk import Chunk
from transforms.core.model.columns import dataset_splits, numbers
from transforms.core.model.narratives import flags
from transforms.core.output.statistics.statistic import Split, Statistic

TOTALS = (
    "narratives",
    "captions",
    "dataset_id_differs",
    "with_images",
    "with_labels",
    "with_boxes",
    "discarded",
)
"""Of a split: narratives kept, how many of these have a caption, another dataset's id, their image
in an image list, labels, and boxes; and narratives discarded."""


@dataclasses.dataclass(slots=True)
class Totals(Statistic):
    """Numbers that the manifest describes splits by; no table is made of them.

    Attributes:
      splits: Numbers of `TOTALS` by dataset and split.
    """

    name = "totals"
    tables = {}

    splits: dict[Split, Counter] = dataclasses.field(default_factory=dict)

    def add(self, chunk: Chunk) -> None:
        """Counts narratives, kept and discarded."""
        narratives = chunk["narratives"]
        raised = numbers(narratives["flags"])
        self._count(
            narratives,
            narratives=np.ones(len(narratives), bool),
            captions=~flags.carried(raised, "no_caption"),
            dataset_id_differs=flags.carried(raised, "dataset_id_differs"),
            with_images=_is_there(narratives, "image"),
            with_labels=_has_values(narratives, "labels"),
            with_boxes=_has_values(narratives, "boxes"),
        )
        if "discarded" in chunk:
            self._count(chunk["discarded"], discarded=np.ones(len(chunk["discarded"]), bool))

    def _count(self, narratives: pa.RecordBatch, /, **conditions: np.ndarray) -> None:
        """Counts by split the rows for which a condition, shape `(n,)` bool, holds."""
        splits, split_of_row = dataset_splits(narratives)
        for name, condition in conditions.items():
            counts = np.bincount(split_of_row[condition], minlength=len(splits))
            for split, number in zip(splits, counts.tolist(), strict=True):
                self.splits.setdefault(split, Counter())[name] += number

    def merge(self, other: "Totals") -> None:
        """Adds another's numbers."""
        for split, counter in other.splits.items():
            self.splits.setdefault(split, Counter()).update(counter)

    def pack(self) -> list:
        """Rows of dataset, split and numbers by name."""
        return [[*split, dict(counter)] for split, counter in self.splits.items()]

    @classmethod
    def unpack(cls, packed: list) -> "Totals":
        """What `pack` made."""
        return cls({(dataset, split): Counter(counts) for dataset, split, counts in packed})

    def to_tables(self) -> dict[str, pa.Table]:
        """None."""
        return {}


def _is_there(narratives: pa.RecordBatch, name: str) -> np.ndarray:
    return pc.is_valid(narratives[name]).to_numpy(zero_copy_only=False)


def _has_values(narratives: pa.RecordBatch, name: str) -> np.ndarray:
    lengths = pc.fill_null(pc.list_value_length(narratives[name]), 0)
    return lengths.to_numpy(zero_copy_only=False) > 0
