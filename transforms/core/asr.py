"""Choosing among the alternatives of a published automatic transcription (`_asr.jsonl`).

The transcription is a list of text chunks, each a list of up to ten alternatives, without times.
One alternative a chunk is chosen, so that together they give the smallest D (Eq. 1). This is
exact: D's dynamic programming goes on from chunk to chunk with the element-wise minimum of the
rows of its alternatives; among choices of equal D the lexicographically smallest ranks are taken.
"""

import dataclasses

import numpy as np
import pyarrow as pa

from transforms.core.alignment import NO_DISTANCE, word_costs
from transforms.core.chunk import unpack
from transforms.core.compiled import compiled
from transforms.core.text import Words, split_words


@dataclasses.dataclass(frozen=True)
class Choice:
    """What was chosen for n narratives.

    Attributes:
      distances: Shape `(n,)` int64: D, `NO_DISTANCE` where either side has no words.
      ranks: The rank chosen in each text chunk, None where D is null.
      heard: Shape `(n,)` bool: whether any alternative has words.
    """

    distances: np.ndarray
    ranks: list[list[int] | None]
    heard: np.ndarray


def choose_alternatives(transcripts: pa.ListArray, caption: Words) -> Choice:
    """Chooses for n narratives.

    Args:
      transcripts: n lists of text chunks of alternatives, null where there is none;
        type `list<list<struct<text, …>>>`.
      caption: The captions' words.
    """
    filled = transcripts.fill_null([]) if transcripts.null_count else transcripts
    chunk_offsets, chunks = unpack(filled)
    alternative_offsets, alternatives = unpack(chunks)
    words = split_words(alternatives.field("text"))
    distances, ranks = _choose(
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
    )
    chosen = [
        None if distance == NO_DISTANCE else ranks[first:end].tolist()
        for distance, first, end in zip(
            distances, chunk_offsets[:-1], chunk_offsets[1:], strict=True
        )
    ]
    return Choice(distances, chosen, np.diff(words.offsets[alternative_offsets[chunk_offsets]]) > 0)


@compiled
def _choose(
    chunk_offsets, alternative_offsets,
    a_offsets, a_codes, a_starts, a_ends, m_offsets, m_codes, m_starts, m_ends,
):  # fmt: skip
    n = len(chunk_offsets) - 1
    distances = np.full(n, NO_DISTANCE, np.int64)
    ranks = np.zeros(chunk_offsets[-1], np.int64)
    for i in range(n):
        chunks = alternative_offsets[chunk_offsets[i] : chunk_offsets[i + 1] + 1]
        first_m, end_m = m_offsets[i], m_offsets[i + 1]
        if len(chunks) < 2 or first_m == end_m or a_offsets[chunks[-1]] == a_offsets[chunks[0]]:
            continue
        starts, ends = m_starts[first_m:end_m], m_ends[first_m:end_m]
        costs = word_costs(
            a_codes, a_starts[a_offsets[chunks[0]] : a_offsets[chunks[-1]]],
            a_ends[a_offsets[chunks[0]] : a_offsets[chunks[-1]]], m_codes, starts, ends,
        )  # fmt: skip
        words = a_offsets[chunks[0] : chunks[-1] + 1] - a_offsets[chunks[0]]
        distances[i] = _choose_ranks(
            costs, words, chunks - chunks[0], ranks[chunk_offsets[i] : chunk_offsets[i + 1]]
        )
    return distances, ranks


@compiled
def _choose_ranks(costs, words, chunks, ranks):
    """Chooses for one narrative.

    Args:
      costs: Shape `(n_words, n_m)`: edit distances of all alternatives' words.
      words: Alternative k has the words `words[k]:words[k + 1]`.
      chunks: Text chunk c has the alternatives `chunks[c]:chunks[c + 1]`.
      ranks: Receives the lexicographically smallest ranks that reach D.

    Returns:
      D.
    """
    n_chunks, n_m = len(chunks) - 1, costs.shape[1]
    # after[c, j]: smallest D of the chunks from c on, all their words at m_j or later
    after = np.zeros((n_chunks + 1, n_m), np.int64)
    for c in range(n_chunks - 1, -1, -1):
        for k in range(chunks[c], chunks[c + 1]):
            row = _prepend(after[c + 1], costs[words[k] : words[k + 1]])
            after[c] = row if k == chunks[c] else np.minimum(after[c], row)
        if chunks[c] == chunks[c + 1]:
            after[c] = after[c + 1]
    distance = after[0, 0]
    before = np.zeros(n_m, np.int64)  # smallest D of the chosen words, all at m_j or earlier
    for c in range(n_chunks):
        for k in range(chunks[c], chunks[c + 1]):
            row = _append(before, costs[words[k] : words[k + 1]])
            if np.min(row + after[c + 1]) == distance:
                ranks[c] = k - chunks[c]
                before = row
                break
    return distance


@compiled
def _prepend(after, costs):
    """The row of words put before others: `row[j]` with all words at m_j or later."""
    row = after.copy()
    for word in range(len(costs) - 1, -1, -1):
        for j in range(len(row) - 1, -1, -1):
            row[j] += costs[word, j]
            if j + 1 < len(row):
                row[j] = min(row[j], row[j + 1])
    return row


@compiled
def _append(before, costs):
    """The row of words put behind others: `row[j]` with all words at m_j or earlier."""
    row = before.copy()
    for word in range(len(costs)):
        for j in range(len(row)):
            row[j] += costs[word, j]
            if j > 0:
                row[j] = min(row[j], row[j - 1])
    return row
