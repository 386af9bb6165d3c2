"""Reads narrative files line by line and rejects what is not a narrative."""

import gzip
import io
import itertools
import json
import math
import re
import sys

import zstandard

KEYS = (
    "dataset_id",
    "image_id",
    "annotator_id",
    "caption",
    "timed_caption",
    "traces",
    "voice_recording",
)
CAPTION_KEYS = KEYS[:4]
OPTIONAL_KEYS = ("traces",)
CODES = (
    "line_too_long",
    "too_deep",
    "invalid_utf8",
    "malformed_json",
    "wrong_type",
    "missing_key",
    "out_of_range",
)
"""In the order in which they are looked for: a line gets the first that applies."""

MAX_LINE = 16 * 1024 * 1024
KEPT_OF_LONG_LINE = 64 * 1024
MAX_LEVELS = 64
MAX_NUMBER = {"x": 1000, "y": 1000, "t": 10**6, "start_time": 10**6, "end_time": 10**6}
MAX_ID_BYTES = 255

BOM = b"\xef\xbb\xbf"


class BadLine(Exception):
    """A line that is not a narrative; `code` is one of `CODES`."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def read_bytes(path):
    """The uncompressed bytes of a plain, .gz or .zst file."""
    with open(path, "rb") as file:
        data = file.read()
    if str(path).endswith(".gz"):
        return gzip.decompress(data)
    if str(path).endswith(".zst"):
        reader = zstandard.ZstdDecompressor().stream_reader(
            io.BytesIO(data), read_across_frames=True
        )
        return reader.read()
    return data


def lines_of(data):
    """Yields (byte offset, line without its newline); only "\\n" ends a line."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start)
        if end < 0:
            end = len(data)
        yield start, data[start:end]
        start = end + 1


def is_captions_file(name):
    """Whether the file's name says that it holds captions alone."""
    return re.search(r"_captions\.jsonl(\.gz|\.zst)?$", str(name)) is not None


def read_shard(path, name):
    """Reads one shard.

    Returns:
        (records, rejected, counts): records as `parse_line` gives them, with `byte_offset` and
        `line` (from 0); rejected lines as rows; counts of lines, rejected and blank.
    """
    data = read_bytes(path)
    records, rejected, blank, lines = [], [], 0, 0
    captions_only = is_captions_file(name)
    for offset, raw in lines_of(data):
        line = lines
        lines += 1
        if not raw.strip() and len(raw) <= MAX_LINE:
            blank += 1
            continue
        try:
            # A byte order mark belongs to the file, not to its first line.
            record = parse_line(raw if offset else raw.removeprefix(BOM), captions_only)
        except BadLine as bad:
            rejected.append(
                {
                    "shard": name,
                    "byte_offset": offset,
                    "line": line,
                    "code": bad.code,
                    "message": str(bad),
                    "raw": raw[:KEPT_OF_LONG_LINE] if bad.code == "line_too_long" else raw,
                }
            )
        else:
            records.append(record | {"byte_offset": offset, "line": line})
    counts = {"shard": name, "lines": lines, "rejected": len(rejected), "blank": blank}
    return records, rejected, counts


def parse_line(raw, captions_only=False):
    """One line's record: utterances and points as tuples of text and floats.

    Raises:
        BadLine: the line is not a narrative.
    """
    record = decode(raw)
    problems = list(problems_of(record, captions_only))
    for code in CODES:
        for found, message in problems:
            if found == code:
                raise BadLine(code, message)
    return {
        "dataset_id": record["dataset_id"],
        "image_id": str(record["image_id"]),
        "annotator_id": int(record["annotator_id"]),
        "caption": record["caption"],
        "utterances": [
            (u["utterance"], float(u["start_time"]), float(u["end_time"]))
            for u in record.get("timed_caption") or []
        ],
        "traces": [
            [(float(p["x"]), float(p["y"]), float(p["t"])) for p in segment]
            for segment in record.get("traces") or []
        ],
        "voice_recording": record.get("voice_recording"),
    }


