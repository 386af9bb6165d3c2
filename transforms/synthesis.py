"""Makes shards of generated narratives with their truth beside them."""

import dataclasses
import functools
from collections.abc import Iterator, Sequence

import apache_beam as beam
import pyarrow as pa

from transforms import storage
from transforms.core.base.errors import UsageError, option
from transforms.core.base.versions import (
    code_version,
    deployment_version,
    digest,
    package_versions,
)
from transforms.core.model.chunk import Chunk
from transforms.core.model.units import Unit
from transforms.core.output.jobs.job import Job
from transforms.core.output.version import ShardPlan
from transforms.core.sources.annotations.classes import ClassName, default_classes, parse_classes
from transforms.core.synthesis.lines import DATASET_ID, Lines, to_lines
from transforms.core.synthesis.narrate import Casting, synthesize_narrative
from transforms.core.synthesis.scenes import Scene, Source, read_scenes
from transforms.stage import Stopwatch
from transforms.units.publishing.publish_files import FilesPlan, PublishFiles
from transforms.units.resume import CreateUnits, SkipFinished
from transforms.units.write import WriteUnit

UNIT_NARRATIVES = 500
"""Narratives that are one unit of work: some 20 MB of lines."""

MAKERS = ("transforms.synthesis", "transforms.units.write")
"""The modules that make a unit's results, with what they import."""

KINDS = Lines._fields
"""Kinds of files, each a table."""

LINE = pa.schema([("line", pa.string())], metadata={"ending": "jsonl"})

SYNTHESIS = Job(
    name="generate",
    title="Generated narratives",
    tables=dict.fromkeys(KINDS, LINE),
    meanings={
        "localized_narratives": "a narrative, in the published form",
        "truth": "what is true of it",
        "asr": "its transcription, with planted errors",
        "words": "the times of its words",
    },
    accounted=(KINDS[0],),
)
"""The rows of this job; the lines read of the law are the narratives asked for."""


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

    @property
    def fingerprints(self) -> list[list[str]]:
        """What changes when a file does, by kind."""
        kinds = (self.images, self.labels, self.boxes, self.classes)
        return [[file.fingerprint for file in storage.match(kind)] for kind in kinds if kind]

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

    def plans(self) -> tuple[ShardPlan, ...]:
        """The shards for the machinery; their sizes are in narratives."""
        return tuple(
            ShardPlan(self.path(KINDS[0], shard), len(self.indexes(shard)), "", None, None)
            for shard in range(self.shards)
        )

    def files(self) -> dict[tuple[str, str], str]:
        """Paths of all files, by kind and shard."""
        return {
            (kind, plan.shard): self.path(kind, shard)
            for shard, plan in enumerate(self.plans())
            for kind in KINDS
        }


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


def plan_units(files: SceneFiles, shards: Shards, seed: int) -> list[Unit]:
    """The units of all shards: stretches of narratives, whose bounds are their numbers."""
    made = {"files": files.fingerprints, "seed": seed, "code": code_version(MAKERS)}
    salt = digest({**made, "packages": package_versions()})
    units = []
    for shard, plan in enumerate(shards.plans()):
        numbers = shards.indexes(shard)
        stretch = Unit(plan.path, f"{shard:05d}-of-{shards.shards:05d}", "", plan.size, salt=salt)
        starts = range(numbers.start, max(numbers.stop, numbers.start + 1), UNIT_NARRATIVES)
        units += [
            stretch.piece(index, start, min(start + UNIT_NARRATIVES, numbers.stop))
            for index, start in enumerate(starts)
        ]
    return units


def make_chunk(unit: Unit, scenes: list[Scene], casting: Casting, seed: int) -> Chunk:
    """Generates the narratives of a unit: a table a kind, each of its rows a line."""
    numbers = range(unit.start, unit.end or unit.start)
    made = [to_lines(synthesize_narrative(scenes, casting, seed, number)) for number in numbers]
    columns = zip(*made, strict=True) if made else iter([()] * len(KINDS))
    tables = {
        kind: pa.RecordBatch.from_arrays([pa.array(lines, pa.string())], schema=LINE)
        for kind, lines in zip(KINDS, columns, strict=True)
    }
    return Chunk(tables, lines=len(numbers), blank=0, bytes=len(numbers), crc32c=0)


@dataclasses.dataclass
class SynthesizeShards(beam.PTransform):
    """Writes every shard; returns the paths of the narrative files.

    Attributes:
      files: What the scenes are read from, once for each worker.
      shards: Where they go.
      seed: The same seed gives the same narratives, whatever the shards and workers.
      units: All units (`plan_units`); those that an earlier run has finished are not made again.
    """

    files: SceneFiles
    shards: Shards
    seed: int = 0
    units: Sequence[Unit] = ()

    def __post_init__(self) -> None:
        super().__init__()
        if self.shards.shards < 1 or self.shards.narratives < 0:
            raise UsageError("shards must be at least 1 and narratives at least 0")
        if not 0 <= self.seed < 2**64:
            raise UsageError(f"seed must be from 0 to 2**64 - 1, not {self.seed}")

    def expand(self, pbegin: beam.Pipeline) -> beam.PCollection[str]:
        output = self.shards.output
        units = (
            pbegin | "PlanUnits" >> CreateUnits(self.units) | "SkipFinished" >> SkipFinished(output)
        )
        make = beam.ParDo(_MakeChunk(self.files, self.seed))
        written = (
            units.todo
            | "Synthesize" >> make.with_output_types(tuple[Unit, Chunk])
            | "Write" >> WriteUnit(SYNTHESIS, output, deployment_version())
        )
        plan = FilesPlan(SYNTHESIS, output, self.shards.plans(), self.shards.files())
        return (
            (written, units.finished)
            | "AllUnits" >> beam.Flatten()
            | "PublishFiles" >> PublishFiles(plan)
        )


class _MakeChunk(beam.DoFn):
    """Generates the narratives of units; trying again gives the same."""

    def __init__(self, files: SceneFiles, seed: int) -> None:
        self._files = files
        self._seed = seed
        self._stopwatch = Stopwatch("SynthesizeShards")

    def setup(self) -> None:
        self._scenes = self._files.read()
        self._casting = Casting.of(len(self._scenes), self._seed)

    def process(self, unit: Unit) -> Iterator[tuple[Unit, Chunk]]:
        with self._stopwatch.running():
            chunk = make_chunk(unit, self._scenes, self._casting, self._seed)
        yield unit, chunk
