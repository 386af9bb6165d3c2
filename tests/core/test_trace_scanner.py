"""The compiled scanner of traces against JSON decoders, bit by bit."""

import json
import re

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.core.decoding import BadLine, decode_traces
from transforms.core.trace_scanner import scan_traces


def scan(traces):
    """Segments of (x, y, t) of each trace, None where the scanner leaves it to the decoder."""
    ends = np.cumsum([len(raw) for raw in traces], dtype=np.int64)
    starts = np.concatenate([[0], ends[:-1]]).astype(np.int64)
    data = np.frombuffer(b"".join(traces), np.uint8)
    counts, xyt, pieces, segment_starts = scan_traces(data, starts, ends)
    found, point, piece = [], 0, 0
    for count, own in zip(counts.tolist(), pieces.tolist(), strict=True):
        if count < 0:
            found.append(None)
            continue
        own_starts = segment_starts[piece : piece + own].tolist()
        points = [tuple(p) for p in xyt[:, point : point + count].T.tolist()]
        bounds = zip(own_starts, [*own_starts, count][1:], strict=True)
        found.append([points[first:end] for first, end in bounds])
        point, piece = point + count, piece + own
    assert (point, piece) == (xyt.shape[1], len(segment_starts))
    return found


def bits(segments):
    """The same with every float as its hexadecimal form, which tells -0.0 from 0.0."""
    return [[tuple(value.hex() for value in p) for p in segment] for segment in segments]


def decoded(raw):
    """By Python's own decoder, in the same form."""
    return [
        [(p["x"], p["y"], p["t"]) for p in segment] for segment in json.loads(raw, parse_int=float)
    ]


def strictly_decoded(raw):
    return [[(p.x, p.y, p.t) for p in segment] for segment in decode_traces(msgspec.Raw(raw))]


@pytest.mark.parametrize(
    "name",
    [
        "vidln_as_localized_narratives.jsonl",
        "generated_train_localized_narratives-00000-of-00002.jsonl",
    ],
)
def test_traces_of_the_sample_are_scanned_bit_by_bit(samples, name):
    lines = (samples / "narratives" / name).read_bytes().splitlines()
    raws = [bytes(msgspec.json.decode(line, type=dict[str, msgspec.Raw])["traces"])
            for line in lines]  # fmt: skip
    found = scan(raws)
    assert None not in found
    assert [bits(segments) for segments in found] == [bits(decoded(raw)) for raw in raws]


digits = st.text("0123456789", min_size=1, max_size=9)
plain_number = st.builds(
    lambda sign, whole, decimals: f"{sign}{int(whole)}{'.' + decimals if decimals else ''}",
    st.sampled_from(["", "-"]),
    digits,
    st.one_of(st.just(""), digits),
)
odd_number = st.sampled_from(
    "0 -0 -0.0 1e2 1E-3 1.5e+1 01 -01 1. .5 - + +1 1.0.0 0x1 NaN Infinity 1e400 1e-400 true null "
    "123456789012345 1234567890123456 12345678901234567890 0.1234567890123456 "
    "99999999.9999999 999999999999999.9 9007199254740993 0.000000000000001 0.0000000000000001 "
    '"1" [] 1_0 １'.split()
)


@st.composite
def trace_text(draw, numbers):
    """JSON of a trace: the published form with white space anywhere, sometimes out of form."""
    gap = draw(st.sampled_from(["", " ", "\t ", "\r"]))
    segments = []
    for _ in range(draw(st.integers(0, 3))):
        points = []
        for _ in range(draw(st.integers(0, 3))):
            members = [f'"{key}"{gap}:{gap}{draw(numbers)}' for key in "xyt"]
            points.append(f"{{{gap}{f'{gap},{gap}'.join(members)}{gap}}}")
        segments.append(f"[{gap}{f'{gap},{gap}'.join(points)}{gap}]")
    return f"{gap}[{gap}{f'{gap},{gap}'.join(segments)}{gap}]{gap}".encode()


@given(st.lists(trace_text(plain_number), min_size=1, max_size=4))
def test_plain_decimals_are_scanned_bit_by_bit(raws):
    for raw, segments in zip(raws, scan(raws), strict=True):
        if segments is not None:
            assert bits(segments) == bits(strictly_decoded(raw))
            assert segments == decoded(raw)
        else:  # more than 15 digits and the integer -0 are the decoder's
            numbers = re.sub(r"[^0-9.,-]", "", raw.decode()).split(",")
            assert any(n == "-0" or len(n.strip("-").replace(".", "")) > 15 for n in numbers)


@given(trace_text(plain_number | odd_number), st.data())
def test_what_the_scanner_takes_the_strict_decoder_takes_too(raw, data):
    mutated = bytearray(raw)
    for _ in range(data.draw(st.integers(0, 2))):
        at = data.draw(st.integers(0, len(mutated) - 1))
        mutated[at : at + data.draw(st.integers(0, 2))] = data.draw(
            st.sampled_from([b"", b" ", b",", b"[", b"]", b"}", b'"', b"9", b".", b"-", b"\xff"])
        )
        if not mutated:
            return
    (segments,) = scan([bytes(mutated)])
    if segments is None:
        return
    assert bits(segments) == bits(strictly_decoded(bytes(mutated)))


@pytest.mark.parametrize(
    "raw",
    [
        b"null", b"", b" ", b"[", b"[[", b"[[]", b"[]]", b"[[],]", b"[,[]]", b"[[],,[]]", b"{}",
        b'[[{"x":1,"y":1,"t":1},]]', b'[[{"x":1,"y":1,"t":1}', b'[[{"x":1,"y":1,"t":1}]',
        b'[[{"x":1,"y":1}]]', b'[[{"y":1,"x":1,"t":1}]]', b'[[{"x":1,"y":1,"t":1,"z":1}]]',
        b'[[{"x":1,"y":1,"t":"1"}]]', b'[[{"x":1 "y":1,"t":1}]]', b'[[{"x":1,"y":1,"t":1}]] 1',
        b'[[{"x":1e1,"y":1,"t":1}]]', b'[[{"x":1234567890123456,"y":1,"t":1}]]',
        b'[[{"x":01,"y":1,"t":1}]]', b'[[{"x":1.,"y":1,"t":1}]]', b'[[{"x":-,"y":1,"t":1}]]',
    ],
)  # fmt: skip
def test_whatever_is_unusual_is_left_to_the_decoder_and_disturbs_no_neighbour(raw):
    good = b'[[{"x":0.5,"y":1,"t":2.25}],[]]'
    segments = [[(0.5, 1.0, 2.25)], []]
    assert scan([good, raw, good]) == [segments, None, segments]


def test_bad_traces_are_the_decoders_to_reject():
    for raw in (b'[[{"x":1,"y":1}]]', b"{}", b"[[1]]"):
        with pytest.raises(BadLine):
            decode_traces(msgspec.Raw(raw))
    assert decode_traces(msgspec.Raw(b"null")) == []
