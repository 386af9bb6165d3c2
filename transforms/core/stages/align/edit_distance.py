"""Levenshtein distances of normalised words, given as spans of code points."""

import numpy as np

from transforms.core.base.compiled import compiled


@compiled
def matching_work(starts, ends):
    """Characters of some words, and one more for each: what a side adds to the work.

    Aligning two sides takes as many steps as the product of theirs, more or less.
    """
    work = np.int64(0)
    for word in range(len(starts)):
        work += ends[word] - starts[word] + 1
    return work


@compiled
def room_for(starts, ends):
    """A row that `levenshtein` can work in for any of these words."""
    longest = 0
    for word in range(len(starts)):
        longest = max(longest, ends[word] - starts[word])
    return np.empty(longest + 1, np.int64)


@compiled
def word_costs(a_codes, a_starts, a_ends, m_codes, m_starts, m_ends):
    """Levenshtein distances of all pairs, shape `(n_a, n_m)`."""
    room = room_for(m_starts, m_ends)
    costs = np.empty((len(a_starts), len(m_starts)), np.int64)
    for i in range(len(a_starts)):
        word = a_codes[a_starts[i] : a_ends[i]]
        fill_costs(word, m_codes, m_starts, m_ends, room, costs[i])
    return costs


@compiled
def fill_costs(word, m_codes, m_starts, m_ends, room, costs):
    """Levenshtein distances of one word to several, into `costs` of shape `(n_m,)`."""
    for j in range(len(m_starts)):
        costs[j] = levenshtein(word, m_codes[m_starts[j] : m_ends[j]], room)


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
