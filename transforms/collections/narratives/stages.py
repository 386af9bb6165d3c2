"""The main job's stages in order: thin transforms over the functions of `core`.

A stage is prepared on a worker when its first chunk is there: indexes and models are opened then,
and pickled never.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import TypeVar

from transforms import storage
from transforms.collections.narratives.restoring import restore_narratives
from transforms.core.base.lines import Block
from transforms.core.model.chunk import Chunk
from transforms.core.model.units import Unit
from transforms.core.sources.annotations.lookup import AnnotationIndex, open_index
from transforms.core.sources.narratives.reading import Origin, read_chunk
from transforms.core.stages.align.align_transcripts import align_transcripts
from transforms.core.stages.align.transcript_sources import (
    TimedCaption,
    TranscriptSource,
    create_source,
)
from transforms.core.stages.filter.filter_quality import Rule, filter_quality, reasons_of
from transforms.core.stages.filter.sample_narratives import sample_narratives
from transforms.core.stages.ground_words import ground_words
from transforms.core.stages.join_annotations import join_annotations
from transforms.core.stages.match.match_mentions import MentionRules, compile_rules, match_mentions
from transforms.core.stages.measure.measure_richness import measure_richness
from transforms.core.stages.measure.taggers import Tagger
from transforms.stage import ChunkTransform, Stage
from transforms.units.reading.mended import BlockReader
from transforms.units.reading.read import ReadUnits
from transforms.units.reading.restore import Restorer

Opened = TypeVar("Opened")


def read_narratives(block: Block, unit: Unit, start: int, last: bool) -> Chunk:
    """Reads complete lines of a unit (`ReadUnits`)."""
    origin = Origin(unit.shard, unit.index, start, unit.dataset, unit.split, unit.dialect)
    return read_chunk(block, origin, last)


class ReadNarratives(ReadUnits):
    """Reads every unit of narratives into a chunk."""

    def reader(self) -> BlockReader:
        return read_narratives

    def restorer(self) -> Restorer:
        return restore_narratives


@dataclasses.dataclass
class SampleNarratives(ChunkTransform):
    """Leaves out narratives that are not in a sample.

    Attributes:
      share: Of all keys, above 0 and at most 1.
    """

    share: Fraction

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.share <= 1:
            raise ValueError(f"share must be above 0 and at most 1, got {self.share}")

    def prepare(self) -> Callable[[], Stage]:
        return functools.partial(_sample, self.share)


def _sample(share: Fraction) -> Stage:
    sample = functools.partial(sample_narratives, share=share)
    return functools.partial(_unless_restored, sample)


def read_and_sample(
    unit_bytes: int, share: Fraction | None
) -> dict[str, ReadNarratives | SampleNarratives]:
    """The first stages of a run, by their labels.

    Args:
      unit_bytes: Size of the pieces into which a compressed shard's text is cut.
      share: Of the sample, None for all narratives.
    """
    sample = {} if share is None else {"Sample": SampleNarratives(share)}
    return {"ReadNarratives": ReadNarratives(unit_bytes), **sample}


@dataclasses.dataclass
class AlignTranscripts(ChunkTransform):
    """Aligns transcriptions with captions.

    Attributes:
      open_source: Opens the source of transcriptions on a worker.
    """

    open_source: Callable[[], TranscriptSource] = TimedCaption

    def prepare(self) -> Callable[[], Stage]:
        return functools.partial(_align, self.open_source)


def _align(open_source: Callable[[], TranscriptSource]) -> Stage:
    align = functools.partial(align_transcripts, source=open_source())
    return functools.partial(_unless_restored, align)


@dataclasses.dataclass
class GroundWords(ChunkTransform):
    """Gives every word its trace segment and box."""

    def prepare(self) -> Callable[[], Stage]:
        return _ground


def _ground() -> Stage:
    return functools.partial(_unless_restored, ground_words)


def _unless_restored(stage: Stage, chunk: Chunk) -> Chunk:
    """A chunk of a finished unit's tables has been through this stage."""
    return chunk if chunk.restored else stage(chunk)


@dataclasses.dataclass
class FilterQuality(ChunkTransform):
    """Sets narratives below the quality bar aside, with the reasons.

    Attributes:
      rules: The rules that are on.
    """

    rules: Sequence[Rule]

    def __post_init__(self) -> None:
        super().__post_init__()
        reasons_of(self.rules)  # refuses rules that do not go together

    def prepare(self) -> Callable[[], Stage]:
        return functools.partial(_filter, self.rules)


def _filter(rules: Sequence[Rule]) -> Stage:
    return functools.partial(filter_quality, rules=rules)


@dataclasses.dataclass
class JoinAnnotations(ChunkTransform):
    """Joins image, labels and boxes to every narrative.

    Attributes:
      open_index: Opens the annotations on a worker.
      others: Whose images those of further datasets are: `open_images` or `coco` by dataset.
    """

    open_index: Callable[[], AnnotationIndex]
    others: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def prepare(self) -> Callable[[], Stage]:
        return functools.partial(_join, self.open_index, dict(self.others))


def _join(open_index: Callable[[], AnnotationIndex], others: Mapping[str, str]) -> Stage:
    return functools.partial(join_annotations, index=open_index(), others=others)


@dataclasses.dataclass
class MatchMentions(ChunkTransform):
    """Finds class mentions, their closest boxes and where their points lie.

    Attributes:
      open_index: Opens the annotations on a worker; they have the classes.
      rules: What counts as a mention and which boxes it may use.
    """

    open_index: Callable[[], AnnotationIndex]
    rules: MentionRules

    def prepare(self) -> Callable[[], Stage]:
        return functools.partial(_match, self.open_index, self.rules)


def _match(open_index: Callable[[], AnnotationIndex], rules: MentionRules) -> Stage:
    return functools.partial(match_mentions, rules=compile_rules(open_index(), rules))


@dataclasses.dataclass
class MeasureRichness(ChunkTransform):
    """Counts words and part-of-speech tags of every caption.

    Attributes:
      load_tagger: Loads the tagger on a worker.
    """

    load_tagger: Callable[[], Tagger]

    def prepare(self) -> Callable[[], Stage]:
        return functools.partial(_measure, self.load_tagger)


def _measure(load_tagger: Callable[[], Tagger]) -> Stage:
    return functools.partial(measure_richness, tagger=load_tagger())


def transcripts_from(name: str, index_path: str | None) -> Callable[[], TranscriptSource]:
    """Opens the source of transcriptions of a name, with its index, which any store may have."""
    return functools.partial(_open, functools.partial(create_source, name), index_path)


def annotations_from(index_path: str | None) -> Callable[[], AnnotationIndex]:
    """Opens an annotation index; None for the published classes without any annotation."""
    return functools.partial(_open, open_index, index_path)


def _open(open_folder: Callable[[str | None], Opened], index_path: str | None) -> Opened:
    return open_folder(index_path and storage.local_folder(index_path))
