"""Choosing among the alternatives of a published automatic transcription (`_asr.jsonl`).

The transcription is a list of text chunks, each a list of up to ten alternatives, without times.
One alternative a chunk is chosen, so that together they give the smallest D (Eq. 1). This is
exact: D's dynamic programming goes on from chunk to chunk with the element-wise minimum of the
rows that the alternatives end with; ties go to the lower rank.
"""

import numpy as np
import pyarrow as pa

from transforms.core.alignment import NO_DISTANCE, levenshtein
from transforms.core.chunk import unpack
from transforms.core.compiled import compiled
from transforms.core.text import Words, split_words


def choose_alternatives(
    transcripts: pa.ListArray, caption: Words
) -> tuple[np.ndarray, list[list[int] | None]]:
    """Chooses for n narratives.

    Args:
      transcripts: n lists of text chunks of alternatives, null where there is none;
        type `list<list<struct<text, …>>>`.
      caption: The captions' words.

    Returns:
      D, shape `(n,)` int64, `NO_DISTANCE` where either side has no words, and the rank chosen for
      each text chunk, None where D is null.
    """
    filled = transcripts.fill_null([]) if transcripts.null_count else transcripts
    chunk_offsets, chunks = unpack(filled)
    alternative_offsets, alternatives = unpack(chunks)
    words = split_words(pa.array(alternatives.field("text"), pa.string()))
    distances, ranks = _choose(
        chunk_offsets.astype(np.int64),
        alternative_offsets.astype(np.int64),
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
        ranks[chunk_offsets[i] : chunk_offsets[i + 1]].tolist()
        if distances[i] != NO_DISTANCE
        else None
        for i in range(len(distances))
    ]
    return distances, chosen


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
        n_m = m_offsets[i + 1] - m_offsets[i]
        if len(chunks) < 2 or n_m == 0 or a_offsets[chunks[-1]] == a_offsets[chunks[0]]:
            continue
        row = np.zeros(
            n_m, np.int64
        )  # row[j]: smallest D so far with the last word at most at j
        came_from = np.empty((chunks[-1] - chunks[0], n_m), np.int64)
        best_rank = np.zeros((len(chunks) - 1, n_m), np.int64)
        for c in range(len(chunks) - 1):
            before = row.copy()
            for alternative in range(chunks[c], chunks[c + 1]):
                ended, origins = _extend(
                    before, a_codes,
                    a_starts[a_offsets[alternative] : a_offsets[alternative + 1]],
                    a_ends[a_offsets[alternative] : a_offsets[alternative + 1]],
                    m_codes, m_starts[m_offsets[i] : m_offsets[i + 1]],
                    m_ends[m_offsets[i] : m_offsets[i + 1]],
                )  # fmt: skip
                came_from[alternative - chunks[0]] = origins
                for j in range(n_m):
                    if alternative == chunks[c] or ended[j] < row[j]:
                        row[j] = ended[j]
                        best_rank[c, j] = alternative - chunks[c]
        distances[i] = row[n_m - 1]
        j = n_m - 1
        for c in range(len(chunks) - 2, -1, -1):
            ranks[chunk_offsets[i] + c] = best_rank[c, j]
            if chunks[c + 1] > chunks[c]:
                j = came_from[chunks[c] + best_rank[c, j] - chunks[0], j]
    return distances, ranks


@compiled
def _extend(before, a_codes, a_starts, a_ends, m_codes, m_starts, m_ends):
    """The row after one alternative's words, and the column of `before` that each cell used."""
    row = before.copy()
    origins = np.arange(len(before))
    longest = 0
    for j in range(len(m_starts)):
        longest = max(longest, m_ends[j] - m_starts[j])
    scratch = np.empty(longest + 1, np.int64)
    for word in range(len(a_starts)):
        for j in range(len(row)):
            row[j] += levenshtein(
                a_codes[a_starts[word] : a_ends[word]],
                m_codes[m_starts[j] : m_ends[j]],
                scratch,
            )
            if j > 0 and row[j - 1] <= row[j]:
                row[j] = row[j - 1]
                origins[j] = origins[j - 1]
    return row, origins
