"""JoinAnnotations: image, labels and boxes."""

import dataclasses
import functools
from collections.abc import Callable

from transforms import storage
from transforms.core.annotations.index import open_index
from transforms.core.stages.join_annotations import join_annotations
from transforms.metrics import ChunkTransform, Stage


@dataclasses.dataclass
class JoinAnnotations(ChunkTransform):
    """Joins image, labels and boxes to every narrative.

    Attributes:
      index_path: The annotation index; None joins nothing.
    """

    index_path: str | None = None

    def prepare(self) -> Callable[[], Stage]:
        return functools.partial(_prepare, self.index_path)


def _prepare(index_path: str | None) -> Stage:
    folder = index_path and storage.local_folder(index_path)
    return functools.partial(join_annotations, index=open_index(folder))
