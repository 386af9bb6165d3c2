"""MeasureRichness: words and part-of-speech tags of captions."""

import dataclasses
import functools
from collections.abc import Callable

from transforms.core.stages.measure.measure_richness import measure_richness
from transforms.core.stages.measure.richness import create_tagger
from transforms.stage import ChunkTransform, Stage


@dataclasses.dataclass
class MeasureRichness(ChunkTransform):
    """Counts words and part-of-speech tags of every caption.

    Attributes:
      tagger: A spaCy pipeline's name, or `none`.
    """

    tagger: str

    def prepare(self) -> Callable[[], Stage]:
        return functools.partial(_prepare, self.tagger)


def _prepare(tagger: str) -> Stage:
    return functools.partial(measure_richness, tagger=create_tagger(tagger))
