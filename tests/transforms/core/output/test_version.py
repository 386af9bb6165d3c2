"""Merging units to a version, and the conservation law: whatever is tampered with is found."""

import dataclasses
import random

import msgspec
import pytest

from transforms.collections.narratives import publication
from transforms.collections.narratives.publication import describe_repeats
from transforms.core.model.manifest_entries import BadLineRow, TableFile
from transforms.core.model.narratives.manifest import NarrativeShardRow, Repeats
from transforms.core.model.units import Counts, Unit
from transforms.core.output import commit_records, version
from transforms.core.output.jobs.narratives import NARRATIVES
from transforms.core.output.version import ShardPlan, Summary


def reconcile(shards, records):
    """The rows, as a manifest of narratives has them."""
    rows = version.reconcile(shards, records, NARRATIVES.accounted)
    return msgspec.convert(rows, list[NarrativeShardRow])


def unit_at(start, size, index, path="/data/x.jsonl"):
    return Unit(path, "x", "print", size, index=index, start=start, end=start)


@pytest.fixture(scope="module")
def units(pieces):
    """The records of the sample's pieces as units of one shard."""
    size = sum(chunk.bytes for chunk in pieces)
    made, start = [], 0
    for index, chunk in enumerate(pieces):
        files = [commit_records.FileEntry("narratives", f"units/{index}/n.parquet", 1, 2, 3)]
        unit = unit_at(start, size, index)
        made.append(commit_records.make_record(NARRATIVES, unit, chunk, "a", files))
        start += chunk.bytes
    return made


@pytest.fixture(scope="module")
def shard(units):
    return ShardPlan("/data/x.jsonl", units[0].unit.size, "print", None, None)


def changed(record, **changes):
    return msgspec.structs.replace(record, **changes)


def with_counts(record, **more):
    """The record with some of its counts changed by so many."""
    counts = msgspec.convert(msgspec.to_builtins(record.counts), Counts)
    counts.add(Counts(**more))
    return changed(record, counts=counts)


def of(name, number):
    """Counts of a number of lines, blank lines or rows of a table."""
    return {name: number} if name in ("lines", "blank") else {"rows": {name: number}}


def is_conserved(shard, made):
    (row,) = reconcile([shard], made)
    return row.conserved


def test_the_law_holds_for_what_was_read(shard, units, sample_lines):
    (row,) = reconcile([shard], units)
    assert row.conserved
    assert row.lines == len(sample_lines)
    assert row.lines == row.narratives + row.discarded + row.rejected + row.blank
    assert row.bytes == row.size == sum(map(len, sample_lines))


@pytest.mark.parametrize("name", ["lines", "blank", "narratives", "discarded"])
@pytest.mark.parametrize("number", [1, -1])
def test_a_wrong_count_is_found(shard, units, name, number):
    made = [*units[:2], with_counts(units[2], **of(name, number)), *units[3:]]
    assert not is_conserved(shard, made)


def test_a_lost_repeated_or_shortened_unit_is_found(shard, units):
    assert not is_conserved(shard, units[1:])
    assert not is_conserved(shard, [*units, units[0]])
    assert not is_conserved(shard, [changed(units[0], bytes=units[0].bytes - 1), *units[1:]])
    assert not is_conserved(shard, [])


def test_a_rejected_line_that_is_not_counted_is_found(shard, units):
    at = next(i for i, record in enumerate(units) if record.counts.rejected)
    counts = msgspec.structs.replace(units[at].counts, rejected={})
    tampered = [*units[:at], changed(units[at], counts=counts), *units[at + 1 :]]
    assert not is_conserved(shard, tampered)


def compressed(units, lasts):
    """The same units as pieces of a compressed shard."""
    made = []
    for record, last in zip(units, lasts, strict=True):
        unit = dataclasses.replace(record.unit, path="/data/x.jsonl.gz", size=77)
        made.append(changed(record, unit=unit, last=last))
    return made


def test_pieces_of_a_compressed_shard_must_follow_each_other_to_its_end(units):
    shard = ShardPlan("/data/x.jsonl.gz", 77, "print", None, None)
    lasts = [False] * (len(units) - 1) + [True]
    made = compressed(units, lasts)
    assert is_conserved(shard, made)
    assert is_conserved(shard, made[::-1])
    assert not is_conserved(shard, made[1:])
    assert not is_conserved(shard, made[:-1])
    assert not is_conserved(shard, [*made[:2], *made[3:]])
    assert not is_conserved(shard, compressed(units, [False] * len(units)))
    assert not is_conserved(shard, compressed(units, [True, *lasts[1:]]))


