"""Choosing among the alternatives of a published automatic transcription (`_asr.jsonl`).

The transcription is a list of text chunks, each a list of up to ten alternatives, without times.
One alternative a chunk is chosen, so that together they give the smallest D (Eq. 1). This is
exact: D's dynamic programming goes on from chunk to chunk with the element-wise minimum of the
rows of its alternatives; among choices of equal D the lexicographically smallest ranks are taken.
"""

import dataclasses

import numpy as np
import pyarrow as pa

from transforms.core.base.compiled import compiled
from transforms.core.base.text import Words, split_words
from transforms.core.model.columns import unpack
from transforms.core.stages.align.alignment import MOST_WORK, NO_DISTANCE
from transforms.core.stages.align.assignment import FULL_CELLS
from transforms.core.stages.align.edit_distance import (
    fill_costs,
    matching_work,
    room_for,
    word_costs,
)


@dataclasses.dataclass(frozen=True)
class Choice:
    """What was chosen for n narratives.

    Attributes:
      distances: Shape `(n,)` int64: D, `NO_DISTANCE` where either side has no words.
      ranks: The rank chosen in each text chunk, None where D is null.
      heard: Shape `(n,)` bool: whether any alternative has words.
      too_large: Shape `(n,)` bool: whether nothing was chosen since it would take too much work.
    """

    distances: np.ndarray
    ranks: list[list[int] | None]
    heard: np.ndarray
    too_large: np.ndarray


def choose_alternatives(
    transcripts: pa.ListArray,
    caption: Words,
    most_work: int = MOST_WORK,
    full_cells: int = FULL_CELLS,
) -> Choice:
    """Chooses for n narratives.

    Args:
      transcripts: n lists of text chunks of alternatives, null where there is none;
        type `list<list<struct<text, …>>>`.
      caption: The captions' words.
      most_work: Work beyond which a narrative is left alone, as for `align`, over all alternatives.
      full_cells: Pairs beyond which memory is saved; no influence on the result.
    """
    filled = transcripts.fill_null([]) if transcripts.null_count else transcripts
    chunk_offsets, chunks = unpack(filled)
    alternative_offsets, alternatives = unpack(chunks)
    words = split_words(alternatives.field("text"))
    distances, ranks, too_large = _choose(
        chunk_offsets,
        alternative_offsets,
        words.offsets,
        words.codes,
        words.normal_starts,
        words.normal_ends,
        caption.offsets,
        caption.codes,
        caption.normal_starts,
        caption.normal_ends,
        most_work,
        full_cells,
    )
    chosen = [
        None if distance == NO_DISTANCE else ranks[first:end].tolist()
        for distance, first, end in zip(
            distances, chunk_offsets[:-1], chunk_offsets[1:], strict=True
        )
    ]
    heard = np.diff(words.offsets[alternative_offsets[chunk_offsets]]) > 0
    return Choice(distances, chosen, heard, too_large)


@compiled
def _choose(  # noqa: PLR0913
    chunk_offsets, alternative_offsets,
    a_offsets, a_codes, a_starts, a_ends, m_offsets, m_codes, m_starts, m_ends,
    most_work, full_cells,
):  # fmt: skip
    n = len(chunk_offsets) - 1
    distances = np.full(n, NO_DISTANCE, np.int64)
    ranks = np.zeros(chunk_offsets[-1], np.int64)
    too_large = np.zeros(n, np.bool_)
    for i in range(n):
        chunks = alternative_offsets[chunk_offsets[i] : chunk_offsets[i + 1] + 1]
        first_m, end_m = m_offsets[i], m_offsets[i + 1]
        if len(chunks) < 2 or first_m == end_m or a_offsets[chunks[-1]] == a_offsets[chunks[0]]:
            continue
        first_a, end_a = a_offsets[chunks[0]], a_offsets[chunks[-1]]
        spans = (
            a_codes, a_starts[first_a:end_a], a_ends[first_a:end_a],
            m_codes, m_starts[first_m:end_m], m_ends[first_m:end_m],
        )  # fmt: skip
        rows = chunks[-1] - chunks[0] + len(chunks)
        work = matching_work(spans[1], spans[2]) + rows
        if work * matching_work(spans[4], spans[5]) > most_work:
            too_large[i] = True
            continue
        words = a_offsets[chunks[0] : chunks[-1] + 1] - first_a
        distances[i] = _choose_ranks(
            spans, full_cells, words, chunks - chunks[0],
            ranks[chunk_offsets[i] : chunk_offsets[i + 1]],
        )  # fmt: skip
    return distances, ranks, too_large


