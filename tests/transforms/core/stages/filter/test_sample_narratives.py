"""A sample by hashes of keys: as exact as the share is written, and inside every larger one."""

import hashlib
from decimal import Decimal
from fractions import Fraction

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import given

from transforms.collections.narratives.stages import SampleNarratives
from transforms.core.model.chunk import Chunk
from transforms.core.stages.filter.sample_narratives import (
    exact_share,
    hash_key,
    sample_narratives,
)

KEYS = st.lists(st.tuples(st.text(max_size=9), st.integers(0, 2**31)), max_size=40)
SHARES = st.floats(1e-9, 1)


def chunk_of(keys, left_out=0):
    images, annotators = ([key[part] for key in keys] for part in (0, 1))
    columns = {"image_id": pa.array(images, pa.string()),
               "annotator_id": pa.array(annotators, pa.int64())}  # fmt: skip
    tables = {"narratives": pa.RecordBatch.from_pydict(columns)}
    return Chunk(tables, lines=len(keys), blank=0, bytes=0, crc32c=0, left_out=left_out)


def kept(chunk):
    return [(row["image_id"], row["annotator_id"]) for row in chunk["narratives"].to_pylist()]


@given(KEYS, SHARES, SHARES)
def test_it_is_a_part_of_every_larger_one_in_the_order_of_lines(keys, one, other):
    small, large = sorted((one, other))
    chunk = chunk_of(keys)
    larger = sample_narratives(chunk, exact_share(large))
    smaller = sample_narratives(chunk, exact_share(small))
    assert kept(smaller) == kept(sample_narratives(larger, exact_share(small)))
    assert [key for key in keys if key in set(kept(larger))] == kept(larger)
    assert smaller.left_out == len(keys) - len(kept(smaller))
    assert kept(sample_narratives(chunk, Fraction(1))) == keys


@given(KEYS, st.integers(0, 9), SHARES)
def test_how_lines_are_cut_into_chunks_has_no_say(keys, cut, share):
    parts = [sample_narratives(chunk_of(part), exact_share(share))
             for part in (keys[:cut], keys[cut:])]  # fmt: skip
    whole = sample_narratives(chunk_of(keys), exact_share(share))
    assert [key for part in parts for key in kept(part)] == kept(whole)
    assert sum(part.left_out for part in parts) == whole.left_out


def test_the_bound_is_exact():
    """At the share that is its hash, a key is left out; at the next one it is kept."""
    for number in range(50):
        key = ("0a1b", number)
        value = hash_key(*key)
        assert value >> 32 == int(hashlib.sha256(f"0a1b/{number}".encode()).hexdigest()[:8], 16)
        assert not kept(sample_narratives(chunk_of([key]), Fraction(value, 2**64)))
        assert kept(sample_narratives(chunk_of([key]), Fraction(value + 1, 2**64)))


def test_a_share_is_what_was_written():
    assert exact_share(0.1) == Fraction(1, 10) == Fraction(Decimal("0.1"))
    assert exact_share(1e-05) == Fraction(1, 100_000)


def test_about_the_share_is_kept():
    keys = [(f"{number:012x}", number % 97) for number in range(20_000)]
    number = len(kept(sample_narratives(chunk_of(keys, left_out=3), Fraction(1, 100))))
    assert 140 < number < 260  # 200 and four standard deviations


@pytest.mark.parametrize("share", [Fraction(0), Fraction(11, 10)])
def test_other_shares_are_refused(share):
    with pytest.raises(ValueError, match="share must be above 0 and at most 1"):
        SampleNarratives(share)