def decode(raw):
    """JSON of a line, strict: no NaN, no Infinity, no half surrogate pair.

    A number that is out of range becomes infinite; it is malformed where it is used.
    """
    if len(raw) > MAX_LINE:
        raise BadLine("line_too_long", f"{len(raw)} bytes")
    if levels_of(raw) > MAX_LEVELS:
        raise BadLine("too_deep", f"more than {MAX_LEVELS} levels")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadLine("invalid_utf8", str(error)) from error
    try:
        record = json.loads(text, parse_constant=refuse_constant, parse_int=read_int)
        json.dumps(record, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise BadLine("malformed_json", str(error)) from error
    return record


def levels_of(raw):
    """The most brackets that are open at once outside of strings; the text may be no JSON."""
    outside = re.sub(rb'(?s)"(?:\\.|[^"\\])*(?:"|\\?$)', b"", raw)
    steps = (1 if byte in b"[{" else -1 for byte in outside if byte in b"[]{}")
    return max(itertools.accumulate(steps), default=0)


def refuse_constant(name):
    raise ValueError(f"{name} is not JSON")


def read_int(digits):
    """An integer; infinite where it has more digits than Python reads."""
    return int(digits) if len(digits) <= sys.get_int_max_str_digits() else float(digits)


def problems_of(record, captions_only):
    """Yields (code, message) for everything that is wrong with decoded JSON."""
    if not isinstance(record, dict):
        yield "wrong_type", "the line is not an object"
        return
    required = CAPTION_KEYS if captions_only else KEYS
    for key in KEYS:
        optional = key not in required or key in OPTIONAL_KEYS
        if key not in record:
            if not optional:
                yield "missing_key", f"no {key}"
        elif record[key] is None and optional:
            continue
        elif key == "timed_caption":
            yield from problems_of_utterances(record[key])
        elif key == "traces":
            yield from problems_of_traces(record[key])
        elif is_infinite(record[key]):
            yield "malformed_json", f"{key} is out of range"
        elif not CHECKS[key](record[key]):
            yield "wrong_type", f"{key} has a wrong type"
        elif key == "image_id" and not is_usable_id(str(record[key])):
            yield "out_of_range", f"{key} is too long or holds U+0000"


def is_usable_id(text):
    """Whether an id can be the key of an index."""
    return "\0" not in text and len(text.encode()) <= MAX_ID_BYTES


def problems_of_utterances(utterances):
    if not isinstance(utterances, list):
        yield "wrong_type", "timed_caption is not a list"
        return
    for utterance in utterances:
        yield from problems_of_fields(
            utterance,
            {"utterance": is_string, "start_time": is_number, "end_time": is_number},
        )


def problems_of_traces(traces):
    if not isinstance(traces, list):
        yield "wrong_type", "traces is not a list"
        return
    for segment in traces:
        if not isinstance(segment, list):
            yield "wrong_type", "a segment is not a list"
            continue
        for point in segment:
            yield from problems_of_fields(point, dict.fromkeys("xyt", is_number))


def problems_of_fields(item, checks):
    if not isinstance(item, dict):
        yield "wrong_type", "an item is not an object"
        return
    for key, check in checks.items():
        if key not in item:
            yield "missing_key", f"no {key}"
        elif is_infinite(item[key]):
            yield "malformed_json", f"{key} is out of range"
        elif not check(item[key]):
            yield "wrong_type", f"{key} has a wrong type"
        elif key in MAX_NUMBER and abs(item[key]) > MAX_NUMBER[key]:
            yield "out_of_range", f"{key} is beyond {MAX_NUMBER[key]}"


def is_string(value):
    return isinstance(value, str)


def is_integer(value):
    return isinstance(value, int) and not isinstance(value, bool)


def is_infinite(value):
    return isinstance(value, float) and math.isinf(value)


def is_number(value):
    return isinstance(value, float) or is_integer(value)


def is_image_id(value):
    return is_string(value) or is_integer(value)


def is_annotator_id(value):
    if is_string(value):
        return re.fullmatch("-?[0-9]{1,19}", value) is not None and is_annotator_id(int(value))
    return is_integer(value) and -(2**63) <= value < 2**63


CHECKS = {
    "dataset_id": is_string,
    "image_id": is_image_id,
    "annotator_id": is_annotator_id,
    "caption": is_string,
    "voice_recording": is_string,
}
