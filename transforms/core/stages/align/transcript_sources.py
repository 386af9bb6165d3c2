"""Where the automatic transcription `a` comes from: strategies that AlignTranscripts is given."""

import dataclasses
from typing import Protocol

import numpy as np
import pyarrow as pa

from transforms.core.base.text import Words, split_words
from transforms.core.model.columns import TERM, numbers, unpack
from transforms.core.sources.transcripts import TranscriptIndex
from transforms.core.stages.align.alignment import NO_DISTANCE, Alignment
from transforms.core.stages.align.asr import choose_alternatives


@dataclasses.dataclass(frozen=True)
class Spoken:
    """Transcribed words of n narratives with their times.

    Attributes:
      words: The words, grouped by narrative.
      starts: Shape `(n_words,)`, seconds.
      ends: Shape `(n_words,)`, seconds.
    """

    words: Words
    starts: np.ndarray
    ends: np.ndarray


@dataclasses.dataclass(frozen=True)
class Judgement:
    """D of n narratives and what it was taken from.

    Attributes:
      distances: Shape `(n,)` int64, `NO_DISTANCE` where either side has no words or the
        work would be too large.
      names: What to write as `transcript_source`.
      heard: Shape `(n,)` bool: whether the transcription has any words.
      too_large: Shape `(n,)` bool: whether D is null since it would take too much work.
    """

    distances: np.ndarray
    names: pa.Array
    heard: np.ndarray
    too_large: np.ndarray


class TranscriptSource(Protocol):
    """Gives the words with times, and D, which may be that of other words."""

    def spoken(self, narratives: pa.RecordBatch) -> Spoken:
        """The transcribed words that carry the times."""

    def judge(
        self, narratives: pa.RecordBatch, caption: Words, spoken: Spoken, alignment: Alignment
    ) -> Judgement:
        """D of each narrative, given the alignment of the words that carry the times."""


def _spoken(texts_by_narrative: pa.ListArray) -> Spoken:
    """Words of lists of (text, start_time, end_time); a text's words share its interval."""
    offsets, utterances = unpack(texts_by_narrative)
    words = split_words(utterances.field("text"))
    per_text = np.diff(words.offsets)
    return Spoken(
        words.regroup(offsets),
        np.repeat(numbers(utterances.field("start_time")), per_text),
        np.repeat(numbers(utterances.field("end_time")), per_text),
    )


class TimedCaption:
    """The record's own `timed_caption`: the words of one utterance share its interval."""

    name = "timed_caption"
    indexed = False

    def spoken(self, narratives: pa.RecordBatch) -> Spoken:
        """Words of the utterances."""
        return _spoken(narratives["utterances"])

    def judge(
        self, narratives: pa.RecordBatch, caption: Words, spoken: Spoken, alignment: Alignment
    ) -> Judgement:
        """D of those words."""
        names = pa.DictionaryArray.from_arrays(
            np.zeros(len(narratives), np.int32), pa.array([self.name])
        )
        heard = np.diff(spoken.words.offsets) > 0
        return Judgement(alignment.distances, names, heard, alignment.too_large)


class RecognizedWords(TimedCaption):
    """A speech recogniser's output with word times, by recording: times and D both."""

    name = "words"
    indexed = True

    def __init__(self, index: TranscriptIndex) -> None:
        self._index = index

    def spoken(self, narratives: pa.RecordBatch) -> Spoken:
        """Words of the recordings; none where a recording has no output."""
        found = self._index.lookup(recording_keys(narratives["voice_recording"]))
        return _spoken(found.fill_null([]) if found.null_count else found)


class PublishedAsr(TimedCaption):
    """The `_asr.jsonl` files: D from their alternatives, times from `timed_caption`."""

    name = "asr"
    indexed = True

    def __init__(self, index: TranscriptIndex) -> None:
        self._index = index

    def judge(
        self, narratives: pa.RecordBatch, caption: Words, spoken: Spoken, alignment: Alignment
    ) -> Judgement:
        """D of the best alternatives, whose ranks are written behind the source's name."""
        keys = narrative_keys(narratives["image_id"], narratives["annotator_id"])
        choice = choose_alternatives(self._index.lookup(keys), caption)
        names = [
            self.name if ranks is None else f"{self.name}:{','.join(map(str, ranks))}"
            for ranks in choice.ranks
        ]
        names = pa.array(names, pa.string()).dictionary_encode().cast(TERM)
        return Judgement(choice.distances, names, choice.heard, choice.too_large)


def narrative_keys(image_ids: pa.StringArray, annotator_ids: pa.Int64Array) -> pa.StringArray:
    """`image/annotator` of each narrative."""
    import pyarrow.compute as pc

    return pc.binary_join_element_wise(image_ids, pc.cast(annotator_ids, pa.string()), "/")


def recording_keys(recordings: pa.StringArray) -> pa.StringArray:
    """File names of recordings without folder and ending.

    >>> recording_keys(pa.array(["coco_val/coco_val_1_2.ogg"])).to_pylist()
    ['coco_val_1_2']
    """
    import pyarrow.compute as pc

    return pc.replace_substring_regex(recordings, r"^.*/|\.[^./]*$", "")


def nullable(distances: np.ndarray) -> pa.Int32Array:
    """D as a column, null for `NO_DISTANCE`."""
    return pa.array(distances.astype(np.int32), mask=distances == NO_DISTANCE)


SOURCES: dict[str, type[TimedCaption]] = {
    source.name: source for source in (TimedCaption, PublishedAsr, RecognizedWords)
}
"""Sources of transcriptions by name; those that are `indexed` are made with an index."""


def create_source(name: str, index_path: str | None = None) -> TranscriptSource:
    """The source of that name, with its index where it has one.

    Raises:
      ValueError: It has an index, and none is given, or the other way round.
    """
    kind = SOURCES[name]
    if kind.indexed != (index_path is not None):
        raise ValueError(f"transcripts {name} and index {index_path} differ")
    given = [] if index_path is None else [TranscriptIndex.open(index_path)]
    return kind(*given)
