"""The best monotone assignment µ of transcript words to caption words (Eq. 1).

`best_assignment` holds the values of all pairs; `divided_assignment` finds the same µ in memory
linear in the longer side, by divide and conquer (Hirschberg, CACM 1975): a pass over all words
from the last to the first keeps one row of values and, for each place, where the path from it
crosses the middle word. That fixes µ there, and what lies before and after is solved separately.
A piece of the path is the lexicographically smallest of the best ones between its ends, since any
better one could replace it in the whole; so ties are decided as with all values at hand.
"""

import numpy as np

from transforms.core.base.compiled import compiled
from transforms.core.stages.align.edit_distance import fill_costs, room_for, word_costs

FULL_CELLS = 1 << 20
"""Pairs of words up to which all costs and values are held at once (8 MB each)."""

_FAR = np.int64(2**62)
"""Above every value that is reached."""


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
    j = int(np.argmin(rest[0]))
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


@compiled
def divided_assignment(  # noqa: PLR0913
    a_codes, a_starts, a_ends, m_codes, m_starts, m_ends, full_cells, matches
):  # fmt: skip
    """The best µ of one narrative, as `best_assignment` defines it.

    Args:
      a_codes: Code points of the transcript's words.
      a_starts: Shape `(n_a,)`: where each of them begins.
      a_ends: Shape `(n_a,)`: where it ends.
      m_codes: Code points of the caption's words.
      m_starts: Shape `(n_m,)`: where each of them begins.
      m_ends: Shape `(n_m,)`: where it ends.
      full_cells: Pairs of words up to which a piece is solved with all its values held at once.
      matches: Shape `(n_a,)`, receives µ.

    Returns:
      D.
    """
    last = len(a_starts) - 1
    spans = (a_codes, a_starts, a_ends, m_codes, m_starts, m_ends)
    value, first_m, middle_m, last_m = _divide(spans, 0, last, 0, len(m_starts) - 1, False)
    matches[0], matches[last // 2], matches[last] = first_m, middle_m, last_m
    pieces = [(0, last // 2), (last // 2, last)]
    while pieces:
        low, high = pieces.pop()
        if high - low < 2:
            continue
        if (high - low + 1) * (matches[high] - matches[low] + 1) <= full_cells:
            _solve(spans, low, high, matches)
            continue
        middle = (low + high) // 2
        _, _, middle_m, _ = _divide(spans, low, high, matches[low], matches[high], True)
        matches[middle] = middle_m
        pieces.append((low, middle))
        pieces.append((middle, high))
    return -(-value // (len(m_starts) + 1))


@compiled
def _divide(spans, low, high, low_m, high_m, fixed):
    """One pass over the words `low` to `high` and the places `low_m` to `high_m`.

    Args:
      spans: Words of both sides.
      low: The first word of the transcript.
      high: The last one.
      low_m: The first place in the caption.
      high_m: The last one.
      fixed: Whether the path runs from `low_m` to `high_m`; otherwise from and to any place.

    Returns:
      The value of the best path, and its places at `low`, in the middle, and at `high`.
    """
    a_codes, a_starts, a_ends, m_codes, m_starts, m_ends = spans
    starts, ends = m_starts[low_m : high_m + 1], m_ends[low_m : high_m + 1]
    scale, width, middle = len(m_starts) + 1, high_m - low_m + 1, (low + high) // 2
    room, costs = room_for(starts, ends), np.empty(width, np.int64)
    rest = np.zeros(width, np.int64)
    if fixed:
        rest[: width - 1] = _FAR
    at_end, at_middle = np.arange(width), np.arange(width)
    for i in range(high, low - 1, -1):
        fill_costs(a_codes[a_starts[i] : a_ends[i]], m_codes, starts, ends, room, costs)
        if i < high:
            _step_back(rest, at_end, at_middle)
        if i == middle:
            at_middle[:] = np.arange(width)
        for j in range(width):
            if rest[j] < _FAR:
                rest[j] += costs[j] * scale
    j = 0 if fixed else int(np.argmin(rest))
    return rest[j], low_m + j, low_m + at_middle[j], low_m + at_end[j]


@compiled
def _step_back(rest, at_end, at_middle):
    """Values of the word before, without its own costs: stay, or go on to the best later place.

    Of equally good places the smallest is taken; the marks move along with the path.
    """
    later, later_end, later_middle = _FAR, 0, 0
    for j in range(len(rest) - 1, -1, -1):
        own, own_end, own_middle = rest[j], at_end[j], at_middle[j]
        if later < own:
            rest[j], at_end[j], at_middle[j] = later, later_end, later_middle
        if own < _FAR and own - 1 <= later:
            later, later_end, later_middle = own - 1, own_end, own_middle


@compiled
def _solve(spans, low, high, matches):
    """Fills in µ between `low` and `high`, where it is known, with all values held at once."""
    a_codes, a_starts, a_ends, m_codes, m_starts, m_ends = spans
    low_m, high_m = matches[low], matches[high]
    costs = word_costs(
        a_codes, a_starts[low : high + 1], a_ends[low : high + 1],
        m_codes, m_starts[low_m : high_m + 1], m_ends[low_m : high_m + 1],
    )  # fmt: skip
    never = (_FAR >> 1) // (high_m - low_m + 2)
    costs[0, 1:] = never
    costs[high - low, : high_m - low_m] = never
    best_assignment(costs, matches[low : high + 1])
    matches[low : high + 1] += low_m