def test_each_shard_has_a_row_of_its_own(shard, units):
    other = ShardPlan("/data/y.jsonl", 5, "print", "coco", "train")
    rows = reconcile([other, shard], units)
    assert [(row.shard, row.conserved) for row in rows] == [
        ("y.jsonl", False),
        ("x.jsonl", True),
    ]


def tables_of(summary):
    summary.compact()
    return summary.statistics.to_tables()


def add_all(made):
    summary = Summary.of(NARRATIVES)
    for record in made:
        summary.update(record)
    return summary


def test_units_merge_in_any_order_and_any_grouping(units):
    expected = add_all(units)
    shuffled = random.Random(4).sample(units, len(units))
    left, right = add_all(shuffled[:3]), add_all(shuffled[3:])
    left.compact()
    merged = Summary.of(NARRATIVES)
    merged.merge(right)
    merged.merge(left)
    assert tables_of(merged) == tables_of(expected) == tables_of(add_all(shuffled))
    assert merged.in_order() == expected.in_order()
    assert [record.unit.index for record in merged.in_order()] == list(range(len(units)))


def test_a_unit_counts_once(units):
    assert tables_of(add_all([*units, *units])) == tables_of(add_all(units))


def test_lines_are_numbered_over_the_units_of_a_shard(units, sample_lines):
    described, bad_lines = version.describe_units(units)
    assert described[0].first_line == 1
    for before, after in zip(described, described[1:], strict=False):
        assert after.first_line == before.first_line + before.lines
    # the odd and bad lines stand behind the real ones; the second of them is cut
    first = next(i for i, line in enumerate(sample_lines, 1) if b'"mscoco_val2017"' in line)
    assert (bad_lines[0].line, bad_lines[0].code) == (first + 1, "missing_key")
    assert len(bad_lines) == 7


def test_total_counts(units, sample_lines):
    counts = version.total_counts(units)
    assert counts.lines == len(sample_lines)
    assert counts.conserved


def test_files_are_named_by_the_position_of_their_unit(units):
    files = version.version_files(units)
    assert [file.path for file in files.values()] == [
        f"narratives/narratives-{number:05d}.parquet" for number in range(len(units))
    ]
    assert files["units/0/n.parquet"] == TableFile(
        table="narratives",
        path="narratives/narratives-00000.parquet",
        shard=units[0].unit.shard,
        rows=1,
        bytes=2,
        crc32c=3,
    )


def test_a_version_is_named_by_its_units():
    assert version.version_id(["a", "b"]) == version.version_id(["b", "a"])
    assert version.version_id(["a", "b"]) != version.version_id(["a", "c"])


def test_repeated_keys_beyond_those_listed_are_counted(units, monkeypatch):
    monkeypatch.setattr(publication, "SHOWN_REPEATED_KEYS", 0)
    repeats = describe_repeats(add_all(units).statistics)
    assert repeats == Repeats(narratives=2, keys=1, first=[])


def test_repeated_keys_are_described(units):
    repeats = describe_repeats(add_all(units).statistics)
    assert (repeats.narratives, repeats.keys) == (2, 1)
    assert [(row.key, row.narratives) for row in repeats.first] == [("repeated/0", 2)]


def test_names_that_folder_readers_skip_or_that_differ_in_case_alone_are_found():
    paths = ["narratives/a.parquet", "narratives/A.parquet", "mentions/a.parquet",
             "mentions/_b.parquet", "mentions/.c.parquet", "narratives/e\u0301.parquet",
             "narratives/\u00e9.parquet"]  # fmt: skip
    assert version.unusable_names(paths) == [
        paths[1], paths[3], paths[4], paths[6]
    ]  # fmt: skip


def test_one_bad_line_is_told_in_the_singular():
    row = BadLineRow("a.jsonl", 3, "malformed_json", "no")
    counts = Counts(lines=1_201, blank=1, rejected={"malformed_json": 1})
    message = version.too_many_bad_lines(counts, [row], 0.0)
    assert message.startswith("1 of 1,200 lines is bad (0.08%), ")
