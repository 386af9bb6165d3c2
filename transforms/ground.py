"""GroundWords: the trace segment of every word."""

import dataclasses
import functools
from collections.abc import Callable

from transforms.core.stages.ground.ground_words import ground_words
from transforms.stage import ChunkTransform, Stage


@dataclasses.dataclass
class GroundWords(ChunkTransform):
    """Gives every word its trace segment and box."""

    def prepare(self) -> Callable[[], Stage]:
        return functools.partial(_prepare)


def _prepare() -> Stage:
    return ground_words
