"""The stages of the job, in order: what is left out, and what people said of machines' labels."""

import dataclasses
import functools
from collections.abc import Callable

import pyarrow as pa

from transforms import storage
from transforms.collections.open_images.narrated import narrated_images
from transforms.core.sources.annotations.releases.said import KIND, SAID
from transforms.core.sources.index.buckets import TableIndex
from transforms.core.sources.index.manifest import read_manifest
from transforms.core.stages.judge_labels import judge_labels
from transforms.core.stages.keep_narrated import keep_narrated
from transforms.stage import ChunkTransform, Stage


@dataclasses.dataclass
class KeepNarrated(ChunkTransform):
    """Leaves out masks, relationships, attributes and points of images without a narrative.

    Attributes:
      version: Folder of a version of narratives.
    """

    version: str

    def prepare(self) -> Callable[[], Stage]:
        return functools.partial(_keep, self.version)


def _keep(version: str) -> Stage:
    image_ids: pa.StringArray = narrated_images(version)
    return functools.partial(keep_narrated, image_ids=image_ids)


@dataclasses.dataclass
class JudgeLabels(ChunkTransform):
    """Gives labels their verdicts.

    Attributes:
      index: Folder of the index of all labels.
    """

    index: str

    def prepare(self) -> Callable[[], Stage]:
        return functools.partial(_judge, self.index)


def _judge(folder: str) -> Stage:
    local = storage.local_folder(folder)
    table = read_manifest(local, (KIND,)).tables[KIND]
    return functools.partial(judge_labels, index=TableIndex(local, table, SAID))
