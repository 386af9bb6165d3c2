"""Makes shards of generated narratives with their truth beside them."""

import contextlib
import dataclasses
import functools
import pathlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import apache_beam as beam
from apache_beam.metrics import Metrics

from transforms import storage
from transforms.core.base.errors import UsageError, option
from transforms.core.sources.annotations.classes import ClassName, default_classes, parse_classes
from transforms.core.synthesis.lines import DATASET_ID, Lines, to_lines
from transforms.core.synthesis.narrate import Casting, synthesize_narrative
from transforms.core.synthesis.scenes import Scene, Source, read_scenes


@dataclasses.dataclass(frozen=True)
class SceneFiles:
    """Open Images files that scenes are read from: patterns.

    Attributes:
      images: Image lists.
      labels: Human and machine labels.
      boxes: Boxes.
      classes: Class descriptions, whose classes are named; none: the boxable ones.
    """

    images: Sequence[str]
    labels: Sequence[str]
    boxes: Sequence[str]
    classes: Sequence[str] = ()

    def read(self) -> list[Scene]:
        """Reads them.

        Raises:
          UsageError: A file is missing or not what it should be.
        """
        images, labels, boxes = map(_sources, (self.images, self.labels, self.boxes))
        return read_scenes(images, labels, boxes, self._read_classes())

    def _read_classes(self) -> list[ClassName]:
        if not self.classes:
            return default_classes()
        paths = [file.path for file in storage.match(self.classes)]
        return [c for path in paths for c in parse_classes(path, storage.read_bytes(path))]


def _sources(patterns: Sequence[str]) -> list[Source]:
    paths = [file.path for file in storage.match(patterns)]
    return [(path, functools.partial(storage.open_decompressed, path)) for path in paths]


@dataclasses.dataclass(frozen=True)
class Shards:
    """Where shards go and which narratives each of them holds.

    Attributes:
      output: Folder.
      shards: Number of shards.
      narratives: Number of narratives in all.
    """

    output: str
    shards: int
    narratives: int

    def path(self, kind: str, shard: int) -> str:
        """The shard's file of a kind (a field of `Lines`)."""
        name = f"{DATASET_ID}_{kind}-{shard:05d}-of-{self.shards:05d}.jsonl"
        return storage.join(self.output, name)

    def indexes(self, shard: int) -> range:
        """Numbers of the shard's narratives: a stretch of them all, sizes even within one."""
        first, end = (self.narratives * s // self.shards for s in (shard, shard + 1))
        return range(first, end)


def refuse_other_shards(shards: Shards) -> None:
    """Refuses a folder with generated shards of another number, which would mix.

    Raises:
      UsageError: There are such shards.
    """
    ending = f"-of-{shards.shards:05d}.jsonl"
    for name in storage.list_dir(shards.output):
        if name.startswith(f"{DATASET_ID}_") and not name.endswith(ending):
            raise UsageError(
                f"{storage.join(shards.output, name)}: the folder holds shards of another "
                "number, which would mix with these: remove them or name another folder with "
                f"{option('output')}"
            )


@dataclasses.dataclass
class SynthesizeShards(beam.PTransform):
    """Writes every shard; returns the paths of the narrative files.

    Attributes:
      files: What the scenes are read from, once for each worker.
      shards: Where they go; the elements are numbers of shards.
      seed: The same seed gives the same narratives, whatever the shards and workers.
    """

    files: SceneFiles
    shards: Shards
    seed: int = 0

    def __post_init__(self) -> None:
        super().__init__()
        if self.shards.shards < 1 or self.shards.narratives < 0:
            raise UsageError("shards must be at least 1 and narratives at least 0")
        if not 0 <= self.seed < 2**64:
            raise UsageError(f"seed must be from 0 to 2**64 - 1, not {self.seed}")

    def expand(self, pbegin: beam.Pipeline) -> beam.PCollection[str]:
        return (
            pbegin
            # Create spreads its elements over the workers; another shuffle would mix them.
            | "CreateShardNumbers" >> beam.Create(range(self.shards.shards))
            | "WriteShard" >> beam.ParDo(_WriteShard(self.files, self.shards, self.seed))
        )


class _WriteShard(beam.DoFn):
    """Writes the files of one shard; trying again writes the same bytes in the same place."""

    def __init__(self, files: SceneFiles, shards: Shards, seed: int) -> None:
        self._files = files
        self._shards = shards
        self._seed = seed
        self._written = Metrics.counter("synthesis", "narratives")

    def setup(self) -> None:
        self._scenes = self._files.read()
        self._casting = Casting.of(len(self._scenes), self._seed)

    def process(self, shard: int) -> Iterator[str]:
        with contextlib.ExitStack() as stack:
            files = [self._open(kind, shard, stack) for kind in Lines._fields]
            for index in self._shards.indexes(shard):
                narrative = synthesize_narrative(self._scenes, self._casting, self._seed, index)
                for file, line in zip(files, to_lines(narrative), strict=True):
                    file.write(f"{line}\n".encode())
                self._written.inc()
        yield self._shards.path("localized_narratives", shard)

    def _open(self, kind: str, shard: int, stack: contextlib.ExitStack) -> BinaryIO:
        """A file that is closed and gets its name when the stack ends."""
        local = stack.enter_context(storage.new_file(self._shards.path(kind, shard)))
        return stack.enter_context(pathlib.Path(local).open("wb"))
