"""Alignment distances: how many narratives have which D."""

import pyarrow as pa

from transforms.core.model.columns import COMPUTED, column
from transforms.core.model.narratives.schemas import SPLIT_COLUMNS
from transforms.core.output.statistics.statistic import StatisticsTable, ValueCounts

TABLE = "distances"


class Distances(ValueCounts):
    """Narratives that are kept, by D (Eq. 1) in characters."""

    name = "distances"
    tables = {
        TABLE: StatisticsTable(
            pa.schema(
                [
                    *SPLIT_COLUMNS,
                    column("distance", pa.int32(), "D of Eq. 1", "characters", COMPUTED),
                    column("narratives", pa.int64(), "narratives kept that have it", "narratives",
                           COMPUTED),
                ]
            ),
            "an alignment distance D, and the narratives that have it",
        )
    }  # fmt: skip

    @staticmethod
    def values(narratives: pa.RecordBatch) -> pa.Array:
        """The D of each narrative that has one."""
        return narratives["distance"]
