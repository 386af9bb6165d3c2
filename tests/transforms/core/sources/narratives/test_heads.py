"""Judging shards by their heads."""

import json

import pytest

from tests.build_helpers import GENERATED, ODD_AND_BAD, REAL
from transforms.core.sources.narratives.heads import (
    HEAD_BYTES,
    MAX_LINES,
    MIN_LINES,
    why_not_narratives,
)


@pytest.mark.parametrize("path", [*GENERATED, ODD_AND_BAD, REAL], ids=lambda path: path.name)
def test_real_shards_are_narratives(path):
    assert why_not_narratives(path.read_bytes()[:HEAD_BYTES]) is None


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"1", "wrong_type"),
        (b"a,b,c", "malformed_json"),
        (b"\xff\xfe", "invalid_utf8"),
        (b'{"asr": [], "image_id": "1"}', "missing_key"),
        (b"<p>", "malformed_json"),
    ],
)
def test_lines_of_another_kind_are_told_with_the_first(line, code):
    text = why_not_narratives(b"\n" + (line + b"\n") * MIN_LINES)
    assert text.startswith(f"none of its first {MIN_LINES} lines is a narrative; line 2: {code}: ")
    assert why_not_narratives((line + b"\n") * (MIN_LINES - 1)) is None


def test_one_narrative_is_enough():
    good = REAL.read_bytes().splitlines(keepends=True)[0]
    assert why_not_narratives(b"1\n" * (MAX_LINES - 1) + good + b"1\n") is None


def test_a_line_that_the_head_cuts_does_not_count():
    record = json.loads(REAL.read_bytes().splitlines()[0])
    long = json.dumps(record | {"caption": "a" * HEAD_BYTES}).encode()
    head = (b"1\n" * (MIN_LINES - 1) + long)[:HEAD_BYTES]
    assert why_not_narratives(head) is None


def test_captions_are_narratives_in_files_of_captions():
    record = json.loads(REAL.read_bytes().splitlines()[0])
    keys = ("dataset_id", "image_id", "annotator_id", "caption")
    lines = (json.dumps({key: record[key] for key in keys}).encode() + b"\n") * MIN_LINES
    assert why_not_narratives(lines, "captions") is None
    assert "missing_key" in why_not_narratives(lines)
