"""Nouns per caption of all collections (Fig. 5)."""

import pyarrow as pa

from transforms.core.model.columns import TERM
from transforms.core.output.statistics.narratives import noun_counts
from transforms.core.output.statistics.statistic import StatisticsTable
from transforms.core.sources.captions.schemas import TABLE as CAPTIONS

TABLE = noun_counts.TABLE


class CaptionNounCounts(noun_counts.NounCounts):
    """Captions by number of nouns."""

    counted = CAPTIONS
    whose = "collection"
    tables = {
        TABLE: StatisticsTable(
            pa.schema(
                [("collection", TERM), ("split", TERM), ("nouns", pa.int32()),
                 ("captions", pa.int64())]
            ),
            "a number of nouns, and the captions that have as many",
        )
    }  # fmt: skip
