"""MeasureRichness: words and part-of-speech tags of every caption."""

from transforms.core.model.chunk import Chunk
from transforms.core.model.columns import numbers
from transforms.core.model.narratives import flags
from transforms.core.stages.measure.taggers import Tagger, too_long


def measure_richness(chunk: Chunk, tagger: Tagger) -> Chunk:
    """Adds the column `richness` (`schemas.RICHNESS_OF_CAPTION`), null for too long captions."""
    captions = chunk["narratives"]["caption"]
    raised = flags.combine(caption_too_long=too_long(captions))
    return chunk.with_columns(
        "narratives",
        richness=tagger(captions),
        flags=numbers(chunk["narratives"]["flags"]) | raised,
    )
