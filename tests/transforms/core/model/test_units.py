"""Units and the keys under which their results are kept."""

import copy
import dataclasses

import pytest

from transforms.core.model import units
from transforms.core.model.units import Counts, Unit

PLAIN = Unit("/data/a.jsonl", "a", "print", 1000, dataset="coco", split="train", salt="s")
PACKED = dataclasses.replace(PLAIN, path="/data/a.jsonl.gz")


@pytest.mark.parametrize("unit_bytes", [1, 7, 100, 999, 1000, 1001, 5000])
def test_pieces_cover_the_shard_without_a_gap(unit_bytes):
    pieces = list(PLAIN.pieces(unit_bytes))
    assert [piece.index for piece in pieces] == list(range(len(pieces)))
    assert pieces[0].start == 0 and pieces[-1].end == PLAIN.size
    assert all(a.end == b.start for a, b in zip(pieces, pieces[1:], strict=False))
    assert all(0 < piece.end - piece.start <= unit_bytes for piece in pieces)
    assert len({piece.key for piece in pieces}) == len(pieces)


def test_an_empty_shard_is_one_unit():
    (piece,) = dataclasses.replace(PLAIN, size=0).pieces(100)
    assert (piece.start, piece.end) == (0, 0)


def test_a_compressed_shard_is_cut_while_it_is_read():
    (whole,) = PACKED.pieces(100)
    assert whole.compressed and not PLAIN.compressed
    (other,) = PACKED.pieces(200)
    assert whole.key != other.key  # cut elsewhere, its pieces are other units
    assert whole.piece(1, 50, 120).key == whole.piece(1, 50, 50).key
    assert whole.piece(1, 50, 120).key != whole.piece(1, 51, 120).key
    assert whole.piece(1, 50, 120).key != whole.piece(2, 50, 120).key


@pytest.mark.parametrize(
    "change",
    [
        {"fingerprint": "other"}, {"size": 1001}, {"index": 1}, {"start": 1}, {"end": 9},
        {"dataset": None}, {"split": "test"}, {"dialect": "captions"}, {"salt": "t"},
        {"label": "b"}, {"path": "/data/b.jsonl"},
    ],
)  # fmt: skip
def test_whatever_changes_results_changes_the_key(change):
    assert dataclasses.replace(PLAIN, **change).key != PLAIN.key


def test_where_the_content_is_known_the_files_dates_change_nothing():
    known = dataclasses.replace(PLAIN, content="1")
    assert known.key == dataclasses.replace(known, fingerprint="other").key != PLAIN.key
    assert known.key != dataclasses.replace(known, content="2").key


def test_moving_the_files_changes_nothing():
    assert dataclasses.replace(PLAIN, path="/elsewhere/a.jsonl").key == PLAIN.key


def test_names():
    assert PLAIN.name == "coco-train-a-0000"
    assert dataclasses.replace(PLAIN, dataset=None, split=None, index=12).name == "a-0012"
    assert PLAIN.shard == "a.jsonl"
    assert PLAIN.key.startswith("coco-train-a-0000-")


@pytest.mark.parametrize(
    ("stem", "label"),
    [
        ("_x", "x"),
        ("(1)", "1_"),
        ("._.hidden", "hidden"),
        ("...", "shard"),
        ("a b=c", "a_b_c"),
        ("größe", "größe"),
        ("a-1.5", "a-1.5"),
    ],
)
def test_labels_begin_as_readers_of_folders_take_them(stem, label):
    assert units.make_label(stem) == label


def test_long_labels_are_cut_and_stay_different():
    made = [units.make_label("ä" * 110 + end) for end in "ab"]
    assert made[0] != made[1]
    assert all(len(label.encode()) <= units.LABEL_BYTES for label in made)


def test_the_inode_of_a_shard_is_no_part_of_its_units_key():
    unit = units.Unit("/data/a.jsonl", "a", "7-8", 7)
    assert dataclasses.replace(unit, identity="here:1-2").key == unit.key


@pytest.mark.parametrize("path", ["/data/a.jsonl", "/data/a.jsonl.gz"])
def test_repairs_are_of_the_unit_in_which_their_line_begins(path):
    """Only that one has another key; of a compressed shard a piece ends behind the boundary."""
    plain = units.Unit(path, "a", "30-8", 30)
    repairs = ((0, "k0"), (9, "k9"), (10, "k10"), (29, "k29"))
    mended = dataclasses.replace(plain, repairs=repairs, repair_files=("r",))

    def cut(unit):
        pieces = list(unit.pieces(10))
        return [pieces[0].piece(i, at, at + 8) for i, at in enumerate((0, 12, 21))] if (
            unit.compressed
        ) else pieces  # fmt: skip

    held = [[offset for offset, _ in unit.repairs] for unit in cut(mended)]
    assert held == ([[0, 9], [], [29]] if plain.compressed else [[0, 9], [10], [29]])
    for before, unit in zip(cut(plain), cut(mended), strict=True):
        assert (before.key == unit.key) == (not unit.repairs)
        moved = dataclasses.replace(unit, repair_files=("elsewhere",))
        assert moved.key == unit.key and bool(unit.repair_files) == bool(unit.repairs)
    others = dataclasses.replace(mended, repairs=((0, "other"), *repairs[1:]))
    assert cut(others)[0].key not in (cut(plain)[0].key, cut(mended)[0].key)
    assert cut(others)[2].key == cut(mended)[2].key


def test_counts_add_up():
    bad = {"wrong_type": 1}
    one = Counts(4, 1, bad, 1, 1, {"kept": 1}, {"flags": {"no_trace": 1}, "mentions": 2})
    two = Counts(4, 0, bad, 1, 2, {"discarded": 1}, {"flags": {"no_trace": 4}, "boxes": 1})
    total = Counts()
    total.add(one)
    total.add(two)
    assert total == Counts(
        lines=8,
        blank=1,
        rejected={"wrong_type": 2},
        repaired=2,
        left_out=3,
        rows={"kept": 1, "discarded": 1},
        further={"flags": {"no_trace": 5}, "mentions": 2, "boxes": 1},
    )
    accounted = ("kept", "discarded")
    assert all(counts.conserved(accounted) for counts in (total, one, two))
    for changes in (
        {"lines": 1},
        {"blank": 1},
        {"left_out": 1},
        {"rejected": {"a": 1}},
        {"rows": {"kept": 1}},
    ):
        odd = copy.deepcopy(total)
        odd.add(Counts(**changes))
        assert not odd.conserved(accounted)
    total.add(Counts(rows={"mentions": 7}))
    assert total.conserved(accounted)


def test_a_shard_may_be_called_otherwise_and_read_in_turn():
    called = dataclasses.replace(PLAIN, called="train/a.jsonl")
    assert called.shard == "train/a.jsonl" and called.key != PLAIN.key
    assert dataclasses.replace(PLAIN, context="{}").key == PLAIN.key
    in_turn = dataclasses.replace(PLAIN, in_turn=True)
    assert in_turn.compressed and not PLAIN.compressed
    (whole,) = in_turn.pieces(100)
    assert whole.end is None and whole.piece(0, 0, 50).key == whole.first_key
