"""JoinAnnotations: image, labels and boxes."""

import dataclasses
import functools
from collections.abc import Callable, Mapping

from transforms import storage
from transforms.core.sources.annotations.index import open_index
from transforms.core.stages.join_annotations import join_annotations
from transforms.stage import ChunkTransform, Stage


@dataclasses.dataclass
class JoinAnnotations(ChunkTransform):
    """Joins image, labels and boxes to every narrative.

    Attributes:
      index_path: The annotation index; None joins nothing.
      others: Whose images those of further datasets are: `open_images` or `coco` by dataset.
    """

    index_path: str | None = None
    others: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def prepare(self) -> Callable[[], Stage]:
        return functools.partial(_prepare, self.index_path, dict(self.others))


def _prepare(index_path: str | None, others: Mapping[str, str]) -> Stage:
    folder = index_path and storage.local_folder(index_path)
    return functools.partial(join_annotations, index=open_index(folder), others=others)
