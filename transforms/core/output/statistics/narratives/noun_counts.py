"""Nouns per caption (Fig. 5): how many captions have how many."""

import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.model.columns import TERM
from transforms.core.output.statistics.statistic import StatisticsTable, ValueCounts

TABLE = "noun_counts"


class NounCounts(ValueCounts):
    """Captions by number of nouns."""

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

    @staticmethod
    def values(rows: pa.RecordBatch) -> pa.Array:
        """The nouns of each caption that was tagged."""
        return pc.struct_field(rows["richness"], "nouns")
