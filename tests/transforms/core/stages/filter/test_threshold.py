"""Calibration by hand, and counts as they are kept; `test_quality` has the threshold's oracle."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.core.stages.filter.threshold import calibrate, decode_counts, encode_counts

counts_of_distances = st.dictionaries(
    st.tuples(st.integers(-1, 1000), st.integers(0, 1000)), st.integers(1, 10**9), max_size=20
)


def test_the_share_is_taken_as_its_decimals_say():
    # 29 % of 100 are 29; in floats 0.29 * 100 is 28.999999999999996
    counts = {(1, 10): 29, (0, 10): 71}
    assert calibrate(counts, 0.29, per_char=False) == 0
    assert calibrate(counts, 0.28, per_char=False) == 1


def test_calibration_by_hand():
    # Of 10 narratives 23.5 % are 2.35, so at most 2 may go: those with D of 9 and 7.
    distances = [0, 0, 0, 1, 1, 2, 3, 5, 7, 9]
    counts = Counter((d, 10) for d in distances)
    assert calibrate(counts, 0.235, per_char=False) == 5
    # One of them without D: it goes in any case, so only one other may.
    counts = Counter((-1 if d == 9 else d, 10) for d in distances)
    assert calibrate(counts, 0.235, per_char=False) == 5
    counts = Counter((-1 if d == 0 else d, 10) for d in distances)
    with pytest.raises(ValueError, match="3 of 10"):
        calibrate(counts, 0.235, per_char=False)


@given(counts_of_distances, st.data())
def test_kept_counts_are_read_back_and_a_changed_byte_is_noticed(counts, data):
    kept = encode_counts(counts)
    assert decode_counts(kept) == counts
    place = data.draw(st.integers(0, len(kept) - 1))
    changed = bytearray(kept)
    changed[place] ^= data.draw(st.integers(1, 255))
    assert decode_counts(bytes(changed)) in (None, counts)  # a space may become another one
    assert decode_counts(kept[:place]) is None
