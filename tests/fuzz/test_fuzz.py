"""A bounded part of `python -m tests.fuzz`."""

import pytest

from tests import build_helpers as helpers
from tests.fuzz.trials import (
    compare_ways,
    compare_with_reference,
    peak_memory,
    run_job,
    write_shard,
)

GIBIBYTE = 1 << 30


def test_the_same_seed_gives_the_same_lines(tmp_path):
    first = write_shard(tmp_path / "a.jsonl", 2_000, 5).read_bytes()
    assert write_shard(tmp_path / "b.jsonl", 2_000, 5).read_bytes() == first
    assert write_shard(tmp_path / "c.jsonl", 2_000, 6).read_bytes() != first


@pytest.mark.parametrize("seed", [1, 2])
def test_mutated_lines_through_the_whole_job(tmp_path, seed):
    before = peak_memory()
    shard = write_shard(tmp_path / "fuzz.jsonl", 1_500, seed)
    output = tmp_path / "out"
    assert run_job(shard, output) == []
    assert compare_with_reference(shard, output) == []
    assert peak_memory() - before < GIBIBYTE


def test_mutated_lines_through_the_tagger(tmp_path):
    shard = write_shard(tmp_path / "fuzz.jsonl", 400, 3)
    assert run_job(shard, tmp_path / "out", "en_ud_pos") == []


def test_the_scanner_takes_what_the_strict_decoder_takes(tmp_path):
    data = write_shard(tmp_path / "fuzz.jsonl", 10_000, 4).read_bytes()
    assert compare_ways(data) == []


def test_the_comparison_would_notice(tmp_path):
    shard = write_shard(tmp_path / "fuzz.jsonl", 200, 1)
    assert run_job(shard, tmp_path / "out") == []
    data = bytearray(shard.read_bytes())
    at = helpers.rows_of(tmp_path / "out", "narratives")[0]["byte_offset"]
    data[at] = ord("[")
    shard.write_bytes(data)
    assert compare_with_reference(shard, tmp_path / "out") == [
        f"{shard}: byte {at}: kept by one alone"
    ]
