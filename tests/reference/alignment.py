"""Alignment of a transcription `a` with a caption `m` (Eq. 1), by definition.

µ is written as a list: `mu[i]` is the caption word of transcription word i, counted from 0.
"""

import functools
import itertools


@functools.lru_cache(maxsize=200_000)
def levenshtein(first, second):
    """Number of insertions, deletions and replacements from one string to the other."""
    previous = list(range(len(second) + 1))
    for i, left in enumerate(first, 1):
        row = [i]
        for j, right in enumerate(second, 1):
            row.append(min(previous[j] + 1, row[-1] + 1, previous[j - 1] + (left != right)))
        previous = row
    return previous[-1]


def distance_of(mu, a, m):
    """D of Eq. 1 for a given µ."""
    return sum(levenshtein(word, m[j]) for word, j in zip(a, mu, strict=True))


def unmatched(mu, m):
    """How many words of `m` no word of `a` is assigned to."""
    return len(m) - len(set(mu))


WORK_LIMIT = 400_000_000


def is_too_large(a, m, pieces=0):
    """Whether aligning is refused: letters and words of one side, times those of the other.

    `pieces` counts the chunks and alternatives that `a` comes in, where it does. Equal sides that
    come in one piece are never refused.
    """
    sides = [len("".join(side)) + len(side) for side in (a, m)]
    return (pieces > 0 or a != m) and (sides[0] + pieces) * sides[1] > WORK_LIMIT


def align_by_brute_force(a, m):
    """(µ, D) by trying every monotone map; None with either side empty.

    The maps come in lexicographic order and `min` keeps the first of equals, so ties go to the
    lexicographically smallest.
    """
    if not a or not m:
        return None
    maps = itertools.combinations_with_replacement(range(len(m)), len(a))
    mu = min(maps, key=lambda mu: (distance_of(mu, a, m), unmatched(mu, m)))
    return list(mu), distance_of(mu, a, m)


def align(a, m):
    """(µ, D) for words of any number; None with either side empty.

    rest[i][j] is the best (distance, -matched words of m) of a[i:] among the maps with
    µ(i) = j. Both add up along µ and depend on what came before only through j, so the best µ
    is read off from the front, always taking the smallest j that still reaches the best value.
    """
    if not a or not m:
        return None
    rest = [None] * len(a)
    for i in range(len(a) - 1, -1, -1):
        rest[i] = [None] * len(m)
        best_after = None  # best of rest[i + 1][j + 1:]
        for j in range(len(m) - 1, -1, -1):
            if i == len(a) - 1:
                distance, matched = 0, 0
            else:
                stay_distance, stay_matched = rest[i + 1][j]
                distance, matched = min(
                    (stay_distance, stay_matched + 1), best_after or (float("inf"), 0)
                )
                best_after = min(best_after or rest[i + 1][j], rest[i + 1][j])
            rest[i][j] = (distance + levenshtein(a[i], m[j]), matched - 1)
    return read_off(rest), min(rest[0])[0]


def read_off(rest):
    """The lexicographically smallest µ that reaches the minimum of `rest[0]`.

    The step from µ(i) = j to k counts word k as newly matched only if k > j.
    """
    mu = [rest[0].index(min(rest[0]))]
    for i in range(1, len(rest)):
        j = mu[-1]
        reached = {k: (rest[i][k][0], rest[i][k][1] + (k == j)) for k in range(j, len(rest[i]))}
        least = min(reached.values())
        mu.append(min(k for k, value in reached.items() if value == least))
    return mu


def choose_alternatives_by_brute_force(chunks, m):
    """Ranks of the alternatives, one a chunk, that together give the smallest D, and D.

    Args:
        chunks: for each chunk its alternatives, each a list of normalised words.
        m: the caption's normalised words.

    Returns:
        (ranks, D); ties go to the lexicographically smallest ranks. A choice without any word
        has D = 0. None if `m` is empty.
    """
    if not m:
        return None

    def distance(ranks):
        words = [w for chunk, rank in zip(chunks, ranks, strict=True) for w in chunk[rank]]
        return align(words, m)[1] if words else 0

    choices = itertools.product(*(range(len(chunk)) for chunk in chunks))
    ranks = min(choices, key=distance)
    return list(ranks), distance(ranks)


def choose_alternatives(chunks, m):
    """The same for chunks of any number, by least distances up to each word of `m`.

    Chunk by chunk the first rank is taken with which the smallest D of all is still
    within reach.
    """
    if not m:
        return None
    best = least_distance(chunks, m)
    ranks = []
    for position, chunk in enumerate(chunks):
        fixed = [[chunks[p][rank]] for p, rank in enumerate(ranks)]
        for rank, alternative in enumerate(chunk):
            rest = [*fixed, [alternative], *chunks[position + 1 :]]
            if least_distance(rest, m) == best:
                ranks.append(rank)
                break
    return ranks, best


def least_distance(chunks, m):
    """Smallest D over all choices: at[j] is that of maps that end at a word up to j."""
    at = [0] * len(m)
    for chunk in chunks:
        rows = [advance(at, alternative, m) for alternative in chunk]
        at = [min(column) for column in zip(*rows, strict=True)] if rows else at
    return at[-1]


def advance(at, words, m):
    for word in words:
        costs = [before + levenshtein(word, m[j]) for j, before in enumerate(at)]
        at = list(itertools.accumulate(costs, min))
    return at
