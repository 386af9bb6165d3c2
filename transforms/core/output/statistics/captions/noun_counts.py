"""Nouns per caption of all collections (Fig. 5)."""

import pyarrow as pa

from transforms.core.model.columns import COMPUTED, column
from transforms.core.output.statistics.narratives import noun_counts
from transforms.core.output.statistics.statistic import StatisticsTable
from transforms.core.sources.captions.schemas import SPLIT_COLUMNS
from transforms.core.sources.captions.schemas import TABLE as CAPTIONS

TABLE = noun_counts.TABLE


class CaptionNounCounts(noun_counts.NounCounts):
    """Captions by number of nouns."""

    counted = CAPTIONS
    whose = "collection"
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
