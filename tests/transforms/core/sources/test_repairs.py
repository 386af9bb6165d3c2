"""Repairs in a block of lines, compared with a loop over its lines."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.core.base.lines import MAX_LINE_BYTES, Block, read_block
from transforms.core.sources.repairs import (
    CorruptRepairs,
    Repair,
    decode_repairs,
    digest_of,
    encode_repairs,
    line_at,
    repair_block,
)

LINE = st.binary(max_size=12).filter(lambda line: b"\n" not in line)


def repair(line, offset, raw, size=None):
    kept = line[:size]
    return Repair("a.jsonl", offset, len(kept), digest_of(kept), "", raw)


def as_lines(data):
    """Lines with where each begins."""
    found, at = [], 0
    for line in data.split(b"\n"):
        found.append((at, line))
        at += len(line) + 1
    return found[:-1] if data.endswith(b"\n") or not data else found


@given(
    lines=st.lists(st.tuples(LINE, st.none() | LINE), max_size=8),
    ended=st.booleans(),
    start=st.integers(0, 50),
)
def test_lines_are_replaced_and_all_places_are_known(lines, ended, start):
    data = b"\n".join(line for line, _ in lines) + (b"\n" if ended and lines else b"")
    held = as_lines(data)
    wanted = {
        start + at: repair(line, start + at, raw)
        for (at, line), (_, raw) in zip(held, lines, strict=False)
        if raw is not None
    }
    made = repair_block(Block.of(data), start, wanted)
    expected = b"\n".join(
        wanted[start + at].raw if start + at in wanted else line for at, line in held
    ) + (b"\n" if data.endswith(b"\n") else b"")
    text = made.block.data.tobytes()
    assert text == expected and made.applied == tuple(sorted(wanted))
    if text.count(b"\n") == data.count(b"\n"):
        for (at, _), (new, _) in zip(held, as_lines(text), strict=False):
            assert made.origins(new) == at


def test_a_repair_of_another_line_is_left_out():
    data = b"one\ntwo\nthree\n"
    wanted = {
        0: repair(b"eno", 0, b"1"),  # other bytes
        5: repair(b"wo", 5, b"2"),  # no line begins there
        8: repair(b"three and more", 8, b"3", size=5),
        99: repair(b"x", 99, b"4"),
    }
    made = repair_block(Block.of(data), 0, wanted)
    assert (made.block.data.tobytes(), made.applied) == (b"one\ntwo\n3\n", (8,))


def test_a_line_that_is_too_long_is_known_by_its_beginning():
    long = b"x" * (MAX_LINE_BYTES + 500)
    for ending in (b"\n", b""):
        data = b"short\n" + long + ending
        _, block = read_block(io.BytesIO(data), 0, len(data) - 100, MAX_LINE_BYTES)
        made = repair_block(block, 0, {6: repair(long, 6, b"mended", size=1 << 16)})
        assert made.block.data.tobytes() == b"short\nmended" + ending
        assert made.block.skipped is None and block.size == len(data)


def test_a_line_is_read_alone():
    file = io.BytesIO(b"one\ntwo\n\nlast")
    assert [line_at(file, at) for at in (0, 4, 9)] == [b"one", b"two", b"last"]
    assert [line_at(file, at) for at in (1, 8, 13, 99)] == [None] * 4


def test_files_of_repairs_are_whole():
    repairs = [repair(b"\xff", 3, b"mended"), repair(b"b", 7, b"\x00")]
    data = encode_repairs(repairs)
    assert decode_repairs(data) == repairs
    for broken in (data[:-1], b"", b"\0\0\0\0", bytes([data[0] ^ 1]) + data[1:]):
        with pytest.raises(CorruptRepairs):
            decode_repairs(broken)
