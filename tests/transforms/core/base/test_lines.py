"""Cutting into blocks of complete lines: every line exactly once, whatever the size of a unit."""

import io
import itertools

import google_crc32c
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.core.base.lines import read_block, read_pieces, read_range

FILES = [
    b"",
    b"\n",
    b"\n\n\n",
    b"a",
    b"a\n",
    b"first\nsecond line\n\nfourth\n",
    b"first\nsecond line\n\nno line end",
    b"\r\nwindows\r\n \nx\n",
    b"a line that is longer than most units\nshort\n",
]


class Trickle(io.BytesIO):
    """A file that answers with fewer bytes than asked for, as network files do."""

    def read(self, size=-1):
        return super().read(size if size < 2 else size // 2)

    def readinto(self, buffer):
        return super().readinto(memoryview(buffer)[: max(1, len(buffer) // 2)])


def lines_with_offsets(data):
    """Every line with its end, and where it begins."""
    *whole, tail = data.split(b"\n")
    lines = [line + b"\n" for line in whole] + [tail] * bool(tail)
    starts = itertools.accumulate(map(len, lines), initial=0)
    return list(zip(starts, lines, strict=False))


def ranges(file, size, unit_bytes):
    """What `read_range` gives for every unit."""
    starts = range(0, max(1, size), unit_bytes)
    return [read_range(file, start, min(size, start + unit_bytes)) for start in starts]


@pytest.mark.parametrize("kind", [io.BytesIO, Trickle])
@pytest.mark.parametrize("data", FILES)
def test_ranges_of_any_size_hold_every_line_once(data, kind):
    for unit_bytes in range(1, len(data) + 2):
        blocks = ranges(kind(data), len(data), unit_bytes)
        found = [
            (first + at, line) for first, block in blocks for at, line in lines_with_offsets(block)
        ]
        assert found == lines_with_offsets(data)
        for index, (first, block) in enumerate(blocks):
            # a line belongs to the range in which it begins
            for at, _ in lines_with_offsets(block):
                assert (first + at) // unit_bytes == index


@pytest.mark.parametrize("kind", [io.BytesIO, Trickle])
@pytest.mark.parametrize("data", FILES)
def test_pieces_of_a_stream_are_the_ranges_that_are_not_empty(data, kind):
    for unit_bytes in range(1, len(data) + 2):
        blocks = [block for block in ranges(io.BytesIO(data), len(data), unit_bytes) if block[1]]
        pieces = list(read_pieces(kind(data), unit_bytes))
        found = [(start, block.data.tobytes()) for start, block, _ in pieces]
        assert found == (blocks or [(0, b"")])
        assert [last for *_, last in pieces] == [False] * (len(pieces) - 1) + [True]


@given(st.binary(max_size=60).map(lambda data: data.replace(b"\x00", b"\n")), st.integers(1, 61))
def test_any_bytes_are_covered_once(data, unit_bytes):
    blocks = ranges(io.BytesIO(data), len(data), unit_bytes)
    assert b"".join(block for _, block in blocks) == data
    pieces = read_pieces(io.BytesIO(data), unit_bytes)
    assert b"".join(block.data.tobytes() for _, block, _ in pieces) == data


lines_of_all_lengths = st.lists(st.text("ab", max_size=40).map(str.encode), max_size=8)


@given(lines_of_all_lengths, st.booleans(), st.integers(1, 61), st.integers(0, 20))
def test_lines_that_are_too_long_are_covered_and_not_kept(lines, line_end, unit_bytes, max_line):
    data = b"\n".join(lines) + b"\n" * line_end
    starts = range(0, max(1, len(data)), unit_bytes)
    units = [
        read_block(io.BytesIO(data), start, min(len(data), start + unit_bytes), max_line)
        for start in starts
    ]
    pieces = [piece[:2] for piece in read_pieces(io.BytesIO(data), unit_bytes, max_line)]
    for blocks in ([unit for unit in units if unit[1].size], pieces if data else []):
        assert sum(block.size for _, block in blocks) == len(data)
        for start, block in blocks:
            covered = data[start : start + block.size]
            assert block.crc32c == google_crc32c.value(covered)
            held = block.data.tobytes()
            assert covered.startswith(held)
            assert len(held) <= unit_bytes + max_line + 1
            if block.skipped:
                rest = covered[len(held) :]
                assert rest.count(b"\n") == block.skipped.line_end == rest.endswith(b"\n")
                assert b"\n" not in held[-max_line - 1 :]
            else:
                assert held == covered