@compiled
def _choose_ranks(spans, full_cells, words, chunks, ranks):
    """Chooses for one narrative.

    Args:
      spans: Code points, starts and ends of the alternatives' words, and of the caption's.
      full_cells: Pairs up to which all costs, and values of all text chunks, are held at once.
      words: Alternative k has the words `words[k]:words[k + 1]`.
      chunks: Text chunk c has the alternatives `chunks[c]:chunks[c + 1]`.
      ranks: Receives the lexicographically smallest ranks that reach D.

    Returns:
      D.
    """
    n_chunks, n_m = len(chunks) - 1, len(spans[4])
    at_once = (words[-1] + n_chunks) * n_m <= full_cells
    costs = word_costs(*spans) if at_once else np.empty((0, n_m), np.int64)
    # values of every block's end are kept, those within a block computed again when it is reached
    block = n_chunks if at_once else int(np.ceil(np.sqrt(n_chunks)))
    kept = np.zeros(((n_chunks + block - 1) // block + 1, n_m), np.int64)
    # after[c, j]: smallest D of the chunks from c of a block on, all their words at m_j or later
    after = np.zeros((block + 1, n_m), np.int64)
    for b in range(len(kept) - 2, -1, -1):
        first, end = b * block, min((b + 1) * block, n_chunks)
        _fill_after(spans, costs, words, chunks, first, end, kept[b + 1], after)
        kept[b] = after[0]
    distance = after[0, 0]
    before = np.zeros(n_m, np.int64)  # smallest D of the chosen words, all at m_j or earlier
    for b in range(len(kept) - 1):
        first, end = b * block, min((b + 1) * block, n_chunks)
        if b > 0:  # the first one is still there
            _fill_after(spans, costs, words, chunks, first, end, kept[b + 1], after)
        for c in range(first, end):
            for k in range(chunks[c], chunks[c + 1]):
                row = _append(before, spans, costs, words[k], words[k + 1])
                if np.min(row + after[c + 1 - first]) == distance:
                    ranks[c] = k - chunks[c]
                    before = row
                    break
    return distance


@compiled
def _fill_after(spans, costs, words, chunks, first, end, behind, after):  # noqa: PLR0913
    """Fills `after` for the chunks `first:end`, behind which it is `behind`."""
    after[end - first] = behind
    for c in range(end - 1, first - 1, -1):
        for k in range(chunks[c], chunks[c + 1]):
            row = _prepend(after[c + 1 - first], spans, costs, words[k], words[k + 1])
            after[c - first] = row if k == chunks[c] else np.minimum(after[c - first], row)
        if chunks[c] == chunks[c + 1]:
            after[c - first] = after[c + 1 - first]


@compiled
def _prepend(after, spans, costs, first, end):
    """The row of words put before others: `row[j]` with all words at m_j or later."""
    row = after.copy()
    room = _room(spans, costs)
    for word in range(end - 1, first - 1, -1):
        own = _costs_of(word, spans, costs, room)
        for j in range(len(row) - 1, -1, -1):
            row[j] += own[j]
            if j + 1 < len(row):
                row[j] = min(row[j], row[j + 1])
    return row


@compiled
def _append(before, spans, costs, first, end):
    """The row of words put behind others: `row[j]` with all words at m_j or earlier."""
    row = before.copy()
    room = _room(spans, costs)
    for word in range(first, end):
        own = _costs_of(word, spans, costs, room)
        for j in range(len(row)):
            row[j] += own[j]
            if j > 0:
                row[j] = min(row[j], row[j - 1])
    return row


@compiled
def _room(spans, costs):
    return np.empty(0, np.int64) if len(costs) else room_for(spans[4], spans[5])


@compiled
def _costs_of(word, spans, costs, room):
    """A word's costs: from those of all words, or computed where they are not held."""
    if len(costs):
        return costs[word]
    a_codes, a_starts, a_ends, m_codes, m_starts, m_ends = spans
    own = np.empty(len(m_starts), np.int64)
    fill_costs(a_codes[a_starts[word] : a_ends[word]], m_codes, m_starts, m_ends, room, own)
    return own
