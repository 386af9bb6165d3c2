"""The rows of captions of all collections, and of bad records."""

import pyarrow.compute as pc

from transforms.core.model import bad_lines
from transforms.core.model.chunk import Chunk
from transforms.core.output.jobs import origins
from transforms.core.output.jobs.job import Further, Job
from transforms.core.output.statistics.captions.noun_counts import CaptionNounCounts
from transforms.core.output.statistics.captions.richness import CaptionRichness
from transforms.core.sources.captions.schemas import TABLE, UNIT_TABLES


def count_captions(chunk: Chunk) -> Further:
    """Captions without counts: those that are too long, or all where there is no tagger."""
    return {"untagged": pc.sum(pc.is_null(chunk[TABLE]["richness"])).as_py() or 0}


CAPTIONS_JOB = Job(
    name="captions",
    title="Captions",
    tables=UNIT_TABLES,
    meanings={
        TABLE: "a caption: collection, split, image, words and tags",
        bad_lines.TABLE: "a record that could not be read, with its bytes (Avro)",
    },
    accounted=(TABLE,),
    statistics=(CaptionRichness, CaptionNounCounts),
    count=count_captions,
    origin=origins.CAPTIONS,
)
"""The job of captions; a record is a caption, whatever it stands in."""
