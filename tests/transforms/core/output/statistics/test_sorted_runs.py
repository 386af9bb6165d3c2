"""Numbers by digest in sorted runs add up as a counter adds them, some at a time."""

import collections
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.core.output.statistics.sorted_runs import SortedRuns

EDGES = [edge << 56 for edge in (0, 1, 2, 127, 128, 255)]
NEAR = [value for edge in EDGES for value in (edge - 1, edge, edge + 1) if value >= 0]
DIGESTS = st.one_of(
    st.sampled_from([*NEAR, 2**64 - 1]), st.integers(0, 2**64 - 1), st.integers(0, 9)
)
RUNS = st.lists(st.dictionaries(DIGESTS, st.integers(1, 2**40), max_size=12), max_size=6)


def runs_of(counts, file):
    runs = SortedRuns(file)
    for run in counts:
        digests = np.array(sorted(run), np.uint64)
        runs.append(digests, np.array([run[int(digest)] for digest in digests], np.int64))
    return runs


def added_up(counts):
    total = collections.Counter()
    for run in counts:
        total.update(run)
    return [total[digest] for digest in sorted(total)]


@given(RUNS, st.integers(1, 40))
def test_sums_are_those_of_a_counter_in_order(counts, at_once):
    pieces = list(runs_of(counts, io.BytesIO()).merged(at_once))
    assert [number for piece in pieces for number in piece.tolist()] == added_up(counts)


@given(RUNS, RUNS)
def test_runs_of_several_kinds_share_a_file(some, others):
    file = io.BytesIO()
    made = [SortedRuns(file), SortedRuns(file)]
    longest = max(len(some), len(others))
    for position in range(longest):  # in turn, as units bring them
        for runs, counts in zip(made, (some, others), strict=True):
            for run in counts[position : position + 1]:
                digests = sorted(run)
                numbers = [run[digest] for digest in digests]
                runs.append(np.array(digests, np.uint64), np.array(numbers, np.int64))
    for runs, counts in zip(made, (some, others), strict=True):
        assert [n for piece in runs.merged() for n in piece.tolist()] == added_up(counts)


@pytest.mark.parametrize("at_once", [2_000, 20_000])
def test_no_more_is_read_at_once_than_is_said(at_once):
    random = np.random.default_rng(1)
    file = io.BytesIO()
    runs = SortedRuns(file)
    everything = collections.Counter()
    for _ in range(20):
        digests = np.unique(random.integers(0, 2**64, 5_000, np.uint64) & ~np.uint64(0xFFFF))
        runs.append(digests, np.ones(len(digests), np.int64))
        everything.update(digests.tolist())
    pieces = list(runs.merged(at_once))
    assert max(map(len, pieces)) <= at_once and len(pieces) >= 100_000 // at_once
    assert np.concatenate(pieces).tolist() == [everything[key] for key in sorted(everything)]
