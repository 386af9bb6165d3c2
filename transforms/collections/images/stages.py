"""The stages of the job that downloads images, in order."""

import dataclasses
import functools
from collections.abc import Callable

from transforms.collections.images.fetching import (
    FetchPlan,
    fetch_nothing,
    make_fetch,
    store_pictures,
)
from transforms.core.stages.fetch.pictures.wanted import read_wanted
from transforms.core.stages.fetch.rows import pack_samples
from transforms.stage import ChunkTransform, Stage
from transforms.units.reading.mended import BlockReader
from transforms.units.reading.read import ReadUnits


class ReadImageList(ReadUnits):
    """Reads units of a list of images into chunks."""

    def reader(self) -> BlockReader:
        return read_wanted


@dataclasses.dataclass
class FetchImages(ChunkTransform):
    """Fetches the images of a chunk.

    Attributes:
      plan: How.
    """

    plan: FetchPlan

    def prepare(self) -> Callable[[], Stage]:
        return functools.partial(make_fetch, self.plan)

    def rehearse(self) -> Callable[[], Stage]:
        """Servers are not asked twice for a unit whose workers died: nothing is fetched."""
        return functools.partial(functools.partial, fetch_nothing)


@dataclasses.dataclass
class PackSamples(ChunkTransform):
    """Makes members of a WebDataset shard of pictures."""

    def prepare(self) -> Callable[[], Stage]:
        return functools.partial(functools.partial, pack_samples)


@dataclasses.dataclass
class StorePictures(ChunkTransform):
    """Makes files below the output of pictures.

    Attributes:
      output: The output folder.
    """

    output: str

    def prepare(self) -> Callable[[], Stage]:
        return functools.partial(functools.partial, store_pictures, self.output)
