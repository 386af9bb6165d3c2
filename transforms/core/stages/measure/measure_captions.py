"""MeasureCaptions: words and part-of-speech tags of captions of any collection."""

from transforms.core.model.chunk import Chunk
from transforms.core.sources.captions.schemas import TABLE
from transforms.core.stages.measure.taggers import Tagger


def measure_captions(chunk: Chunk, tagger: Tagger) -> Chunk:
    """Adds the column `richness` (`schemas.RICHNESS_OF_CAPTION`), null for too long captions."""
    return chunk.with_columns(TABLE, richness=tagger(chunk[TABLE]["caption"]))
