"""Reading against the plain reference: real lines, and real lines spoilt in every way."""

import copy
import functools
import io
import json
import math
import threading

import google_crc32c
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import ROOT
from tests.reference import grounding, naming
from tests.reference import reading as reference
from tests.transforms.core.json_text import Members, Raw, containers, dump, from_json
from tests.transforms.core.strategies import nasty_text
from transforms.core.base.lines import read_block
from transforms.core.model.narratives import flags
from transforms.core.sources.narratives.decoding import DIALECTS, Dialect, dialect_of
from transforms.core.sources.narratives.reading import Origin, read_chunk

NARRATIVES = ROOT / "samples" / "narratives"
FILES = sorted(NARRATIVES.glob("*localized_narratives*.jsonl")) + [NARRATIVES / "odd_and_bad.jsonl"]


def rows_of(chunk):
    """The narratives of a chunk as the reference's records."""
    rows = chunk["narratives"].to_pylist()
    names = flags.names(chunk["narratives"]["flags"].to_numpy()).to_pylist()
    return [
        {
            "dataset_id": row["dataset_id"],
            "image_id": row["image_id"],
            "annotator_id": row["annotator_id"],
            "caption": row["caption"],
            "utterances": [tuple(utterance.values()) for utterance in row["utterances"]],
            "points": list(zip(*(row["trace"][axis] for axis in "xyt"), strict=True)),
            "segment_starts": row["segment_starts"],
            "voice_recording": row["voice_recording"],
            "byte_offset": row["byte_offset"],
            "flags": own,
        }
        for row, own in zip(rows, names, strict=True)
    ]


def expected_row(record):
    """The same from what the reference reads."""
    row = {key: value for key, value in record.items() if key not in ("traces", "line")}
    raised = grounding.reading_flags(record["utterances"], record["traces"])
    return row | {
        "points": grounding.flatten(record["traces"])[0],
        "segment_starts": grounding.segment_starts(record["traces"]),
        "voice_recording": naming.resolve_recording(
            record["dataset_id"], record["voice_recording"], record["annotator_id"]
        ),
        "flags": [flag for flag in grounding.FLAGS if flag in raised],
    }


