"""The main job and its parts in this process, and the typed decode they are measured against."""

import contextlib
import functools
import gc
import itertools
import pathlib
import shutil
import statistics
import time
import uuid
from collections.abc import Callable, Iterator, Sequence

import msgspec

from benchmarks.material import annotation_files
from pipelines import index_annotations
from pipelines.build import job
from pipelines.runs.run import run
from transforms.core.model.chunk import Chunk
from transforms.core.sources.annotations.lookup import AnnotationIndex
from transforms.core.sources.narratives.decoding import NarrativeRecord
from transforms.core.sources.narratives.reading import Origin, read_chunk
from transforms.core.stages.align.align_transcripts import align_transcripts
from transforms.core.stages.align.transcript_sources import create_source
from transforms.core.stages.filter.filter_quality import filter_quality
from transforms.core.stages.ground_words import ground_words
from transforms.core.stages.join_annotations import join_annotations
from transforms.core.stages.match.match_mentions import MentionRules, compile_rules, match_mentions
from transforms.core.stages.measure.measure_richness import measure_richness
from transforms.core.stages.measure.taggers import NO_TAGGER, create_tagger

_DECODER = msgspec.json.Decoder(NarrativeRecord)
_BLOCK = 32 << 20


class Job:
    """Runs of the main job in this process.

    Attributes:
      scratch: Folder for what it writes.
      index: The index of the sample's annotations.
    """

    def __init__(self, scratch: pathlib.Path):
        self.scratch = scratch
        self.index = build_index(scratch)
        self._numbers = itertools.count()

    def new_output(self) -> pathlib.Path:
        """A folder that is not there yet."""
        return self.scratch / f"output-{next(self._numbers)}"

    def options(self, shards: Sequence[str], **more) -> job.BuildOptions:
        """Options of a run into a new folder, without tagging unless `more` says otherwise."""
        given = {"tagger": NO_TAGGER, "output": str(self.new_output())} | more
        return job.BuildOptions(input=shards, annotations=self.index, **given)

    def seconds(self, shards: Sequence[str], **more) -> float:
        """Seconds of a run from planning to the published version; its output is removed."""
        options = self.options(shards, **more)
        with removed_afterwards(options.output):
            return clock(run_job, options)[0]

    def start_up(self, shards: Sequence[str], repeats: int = 3, **more) -> float:
        """Seconds of a run over tiny shards: median of some, since it is taken off others."""
        return statistics.median(self.seconds(shards, **more) for _ in range(repeats))


def build_index(folder: pathlib.Path) -> str:
    """The index of the sample's annotations, built below the folder."""
    files = annotation_files()
    options = index_annotations.IndexAnnotationsOptions(output=str(folder / "indexes"), **files)
    sources = index_annotations.AnnotationSources(**files)
    return index_annotations.ensure_annotation_index(sources, options.output, options)


def run_job(options: job.BuildOptions) -> None:
    """Plans and runs the main job.

    Raises:
      RuntimeError: It did not publish.
    """
    plan = job.plan_run(options, [])
    stages = functools.partial(job.stages_of, options, plan)
    outcome = run(options, [], plan, stages, plan.publication, uuid.uuid4().hex[:16])
    if outcome["status"] != "published":
        raise RuntimeError(f"the job ended as {outcome['status']}: {outcome['message']}")


def core_stages(index: AnnotationIndex) -> dict[str, Callable[[Chunk], Chunk]]:
    """What follows reading, in order, without tagging."""
    rules, source = compile_rules(index, MentionRules()), create_source("timed_caption")
    tagger = create_tagger(NO_TAGGER)
    return {
        "AlignTranscripts": lambda chunk: align_transcripts(chunk, source),
        "GroundWords": ground_words,
        "FilterQuality": lambda chunk: filter_quality(chunk, ()),
        "JoinAnnotations": lambda chunk: join_annotations(chunk, index),
        "MatchMentions": lambda chunk: match_mentions(chunk, rules),
        "MeasureRichness (no tagger)": lambda chunk: measure_richness(chunk, tagger),
    }


def run_core(block: bytes, stages: dict[str, Callable[[Chunk], Chunk]]) -> Chunk:
    """Everything in memory, without Beam and without writing."""
    chunk = read_chunk(block, Origin("shard"))
    for stage in stages.values():
        chunk = stage(chunk)
    return chunk


def decode_all(block: bytes) -> None:
    """Decodes every line to objects and lets them go."""
    for line in block.splitlines():
        _DECODER.decode(line)


def decode_seconds(shards: Sequence[str]) -> float:
    """Seconds of the typed decode of shards, their bytes being in memory."""
    return sum(clock(decode_all, block)[0] for block in blocks(shards, _BLOCK))


def blocks(shards: Sequence[str], size: int) -> Iterator[bytes]:
    """The shards' complete lines, in blocks of about `size` bytes."""
    for shard in shards:
        with open(shard, "rb") as file:
            while lines := file.readlines(size):
                yield b"".join(lines)


def clock(function: Callable, *arguments) -> tuple[float, object]:
    """Seconds that a call took, and its result."""
    gc.collect()
    begin = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - begin, result


@contextlib.contextmanager
def removed_afterwards(folder: str | pathlib.Path) -> Iterator[None]:
    """Removes a folder at the end."""
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
