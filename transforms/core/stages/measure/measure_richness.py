"""MeasureRichness: words and part-of-speech tags of every caption."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.model.chunk import Chunk
from transforms.core.model.columns import numbers
from transforms.core.model.narratives import flags
from transforms.core.stages.measure.taggers import Tagger, too_long


def measure_richness(chunk: Chunk, tagger: Tagger) -> Chunk:
    """Adds the column `richness` (`schemas.RICHNESS_OF_CAPTION`), null for too long captions.

    Captions that are measured already (`is_measured`) are not tagged again.
    """
    narratives = chunk["narratives"]
    captions = narratives["caption"]
    raised = flags.combine(caption_too_long=too_long(captions))
    richness = _complete(narratives, tagger) if chunk.restored else tagger(captions)
    return chunk.with_columns(
        "narratives", richness=richness, flags=numbers(narratives["flags"]) | raised
    )


def _complete(narratives: pa.RecordBatch, tagger: Tagger) -> pa.StructArray:
    """Richness of all captions, of which some have theirs."""
    is_new = pc.invert(narratives["is_measured"])
    made = tagger(narratives["caption"].filter(is_new))
    both = pa.concat_arrays([narratives["richness"], made])
    places = np.arange(len(narratives))
    places[is_new.to_numpy(zero_copy_only=False)] = len(narratives) + np.arange(len(made))
    return both.take(pa.array(places))