def check_block(path, block, dialect="full"):
    chunk = read_chunk(block, Origin(path.name, dialect=dialect))
    path.write_bytes(block)
    records, rejected, counts = reference.read_shard(path, path.name)
    assert rows_of(chunk) == [expected_row(record) for record in records]
    found = [
        (row["byte_offset"], row["line_in_unit"], row["code"], row["raw"])
        for row in chunk["rejected"].to_pylist()
    ]
    keys = ("byte_offset", "line", "code", "raw")
    assert found == [tuple(row[key] for key in keys) for row in rejected]
    assert (chunk.lines, chunk.blank, chunk.bytes) == (
        counts["lines"],
        counts["blank"],
        len(block),
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_files_of_the_sample_are_read_as_by_the_reference(path, tmp_path):
    check_block(tmp_path / path.name, path.read_bytes())


def short_records():
    """Real narratives cut to two utterances and two pieces of three points."""
    path = NARRATIVES / "vidln_as_localized_narratives.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines()[:6]:
        record = json.loads(line)
        record["timed_caption"] = record["timed_caption"][:2]
        record["traces"] = [segment[:3] for segment in record["traces"][:2]]
        yield record


RECORDS = list(short_records())
LINES = [json.dumps(record).encode() for record in RECORDS]

ODD_VALUES = [
    Raw(text)
    for text in (
        "null true false 0 -0 -0.0 1 1.0 1e2 1E-3 -1.5e+1 01 .5 1. + NaN Infinity -Infinity "
        "1e999 -1e999 1e-999 0.1234567890123456789 123456789012345 1234567890123456 "
        '9007199254740993 9223372036854775807 9223372036854775808 -9223372036854775808 "7" "-7" '
        '"07" "" "9223372036854775808" "x" [] {} [[]] [null] [{}] [[{}]] "\\ud83d" "\\ude00" '
        '"\\ud83d\\ude00" "\\u0000" "\\q" "\\u12" "a\\nb" "\\u00e9\\/\\t"'
    ).split()
] + [Raw("9" * 400), Raw("9" * 5000), Raw("1" + "0" * 308), Raw('"\t"'), Raw('"a  b"')]

position = st.integers(0, 10_000)


def spoil_member(record, data):
    """Replaces, removes, repeats or adds something somewhere in a record."""
    places = [place for place in containers(record) if place]
    place = places[data.draw(position) % len(places)]
    at = data.draw(position) % len(place)
    own = isinstance(place, Members)
    match data.draw(st.sampled_from(["replace", "remove", "repeat", "add", "shuffle"])):
        case "replace":
            value = data.draw(st.sampled_from(ODD_VALUES))
            place[at] = (place[at][0], value) if own else value
        case "remove":
            del place[at]
        case "repeat":
            place.insert(data.draw(position) % len(place), copy.deepcopy(place[at]))
        case "add":
            value = data.draw(st.sampled_from(ODD_VALUES))
            place.insert(at, ("another", value) if own else value)
        case "shuffle" if own:
            place[:] = data.draw(st.permutations(place))


def allowed_codes(raw, captions_only):
    """Codes with which a line must be rejected, and may be: of several, any may be met first.

    A value that a repeated key replaces may be looked at too.
    """
    try:
        value = reference.decode(raw)
    except reference.BadLine as bad:
        return {bad.code}, {bad.code}
    must = codes_of(value, captions_only)
    others = [
        json.loads(
            raw, parse_int=reference.read_int, object_pairs_hook=functools.partial(pick, which)
        )
        for which in range(4)
    ]
    return must, must.union(*(codes_of(other, captions_only) for other in others))


def codes_of(value, captions_only):
    found = {code for code, _ in reference.problems_of(value, captions_only)}
    return found | {"malformed_json"} if found and has_infinite(value) else found


def pick(which, pairs):
    """An object in which not the last value of a repeated key stands."""
    values = {}
    for key, value in pairs:
        values.setdefault(key, []).append(value)
    return {key: own[min(which, len(own) - 1)] for key, own in values.items()}


def has_infinite(value):
    if isinstance(value, dict | list):
        return any(map(has_infinite, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float) and math.isinf(value)


def check_line(raw, captions_only=False):
    """The line between two good ones is read, or rejected, as by the reference."""
    block = b"\n".join([LINES[0], raw, LINES[1]])
    chunk = read_chunk(block, Origin("x", dialect="captions" if captions_only else "full"))
    found, codes = rows_of(chunk), chunk["rejected"]["code"].to_pylist()
    expected = [reference.parse_line(LINES[0]), None, reference.parse_line(LINES[1])]
    if raw.strip():
        must, may = allowed_codes(raw, captions_only)
        assert set(codes) <= may and bool(must) <= len(codes) <= 1
        if not codes:
            expected[1] = reference.parse_line(raw, captions_only)
    else:
        assert (codes, chunk.blank) == ([], 1)
    offsets = [0, len(LINES[0]) + 1, len(LINES[0]) + len(raw) + 2]
    records = [
        record | {"byte_offset": offset}
        for record, offset in zip(expected, offsets, strict=True)
        if record is not None
    ]
    assert found == [expected_row(record) for record in records]


@pytest.mark.long
@settings(max_examples=600)
@given(st.sampled_from(RECORDS), st.sampled_from(["", " ", "\t", "\r "]), st.data())
def test_spoilt_members(record, gap, data):
    record = from_json(record)
    for _ in range(data.draw(st.integers(0, 3))):
        spoil_member(record, data)
    check_line(dump(record, gap).encode())


@settings(max_examples=300)
@given(st.sampled_from(LINES), st.data())
def test_spoilt_bytes(line, data):
    line = bytearray(line)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(position) % len(line)
        insert = data.draw(st.sampled_from(b'{}[],:"\\ \t\r0-.eu\x00\x1f\x80\xc3\xed\xff'))
        line[at : at + data.draw(st.integers(0, 1))] = bytes([insert])
    check_line(bytes(line))


@given(st.sampled_from(LINES), position)
def test_cut_lines(line, at):
    check_line(line[: at % len(line)])


@given(st.dictionaries(st.sampled_from(["caption", "image_id", "dataset_id"]), nasty_text))
def test_any_text_in_any_escape(texts):
    record = RECORDS[2] | texts
    check_line(json.dumps(record).encode())
    check_line(json.dumps(record, ensure_ascii=False).encode())


@given(st.lists(st.floats(-1e3, 1e3) | st.integers(-(10**17), 10**17), min_size=6, max_size=6))
def test_any_numbers(values):
    x, y, t, start, end, other = values
    traces = [[{"x": x, "y": y, "t": t}], [], [{"x": y, "y": other, "t": t}]]
    timed = [{"utterance": "a", "start_time": start, "end_time": end}]
    check_line(json.dumps(RECORDS[3] | {"traces": traces, "timed_caption": timed}).encode())


@given(st.sampled_from(RECORDS), st.sets(st.sampled_from(reference.KEYS)), st.data())
def test_captions_files_need_only_the_caption(record, removed, data):
    record = Members((k, v) for k, v in from_json(record) if k not in removed)
    if data.draw(st.booleans()) and record:
        spoil_member(record, data)
    check_line(dump(record).encode(), captions_only=True)


@pytest.mark.parametrize(
    ("code", "raw"),
    [
        ("too_deep", b'{"deep": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        ("too_deep", b'{"deep": ' + b'{"a":' * 100_000),
        ("too_deep", LINES[0][:-1] + b', "deep": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        ("too_deep", LINES[0][:-1] + b', "deep": ' + b"[" * 64 + b"]" * 64 + b"}"),
        ("invalid_utf8", LINES[0][:-1] + b', "another": "\xff"}'),
        ("invalid_utf8", LINES[0][:-1] + b', "another": "\xed\xa0\x80"}'),
        ("malformed_json", LINES[0] + LINES[0]),
        ("wrong_type", b"17"),
    ],
)
def test_lines_that_break_decoders_are_rejected(code, raw):
    chunk = read_chunk(b"\n".join([LINES[0], raw, LINES[1]]), Origin("x"))
    assert chunk["rejected"]["code"].to_pylist() == [code]
    assert chunk["rejected"]["raw"].to_pylist() == [raw]
    assert len(chunk["narratives"]) == 2


def with_number(key, text):
    """A line of the published form in which one number is another."""
    record = copy.deepcopy(RECORDS[0])
    place = record["traces"][1][2] if key in "xyt" else record["timed_caption"][1]
    place[key] = 77_777
    return json.dumps(record).replace("77777", text).encode()


PLACES = {
    "x": "traces[1][2].x", "y": "traces[1][2].y", "t": "traces[1][2].t",
    "start_time": "timed_caption[1].start_time", "end_time": "timed_caption[1].end_time",
}  # fmt: skip
RANGES = {"x": "1,000", "y": "1,000"}


@pytest.mark.parametrize("key", PLACES)
@pytest.mark.parametrize(
    "number",
    ["1e14", "-1e200", "1e17", "100000000000000", "1000000.5", "-1000001", "1" + "0" * 309],
)
def test_numbers_beyond_any_sense_are_rejected_with_place_value_and_range(key, number):
    chunk = read_chunk(b"\n".join([LINES[0], with_number(key, number), LINES[1]]), Origin("x"))
    (bad,) = chunk["rejected"].to_pylist()
    limit = RANGES.get(key, "1,000,000")
    shown = str(float(number)) if len(number) < 300 else "a number of 310 digits"
    assert (bad["code"], bad["line_in_unit"]) == ("out_of_range", 1)
    assert bad["message"] == f"{shown} is not between -{limit} and {limit} - at `$.{PLACES[key]}`"


@pytest.mark.parametrize("key", PLACES)
@pytest.mark.parametrize("sign", ["", "-"])
def test_the_limits_themselves_are_taken(key, sign):
    limit = 1000 if key in "xy" else 1_000_000
    for text in (f"{sign}{limit}", f"{sign}{limit}.0", f"{sign}{limit:.0e}"):
        check_line(with_number(key, text))
    for text in (f"{sign}{limit}.00001", f"{sign}{limit + 1}"):
        check_line(with_number(key, text))


@pytest.mark.parametrize(
    "image_id",
    ["a" * 255, "é" * 127, "\U0001f600" * 63, "a" * 256, "é" * 128, "a\0", "\0", "", "a\u200b"],
)
def test_image_ids_that_no_index_can_hold_are_rejected(image_id):
    for ascii_only in (True, False):
        check_line(
            json.dumps(RECORDS[0] | {"image_id": image_id}, ensure_ascii=ascii_only).encode()
        )


@pytest.mark.parametrize("levels", [1, 60, 63, 64, 65, 700, 1000, 20_000])
@pytest.mark.parametrize("text", ["[", '"[[[\\\\\\"[[["', "\\"])
def test_depth_is_measured_outside_of_strings(levels, text):
    inner = text if text != "[" else "[]"
    deep = "[" * (levels - 1) + inner + "]" * (levels - 1)
    check_line(LINES[0][:-1] + f', "deep": {deep}}}'.encode())


def test_a_line_is_judged_alike_in_any_thread():
    """A decoder's own limit of depth depends on the size of the thread's stack."""
    block = b"\n".join(
        LINES[0][:-1] + b', "deep": ' + b"[" * n + b"]" * n + b"}" for n in range(50, 1200, 7)
    )
    found = []
    for size in (0, 1 << 17, 1 << 22):
        threading.stack_size(size)
        thread = threading.Thread(target=lambda: found.append(read_chunk(block, Origin("x"))))
        thread.start()
        thread.join()
    threading.stack_size(0)
    assert len({chunk.to_bytes() for chunk in found}) == 1 and len(found) == 3


@pytest.mark.parametrize("end", [b"", b"\n"])
@pytest.mark.parametrize("fill", [b" ", b'{"a": [', b"\xff"])
def test_a_line_that_is_too_long_is_rejected_and_cut(tmp_path, fill, end):
    long = LINES[0] + fill * ((16 << 20) // len(fill) + 1)
    check_block(tmp_path / "x.jsonl", b"\n".join([LINES[0], long, LINES[1]]))
    data = LINES[0] + b"\n" + long * 3 + end
    (start, block), size = read_block(io.BytesIO(data), 0, 1000, 16 << 20), len(long) * 3
    assert (start, block.skipped is not None) == (0, True)
    chunk = read_chunk(block, Origin("x"))
    (bad,) = chunk["rejected"].to_pylist()
    assert (bad["code"], bad["byte_offset"]) == ("line_too_long", len(LINES[0]) + 1)
    assert bad["message"] == f"the line has {size:,} bytes, more than 16,777,216"
    assert bad["raw"] == long[: 1 << 16]
    assert (chunk.bytes, chunk.crc32c) == (len(data), google_crc32c.value(data))
    assert (chunk.lines, len(chunk["narratives"])) == (2, 1)


@pytest.mark.long
def test_a_complete_line_that_is_too_long_is_rejected_by_both_ways(tmp_path):
    record = RECORDS[0] | {"caption": "a" * (16 << 20)}
    check_block(tmp_path / "x.jsonl", json.dumps(record).encode() + b"\n" + LINES[0])
    exact = json.dumps(RECORDS[0] | {"caption": ""})
    fits = json.dumps(RECORDS[0] | {"caption": "a" * ((16 << 20) - len(exact))}).encode()
    check_block(tmp_path / "x.jsonl", fits + b"\n" + LINES[0])


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_line_ends_and_blank_lines(tmp_path, end):
    blank = [b"", b" ", b"\t\r", b" " * 100]
    check_block(tmp_path / "x.jsonl", b"\n".join([blank[0], LINES[0], *blank, LINES[1]]) + end)


def test_a_byte_order_mark_at_the_beginning_of_a_shard_belongs_to_no_record(tmp_path):
    mark = b"\xef\xbb\xbf"
    check_block(tmp_path / "x.jsonl", mark + LINES[0] + b"\n" + mark + LINES[1] + b"\n")


def test_an_empty_block(tmp_path):
    check_block(tmp_path / "x.jsonl", b"")


def test_where_a_block_begins_is_counted_in():
    block = b"\n".join([LINES[0], b"{", LINES[1]])
    chunk = read_chunk(block, Origin("s.jsonl", unit=3, byte_offset=1000))
    first = 1000 + len(LINES[0]) + 1
    assert chunk["narratives"]["byte_offset"].to_pylist() == [1000, first + 2]
    (bad,) = chunk["rejected"].to_pylist()
    assert (bad["shard"], bad["unit"], bad["line_in_unit"]) == ("s.jsonl", 3, 1)
    assert (bad["byte_offset"], bad["stage"]) == (first, "ReadNarratives")


@pytest.mark.parametrize(
    ("dataset_id", "dataset", "split", "names", "differs"),
    [
        ("mscoco_val2017", None, None, ("coco", "validation"), False),
        ("mscoco_val2017", "coco", "validation", ("coco", "validation"), False),
        ("mscoco_val2017", "coco", "train", ("coco", "train"), True),
        ("mscoco_val2017", "flickr30k", None, ("flickr30k", "validation"), True),
        ("ADE20k", "ade20k", "train", ("ade20k", "train"), False),
        ("", "coco", "train", ("coco", "train"), False),  # says nothing
        ("", None, None, (None, None), False),
    ],
)
def test_given_names_win_and_a_difference_is_flagged(dataset_id, dataset, split, names, differs):
    line = json.dumps(RECORDS[0] | {"dataset_id": dataset_id}).encode()
    chunk = read_chunk(line, Origin("x", dataset=dataset, split=split))
    row = chunk["narratives"].to_pylist()[0]
    assert (row["dataset"], row["split"]) == names
    assert ("dataset_id_differs" in rows_of(chunk)[0]["flags"]) == differs


@pytest.mark.parametrize("dialect", ["full", "captions"])
@pytest.mark.parametrize(
    ("block", "lines"),
    [
        (b"", 0),
        (b"\xef\xbb\xbf", 1),
        (b"\xef\xbb\xbf\n", 1),
        (b"\n", 1),
        (b" ", 1),
        (b"\r\n\r\n", 2),
    ],
)
def test_blocks_without_a_record_are_blank_lines(block, lines, dialect):
    chunk = read_chunk(block, Origin("x", dialect=dialect))
    assert (chunk.lines, chunk.blank, len(chunk["narratives"])) == (lines, lines, 0)


class Renamed(msgspec.Struct):
    """Lines of another project, with names of its own."""

    image_id: str = msgspec.field(name="picture")
    caption: str = msgspec.field(name="text")
    dataset_id: str = "mine_train"
    annotator_id: int = 0
    timed_caption: list = []
    voice_recording: str | None = None
    traces: list | None = None


def test_a_form_of_lines_from_outside_is_a_struct_and_a_line(monkeypatch):
    form = Dialect(msgspec.json.Decoder(Renamed), suffix="_mine.jsonl")
    monkeypatch.setitem(DIALECTS, "mine", form)
    assert dialect_of("x_mine.jsonl") == "mine" and dialect_of("x.jsonl") == "full"
    lines = b'{"picture": "a", "text": "A dog."}\n{"picture": "b"}\n'
    chunk = read_chunk(lines, Origin("x_mine.jsonl", dialect="mine"))
    (row,) = chunk["narratives"].to_pylist()
    assert (row["image_id"], row["caption"], row["dataset_id"]) == ("a", "A dog.", "mine_train")
    assert chunk["rejected"]["code"].to_pylist() == ["missing_key"]
