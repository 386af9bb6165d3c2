"""MeasureRichness: words and part-of-speech tags of every caption."""

from transforms.core.chunk import Chunk
from transforms.core.richness import Tagger


def measure_richness(chunk: Chunk, tagger: Tagger) -> Chunk:
    """Adds the column `richness` (`schemas.RICHNESS_OF_CAPTION`)."""
    return chunk.with_columns(richness=tagger(chunk.narratives["caption"]))
