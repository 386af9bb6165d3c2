"""MatchMentions: class mentions and their closest boxes."""

import dataclasses
import functools
from collections.abc import Callable

from transforms import storage
from transforms.core.sources.annotations.index import open_index
from transforms.core.stages.match.match_mentions import MentionRules, compile_rules, match_mentions
from transforms.stage import ChunkTransform, Stage


@dataclasses.dataclass
class MatchMentions(ChunkTransform):
    """Finds class mentions, their closest boxes and where their points lie.

    Attributes:
      index_path: The annotation index, which has the classes; None for the published ones.
      rules: What counts as a mention and which boxes it may use.
    """

    index_path: str | None
    rules: MentionRules

    def prepare(self) -> Callable[[], Stage]:
        return functools.partial(_prepare, self.index_path, self.rules)


def _prepare(index_path: str | None, rules: MentionRules) -> Stage:
    folder = index_path and storage.local_folder(index_path)
    return functools.partial(match_mentions, rules=compile_rules(open_index(folder), rules))
