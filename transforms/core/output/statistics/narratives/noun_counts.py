"""Nouns per caption (Fig. 5): how many captions have how many."""

import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.model.columns import COMPUTED, column
from transforms.core.model.narratives.schemas import SPLIT_COLUMNS
from transforms.core.output.statistics.statistic import StatisticsTable, ValueCounts

TABLE = "noun_counts"


class NounCounts(ValueCounts):
    """Captions by number of nouns."""

    name = "noun_counts"
    tables = {
        TABLE: StatisticsTable(
            pa.schema(
                [
                    *SPLIT_COLUMNS,
                    column("nouns", pa.int32(), "nouns of a caption", "tokens", COMPUTED),
                    column("captions", pa.int64(), "captions with as many", "captions", COMPUTED),
                ]
            ),
            "a number of nouns, and the captions that have as many",
        )
    }

    @staticmethod
    def values(rows: pa.RecordBatch) -> pa.Array:
        """The nouns of each caption that was tagged."""
        return pc.struct_field(rows["richness"], "nouns")
