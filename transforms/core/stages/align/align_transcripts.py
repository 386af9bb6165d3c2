"""AlignTranscripts: words of the caption, their times (Eq. 2) and D (Eq. 1)."""

import numpy as np
import pyarrow as pa

from transforms.core.base.text import Words, normalised_texts, slice_texts, split_words
from transforms.core.model.chunk import Chunk
from transforms.core.model.columns import list_array, numbers, reduce_rows, unpack
from transforms.core.model.narratives import flags, schemas
from transforms.core.model.narratives.traces import points
from transforms.core.stages.align.alignment import align, word_times
from transforms.core.stages.align.transcript_sources import TranscriptSource, nullable
from transforms.core.stages.measure.measures import MIN_NARRATION_SECONDS, narration_seconds


def align_transcripts(chunk: Chunk, source: TranscriptSource) -> Chunk:
    """Adds the columns `words` (texts, offsets, times), `distance` and `transcript_source`.

    And `narration_seconds`, the last that is asked of the utterances.
    """
    narratives = chunk["narratives"]
    caption = split_words(narratives["caption"])
    spoken = source.spoken(narratives)
    alignment = align(spoken.words, caption)
    starts, ends, inverted = word_times(
        alignment,
        spoken.words.offsets,
        spoken.starts,
        spoken.ends,
        caption.offsets,
        *_recording_span(narratives, spoken.words.offsets, spoken.starts, spoken.ends),
    )
    judgement = source.judge(narratives, caption, spoken, alignment)
    seconds = narration_seconds(narratives)
    raised = flags.combine(
        no_caption=np.diff(caption.offsets) == 0,
        no_transcript=~judgement.heard,
        inverted_word=inverted,
        alignment_too_large=alignment.too_large | judgement.too_large,
        narration_too_short=seconds < MIN_NARRATION_SECONDS,
    )
    return chunk.with_columns(
        "narratives",
        words=_words_column(narratives["caption"], caption, starts, ends),
        distance=nullable(judgement.distances),
        transcript_source=judgement.names,
        narration_seconds=pa.array(seconds, from_pandas=True),
        flags=numbers(narratives["flags"]) | raised,
    )


def _recording_span(
    narratives: pa.RecordBatch, word_offsets: np.ndarray, starts: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """T0 and T1 of Eq. 2: smallest and largest trace time; without a trace, of the utterances."""
    point_offsets, _, _, t = points(narratives)
    utterance_offsets, utterances = unpack(narratives["utterances"])
    spans = (
        (point_offsets, t, t),
        (
            utterance_offsets,
            numbers(utterances.field("start_time")),
            numbers(utterances.field("end_time")),
        ),
        (word_offsets, starts, ends),
    )
    first = np.full(len(narratives), np.nan)
    last = np.full(len(narratives), np.nan)
    for offsets, begins, finishes in spans:
        missing = np.isnan(first)
        first[missing] = reduce_rows(np.minimum, begins, offsets)[missing]
        last[missing] = reduce_rows(np.maximum, finishes, offsets)[missing]
    return first, last


def _words_column(
    captions: pa.StringArray, words: Words, starts: np.ndarray, ends: np.ndarray
) -> pa.ListArray:
    rows = np.repeat(np.arange(len(captions)), np.diff(words.offsets))
    columns = {
        "text": slice_texts(captions, rows, words.starts, words.ends),
        "normalized": normalised_texts(words),
        "char_start": pa.array(words.starts.astype(np.int32)),
        "char_end": pa.array(words.ends.astype(np.int32)),
        "start_time": pa.array(starts, from_pandas=True),
        "end_time": pa.array(ends, from_pandas=True),
    }
    fields = [schemas.WORD.field(name) for name in columns]
    return list_array(
        words.offsets, pa.StructArray.from_arrays(list(columns.values()), fields=fields)
    )
