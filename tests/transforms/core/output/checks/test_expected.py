"""Published counts against what was read."""

import dataclasses

import msgspec
import pytest

from tests.transforms.core.manifests import shard_with
from transforms.core.model.narratives.manifest import NarrativeShardRow
from transforms.core.output.checks import expected
from transforms.core.output.checks.expected import (
    Expected,
    compare,
    describe,
    explain_difference,
    is_met,
)

GROUP = Expected("coco_train", "narratives", "coco", "train", 10, ("a", "b"))


def shard(name, narratives=0, discarded=0, rejected=0):
    counts = {"narratives": narratives, "discarded": discarded, "rejected": rejected}
    return msgspec.convert(shard_with(name, **counts), NarrativeShardRow)


@pytest.mark.parametrize(
    ("counts", "read", "missing", "surplus"),
    [
        ([(5, 0, 0), (5, 0, 0)], 10, 0, 0),
        ([(5, 1, 0), (0, 4, 0)], 10, 0, 0),
        ([(5, 1, 1), (0, 3, 0)], 9, 1, 0),
        ([(0, 0, 0), (0, 0, 0)], 0, 10, 0),
        ([(9, 0, 0), (3, 0, 7)], 12, 0, 2),
    ],
)
def test_read_is_what_was_kept_or_discarded(counts, read, missing, surplus):
    shards = [shard(name, *numbers) for name, numbers in zip("ab", counts, strict=True)]
    (row,) = compare([GROUP], [shard("other", 99), *shards])
    assert (row.read, row.missing, row.surplus) == (read, missing, surplus)
    assert is_met(row) == (read == 10) == (explain_difference([row]) is None)


def test_in_words():
    (row,) = compare([dataclasses.replace(GROUP, narratives=8573)], [shard("a", 22), shard("b")])
    assert describe(row) == "expected 8,573, read 22, missing 8,551"
    (row,) = compare([GROUP], [shard("a", 22), shard("b", rejected=3)])
    assert describe(row) == "expected 10, read 22, 12 too many (3 lines were rejected)"
    assert "coco_train (a, b): expected 10, read 22" in explain_difference([row])


def test_absent_files_are_named():
    assert expected.explain_absence([GROUP]) is None
    partial = dataclasses.replace(GROUP, absent=tuple(f"file {i}" for i in range(12)))
    message = expected.explain_absence([GROUP, partial])
    assert "coco_train (10 narratives) lacks file 0, file 1, " in message
    assert "file 9 and 2 more" in message and "option `allow_partial`" in message
