"""Alignment of a transcription with the caption (Eq. 1) and the word times it gives (Eq. 2).

Symbols as in the paper: `a` the automatic transcription's words, `m` the manual caption's words,
µ a non-decreasing assignment of every a_i to one m_j that minimises D = sum of the Levenshtein
distances between normalised words. Among the best µ the one is taken that leaves the fewest m_j
unmatched, then the lexicographically smallest.
"""

import dataclasses

import numpy as np

from transforms.core.base.compiled import compiled
from transforms.core.base.text import Words
from transforms.core.stages.align.assignment import FULL_CELLS, best_assignment, divided_assignment
from transforms.core.stages.align.edit_distance import matching_work, word_costs

NO_DISTANCE = -1

MOST_WORK = 400_000_000
"""Characters of the transcript times those of the caption (each word counts one more) up to which
a narrative is aligned: two texts of about 20,000 characters, which take about a second."""


@dataclasses.dataclass(frozen=True)
class Alignment:
    """Alignments of n narratives.

    Attributes:
      matches: Shape `(n_transcript_words,)` int64: µ, the index within its caption of the word
        that each transcript word is assigned to; -1 where there is no alignment.
      distances: Shape `(n,)` int64: D in characters, `NO_DISTANCE` where either side is empty or
        the work was too large.
      too_large: Shape `(n,)` bool: whether it was not aligned since it would take more than
        `MOST_WORK`.
    """

    matches: np.ndarray
    distances: np.ndarray
    too_large: np.ndarray


def align(
    transcript: Words,
    caption: Words,
    most_work: int = MOST_WORK,
    full_cells: int = FULL_CELLS,
) -> Alignment:
    """Aligns every narrative's transcript with its caption (Eq. 1).

    Args:
      transcript: The transcribed words of n narratives.
      caption: The captions' words.
      most_work: Work beyond which a narrative is left alone; equal words are always aligned.
      full_cells: Pairs of words beyond which memory is saved; no influence on the result.

    >>> import pyarrow as pa
    >>> from transforms.core.base.text import split_words
    >>> spoken, written = split_words(pa.array(["a dag"])), split_words(pa.array(["A big dog."]))
    >>> alignment = align(spoken, written)
    >>> alignment.distances.tolist(), alignment.matches.tolist()
    ([1], [0, 2])
    """
    return Alignment(
        *_align(
            transcript.offsets,
            transcript.codes,
            transcript.normal_starts,
            transcript.normal_ends,
            caption.offsets,
            caption.codes,
            caption.normal_starts,
            caption.normal_ends,
            most_work,
            full_cells,
        )
    )


@compiled
def _align(  # noqa: PLR0913
    a_offsets, a_codes, a_starts, a_ends, m_offsets, m_codes, m_starts, m_ends,
    most_work, full_cells,
):  # fmt: skip
    n = len(a_offsets) - 1
    matches = np.full(a_offsets[-1], -1, np.int64)
    distances = np.full(n, NO_DISTANCE, np.int64)
    too_large = np.zeros(n, np.bool_)
    for i in range(n):
        first_a, end_a, first_m, end_m = (
            a_offsets[i],
            a_offsets[i + 1],
            m_offsets[i],
            m_offsets[i + 1],
        )
        if first_a == end_a or first_m == end_m:
            continue
        a_from, a_to = a_starts[first_a:end_a], a_ends[first_a:end_a]
        m_from, m_to = m_starts[first_m:end_m], m_ends[first_m:end_m]
        if _identical(a_codes, a_from, a_to, m_codes, m_from, m_to):
            # D = 0 with every word matched is only reached by the identity
            matches[first_a:end_a] = np.arange(end_a - first_a)
            distances[i] = 0
            continue
        if matching_work(a_from, a_to) * matching_work(m_from, m_to) > most_work:
            too_large[i] = True
        elif len(a_from) * len(m_from) > full_cells:
            distances[i] = divided_assignment(
                a_codes, a_from, a_to, m_codes, m_from, m_to, full_cells, matches[first_a:end_a]
            )
        else:
            costs = word_costs(a_codes, a_from, a_to, m_codes, m_from, m_to)
            distances[i] = best_assignment(costs, matches[first_a:end_a])
    return matches, distances, too_large


@compiled
def _identical(a_codes, a_starts, a_ends, m_codes, m_starts, m_ends):
    if len(a_starts) != len(m_starts):
        return False
    for word in range(len(a_starts)):
        length = a_ends[word] - a_starts[word]
        if length != m_ends[word] - m_starts[word]:
            return False
        for k in range(length):
            if a_codes[a_starts[word] + k] != m_codes[m_starts[word] + k]:
                return False
    return True


def word_times(
    alignment: Alignment,
    transcript_offsets: np.ndarray,
    spoken_starts: np.ndarray,
    spoken_ends: np.ndarray,
    caption_offsets: np.ndarray,
    first_times: np.ndarray,
    last_times: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Start and end of every caption word (Eq. 2), in seconds.

    Args:
      alignment: µ of every narrative.
      transcript_offsets: Shape `(n + 1,)`.
      spoken_starts: Shape `(n_transcript_words,)`, seconds.
      spoken_ends: Shape `(n_transcript_words,)`, seconds.
      caption_offsets: Shape `(n + 1,)`.
      first_times: Shape `(n,)`: T0 of each narrative, seconds.
      last_times: Shape `(n,)`: T1 of each narrative, seconds.

    Returns:
      Starts and ends, shape `(n_caption_words,)`, NaN where there is no alignment, and whether a
      narrative had an interval with start > end (collapsed to its start), shape `(n,)` bool.
    """
    return _word_times(
        alignment.matches,
        alignment.distances,
        transcript_offsets,
        spoken_starts,
        spoken_ends,
        caption_offsets,
        first_times,
        last_times,
    )


@compiled
def _word_times(matches, distances, a_offsets, a_starts, a_ends, m_offsets, t_first, t_last):  # noqa: PLR0913
    starts = np.full(m_offsets[-1], np.nan)
    ends = np.full(m_offsets[-1], np.nan)
    inverted = np.zeros(len(distances), np.bool_)
    for i in range(len(distances)):
        if distances[i] == NO_DISTANCE:
            continue
        first, end = m_offsets[i], m_offsets[i + 1]
        for k in range(a_offsets[i], a_offsets[i + 1]):
            j = first + matches[k]
            starts[j] = a_starts[k] if np.isnan(starts[j]) else min(starts[j], a_starts[k])
            ends[j] = a_ends[k] if np.isnan(ends[j]) else max(ends[j], a_ends[k])
        _fill_unmatched(starts[first:end], ends[first:end], t_first[i], t_last[i])
        for j in range(first, end):
            if starts[j] > ends[j]:
                ends[j] = starts[j]
                inverted[i] = True
    return starts, ends, inverted


@compiled
def _fill_unmatched(starts, ends, t_first, t_last):
    """Gives words without a match the gap between the matched words before and after them."""
    unmatched = np.isnan(starts)
    latest_end = -np.inf
    for j in range(len(starts)):
        if unmatched[j]:
            starts[j] = t_first if latest_end == -np.inf else latest_end
        else:
            latest_end = max(latest_end, ends[j])
    earliest_start = np.inf
    for j in range(len(starts) - 1, -1, -1):
        if unmatched[j]:
            ends[j] = t_last if earliest_start == np.inf else earliest_start
        else:
            earliest_start = min(earliest_start, starts[j])
