"""FilterQuality: keeps narratives or sets them aside."""

import dataclasses
import functools
from collections.abc import Callable

from transforms.core.stages.filter.filter_quality import filter_quality
from transforms.core.stages.filter.quality import QualityRules
from transforms.stage import ChunkTransform, Stage


@dataclasses.dataclass
class FilterQuality(ChunkTransform):
    """Sets narratives below the quality bar aside, with the reasons.

    Attributes:
      rules: Which rules are on.
    """

    rules: QualityRules

    def prepare(self) -> Callable[[], Stage]:
        return functools.partial(_prepare, self.rules)


def _prepare(rules: QualityRules) -> Stage:
    return functools.partial(filter_quality, rules=rules)
