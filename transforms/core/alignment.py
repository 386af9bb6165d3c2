"""Alignment of a transcription with the caption (Eq. 1) and the word times it gives (Eq. 2).

Symbols as in the paper: `a` the automatic transcription's words, `m` the manual caption's words,
µ a non-decreasing assignment of every a_i to one m_j that minimises D = sum of the Levenshtein
distances between normalised words. Among the best µ the one is taken that leaves the fewest m_j
unmatched, then the lexicographically smallest.
"""

import dataclasses

import numpy as np

from transforms.core.compiled import compiled
from transforms.core.text import Words

NO_DISTANCE = -1


@dataclasses.dataclass(frozen=True)
class Alignment:
    """Alignments of n narratives.

    Attributes:
      matches: Shape `(n_transcript_words,)` int64: µ, the index within its caption of the word
        that each transcript word is assigned to; -1 where there is no alignment.
      distances: Shape `(n,)` int64: D in characters, `NO_DISTANCE` where either side is empty.
    """

    matches: np.ndarray
    distances: np.ndarray


def align(transcript: Words, caption: Words) -> Alignment:
    """Aligns every narrative's transcript with its caption (Eq. 1)."""
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
        )
    )


@compiled
def _align(a_offsets, a_codes, a_starts, a_ends, m_offsets, m_codes, m_starts, m_ends):
    n = len(a_offsets) - 1
    matches = np.full(a_offsets[-1], -1, np.int64)
    distances = np.full(n, NO_DISTANCE, np.int64)
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
        costs = word_costs(a_codes, a_from, a_to, m_codes, m_from, m_to)
        distances[i] = best_assignment(costs, matches[first_a:end_a])
    return matches, distances


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


@compiled
def word_costs(a_codes, a_starts, a_ends, m_codes, m_starts, m_ends):
    """Levenshtein distances of all pairs, shape `(n_a, n_m)`."""
    longest = 0
    for j in range(len(m_starts)):
        longest = max(longest, m_ends[j] - m_starts[j])
    row = np.empty(longest + 1, np.int64)
    costs = np.empty((len(a_starts), len(m_starts)), np.int64)
    for i in range(len(a_starts)):
        for j in range(len(m_starts)):
            costs[i, j] = levenshtein(
                a_codes[a_starts[i] : a_ends[i]], m_codes[m_starts[j] : m_ends[j]], row
            )
    return costs


@compiled
def levenshtein(a, b, row):
    """Edit distance of two code point arrays; `row` is room for `len(b) + 1` numbers."""
    for j in range(len(b) + 1):
        row[j] = j
    for i in range(len(a)):
        diagonal = row[0]
        row[0] = i + 1
        for j in range(len(b)):
            cost = diagonal if a[i] == b[j] else diagonal + 1
            diagonal = row[j + 1]
            row[j + 1] = min(cost, diagonal + 1, row[j] + 1)
    return row[len(b)]


@compiled
def best_assignment(costs, matches):
    """The best µ by dynamic programming from the last word to the first.

    `rest[i, j]` is the best value of a_i … a_n given µ(i) = j, where a value is
    D · scale − (number of different m_j used after j): one integer orders by D, then by how few
    words stay unmatched. Going forward, the first j that keeps the value is the lexicographically
    smallest.

    Args:
      costs: Shape `(n_a, n_m)`, both at least 1.
      matches: Shape `(n_a,)`, receives µ.

    Returns:
      D.
    """
    n_a, n_m = costs.shape
    scale = n_m + 1
    rest = np.empty((n_a, n_m), np.int64)
    rest[n_a - 1] = costs[n_a - 1] * scale
    for i in range(n_a - 2, -1, -1):
        later = np.int64(2**62)  # best of rest[i + 1, j + 1:] with one more word matched
        for j in range(n_m - 1, -1, -1):
            rest[i, j] = costs[i, j] * scale + min(rest[i + 1, j], later)
            later = min(later, rest[i + 1, j] - 1)
    j = np.argmin(rest[0])
    distance = costs[0, j]
    matches[0] = j
    for i in range(1, n_a):
        wanted = rest[i - 1, j] - costs[i - 1, j] * scale
        if rest[i, j] != wanted:
            j += 1
            while rest[i, j] - 1 != wanted:
                j += 1
        matches[i] = j
        distance += costs[i, j]
    return distance


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
def _word_times(matches, distances, a_offsets, a_starts, a_ends, m_offsets, t_first, t_last):
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
