"""The compiled scanner of lines against the strict decoder, bit by bit."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.core.base.lines import Block
from transforms.core.sources.narratives.block_scanner import line_ends, scan_block
from transforms.core.sources.narratives.reading import scanned_batch
from transforms.core.sources.narratives.strict_reader import read_strictly


def scan(block):
    """The lines that the scanner takes, and their rows."""
    block = Block.of(block)
    found = scan_block(block)
    return found.lines.tolist(), scanned_batch(block, found)


def strictly(block, lines):
    """The rows of these lines by the strict decoder, which must take them all."""
    block = Block.of(block)
    ends = line_ends(block)
    starts = np.concatenate([[0], ends + 1])
    read = read_strictly(block, starts, ends, np.array(lines, np.int64), "full")
    assert read.lines.tolist() == lines
    return read.batch


def bits(batch):
    """Rows with every float as its hexadecimal form, which tells -0.0 from 0.0."""
    return json.loads(json.dumps(batch.to_pylist()), parse_float=lambda text: float(text).hex())


def check(block):
    """What is scanned equals what the strict decoder reads from the same lines."""
    lines, rows = scan(block)
    if lines:
        expected = strictly(block, lines)
        assert rows.equals(expected)
        assert bits(rows) == bits(expected)
    return lines


def line(**changes):
    """A record in the published form, members replaced by raw JSON."""
    members = {
        "dataset_id": '"coco_train"',
        "image_id": '"7"',
        "annotator_id": "12",
        "caption": '"A cat."',
        "timed_caption": '[{"utterance": "A", "start_time": 0.5, "end_time": 1}]',
        "traces": '[[{"x": 0.5, "y": -1, "t": 2.25}], []]',
        "voice_recording": '"a/b.ogg"',
    } | changes
    return "{" + ", ".join(f'"{key}": {value}' for key, value in members.items()) + "}"


@pytest.mark.parametrize(
    "name",
    [
        "vidln_as_localized_narratives.jsonl",
        "generated_train_localized_narratives-00000-of-00002.jsonl",
    ],
)
def test_the_sample_is_scanned_bit_by_bit(samples, name):
    block = (samples / "narratives" / name).read_bytes()
    assert check(block) == list(range(block.count(b"\n")))


def test_lines_without_spaces_are_scanned_too(samples):
    path = samples / "narratives" / "vidln_as_localized_narratives.jsonl"
    records = [json.loads(text) for text in path.read_bytes().splitlines()]
    compact = "\n".join(json.dumps(record, separators=(",", ":")) for record in records)
    lines, rows = scan(compact.encode())
    assert lines == list(range(len(records)))
    assert rows.equals(scan(path.read_bytes())[1])


def test_escapes_are_undone():
    block = "\n".join(
        [
            line(caption=r'"\"STOP\" \u00e9\ud83d\ude00\n\\"', image_id=r'"\u0037"'),
            line(caption='"é 😀"'),
            line(caption=r'"\ud83d"'),
            line(caption=r'"\x"'),
            line(timed_caption=r'[{"utterance": "\\", "start_time": 0, "end_time": 1}]'),
        ]
    ).encode()
    assert check(block) == [0, 1, 4]
    assert scan(block)[1]["caption"].to_pylist() == ['"STOP" é😀\n\\', "é 😀", "A cat."]


numbers = st.builds(
    lambda sign, whole, decimals: f"{sign}{int(whole)}{'.' + decimals if decimals else ''}",
    st.sampled_from(["", "-"]),
    st.text("0123456789", min_size=1, max_size=9),
    st.one_of(st.just(""), st.text("0123456789", min_size=1, max_size=9)),
)
odd_numbers = st.sampled_from(
    "0 -0 -0.0 1e2 1E-3 1.5e+1 01 -01 1. .5 - + +1 1.0.0 0x1 NaN Infinity 1e400 1e-400 true null "
    "123456789012345 1234567890123456 12345678901234567890 0.1234567890123456 "
    "99999999.9999999 999999999999999.9 9007199254740993 0.000000000000001 0.0000000000000001 "
    '"1" [] 1_0 １'.split()
)


@st.composite
def texts(draw, values):
    """A line with these numbers everywhere."""
    traces = [
        "[" + ", ".join(f'{{"x": {draw(values)}, "y": {draw(values)}, "t": {draw(values)}}}'
                        for _ in range(draw(st.integers(0, 2)))) + "]"
        for _ in range(draw(st.integers(0, 3)))
    ]  # fmt: skip
    spoken = [
        f'{{"utterance": "w", "start_time": {draw(values)}, "end_time": {draw(values)}}}'
        for _ in range(draw(st.integers(0, 2)))
    ]
    return line(traces=f"[{', '.join(traces)}]", timed_caption=f"[{', '.join(spoken)}]")


@given(st.lists(texts(numbers), min_size=1, max_size=3))
def test_plain_decimals_are_scanned_bit_by_bit(lines):
    check("\n".join(lines).encode())


@given(st.lists(texts(numbers | odd_numbers), min_size=1, max_size=3), st.data())
def test_what_the_scanner_takes_the_strict_decoder_takes_too(lines, data):
    spoilt = bytearray("\n".join(lines).encode())
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(spoilt) - 1))
        spoilt[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.sampled_from(
                [b"", b" ", b"  ", b",", b"[", b"]", b"}", b'"', b"9", b".", b"-", b"\xff", b"\\",
                 b"\n", b"\r\n", b"\t", b"\0", b"\\u12", "é".encode()]
            )
        )  # fmt: skip
    check(bytes(spoilt))


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(noise):
    good = line().encode()
    for block in (noise, good[: len(noise)] + noise, noise + b"\n" + good):
        check(block)


@pytest.mark.parametrize("cut", range(0, len(line()), 3))
def test_a_cut_line_is_left_to_the_decoder_and_disturbs_no_neighbour(cut):
    good = line()
    block = "\n".join([good, good[:cut], good]).encode()
    assert check(block) == [0, 2]
    assert scan(block)[1].equals(scan(f"{good}\n{good}".encode())[1])


@pytest.mark.parametrize(
    "spoilt",
    [
        line(traces="null"), line(traces="[[]"), line(traces="[[],]"), line(traces="[,[]]"),
        line(traces='[[{"x": 1, "y": 1}]]'), line(traces='[[{"y": 1, "x": 1, "t": 1}]]'),
        line(traces='[[{"x": 1, "y": 1, "t": 1, "z": 1}]]'),
        line(traces='[[{"x": 1e1, "y": 1, "t": 1}]]'),
        line(traces='[[{"x": 1 "y": 1, "t": 1}]]'), line(traces='[[{"x":  1, "y": 1, "t": 1}]]'),
        line(image_id="7"), line(annotator_id='"7"'), line(annotator_id="7.5"),
        line(annotator_id="-7"), line(annotator_id="1234567890123456"), line(annotator_id="007"),
        line(caption="null"),
        line(extra="1"), line() + " ", line() + "}", " " + line(), line(caption='"a\tb"'),
    ],
)  # fmt: skip
def test_whatever_is_unusual_is_left_to_the_decoder_and_disturbs_no_neighbour(spoilt):
    good = line()
    block = "\n".join([good, spoilt, good]).encode()
    assert check(block) == [0, 2]
    assert scan(block)[1].equals(scan(f"{good}\n{good}".encode())[1])


def test_an_empty_block():
    lines, rows = scan(b"")
    assert (lines, len(rows)) == ([], 0)
    assert isinstance(rows, pa.RecordBatch)


@pytest.mark.parametrize("caption", [b'"a\\\n"', b'"\\', b'"\xff"', b'"\xc3"', b'"\\u00"'])
def test_a_wrong_string_ends_with_its_line(caption):
    wrong = line(caption="CAPTION").encode().replace(b"CAPTION", caption)
    good = line().encode()
    found = check(b"\n".join([good, wrong, good]))
    last = 2 + wrong.count(b"\n")
    assert found == [0, last]


@pytest.mark.parametrize("digits", range(1, 18))
def test_numbers_of_any_length(digits):
    whole, decimals = "123456789012345678"[:digits], "987654321987654321"[:digits]
    for text in (whole, f"0.{decimals}", f"-{whole}.5", f"7.{'0' * (digits - 1)}1"):
        count = sum(map(str.isdigit, text))
        for x, t, good in (
            (text, 0, count <= 15 and abs(float(text)) <= 1_000),
            (0, text, count <= 15 and abs(float(text)) <= 1_000_000),
        ):
            block = line(traces=f'[[{{"x": {x}, "y": {x}, "t": {t}}}]]').encode()
            assert scan(block)[0] == [0] * good
            if good:
                check(block)
