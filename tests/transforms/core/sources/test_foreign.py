"""Kinds of files by their first bytes."""

import gzip
import pathlib

import pytest

from transforms.core.base.errors import UsageError
from transforms.core.sources import foreign
from transforms.core.sources.annotations.classes import parse_hierarchy
from transforms.core.sources.annotations.coco import parse_instances

TESTS = pathlib.Path(__file__).parents[3]
SAMPLES = TESTS.parent / "samples"


@pytest.mark.parametrize(
    ("pattern", "kind"),
    [
        ("open_images/*/annotations-human-bbox.csv", foreign.BOXES),
        ("open_images/*/annotations-human.csv", foreign.LABELS),
        ("open_images/*/annotations-machine.csv", foreign.LABELS),
        ("open_images/*/images.csv", foreign.IMAGES),
        ("open_images/class-descriptions-boxable.csv", foreign.CLASSES),
        ("narratives/*localized_narratives*.jsonl", foreign.NARRATIVES),
        ("narratives/*_asr-*.jsonl", foreign.ASR),
        ("narratives/*_words-*.jsonl", foreign.WORDS),
        ("narratives/odd_and_bad.jsonl", foreign.NARRATIVES),  # by its first lines
        ("narratives/*_truth-*.jsonl", None),
        ("../tests/data/open_images/v[36]/*bbox.csv", foreign.BOXES),
        ("../tests/data/open_images/v3/*/annotations-human-bbox.csv", foreign.BOXES),
        ("../tests/data/open_images/v6/*labels*.csv", foreign.LABELS),
        ("../tests/data/open_images/v6/*images*.csv", foreign.IMAGES),
        ("../tests/data/open_images/v6/*class-descriptions*.csv", foreign.CLASSES),
        ("../tests/data/open_images/v3/class-descriptions.csv", foreign.CLASSES),
        ("../tests/data/open_images/v1/dict.csv", foreign.CLASSES),
        ("../tests/data/open_images/classes/*.json", foreign.HIERARCHY),
        ("../tests/data/pos/*.conllu", None),
        ("../README.md", None),
    ],
)
def test_real_files(pattern, kind):
    paths = sorted(SAMPLES.glob(pattern))
    assert paths
    for path in paths:
        assert foreign.recognise(path.read_bytes()[: foreign.HEAD_BYTES]) == kind, path


@pytest.mark.parametrize(
    ("head", "title"),
    [
        (gzip.compress(b"x", mtime=0), "compressed with gzip"),
        (b"PK\x03\x04x", "a zip archive"),
        (b"PAR1x", "a Parquet file"),
        (b"\xef\xbb\xbfa,b,c\n1,2,3\n4,5,6\n7,8,9\n", "a CSV file"),
        (b'{"info": {}, "images": []}', "a file of COCO instances"),
        (b'{"image_id": "1", "caption": "A cat."}', "a file of captions alone"),
    ],
)
def test_short_files(head, title):
    assert foreign.recognise(head).title == title


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\n \n",
        b"nonsense",
        b"a, b\nc\n",
        b"[1, 2, 3]\n",
        b"1\n" * 1000,
        b"{}\n",
        b"{" * 5000,
        b"\xff\xfe\x00,",
        b'{"caption": "A cat.", "traces": []}\n',  # a bad line is no reason to refuse the file
        b'{"caption": "x"}\n{"caption": "x", "voice_recording": "y"}\n',
    ],
)
def test_what_is_not_plain_is_left_to_the_reader(head):
    assert foreign.recognise(head) is None


def test_a_line_that_is_cut_tells_nothing():
    line = b'{"caption": "' + b"x" * foreign.HEAD_BYTES
    assert foreign.recognise(line[: foreign.HEAD_BYTES]) is None


LEVELS = 100_000
DEEP = [
    b'{"images": %s, "annotations": [], "categories": []}' % (b"[" * LEVELS + b"]" * LEVELS),
    b'{"images": [], "annotations": [], "info": %s}' % (b'{"a":' * LEVELS + b"1" + b"}" * LEVELS),
    b"[" * LEVELS + b"]" * LEVELS,
    b'{"LabelName": "a", "Subcategory": [' * LEVELS + b'{"LabelName": "b"}' + b"]}" * LEVELS,
]


@pytest.mark.parametrize("data", DEEP, ids=["images", "info", "list", "hierarchy"])
@pytest.mark.parametrize("read", [parse_hierarchy, parse_instances])
def test_json_that_is_nested_too_deeply_is_said_to_be(data, read):
    assert foreign.recognise(data[: foreign.HEAD_BYTES]) not in (foreign.COCO, foreign.NARRATIVES)
    with pytest.raises(UsageError, match=r"^deep.json: is not .* nested more than 64 levels deep"):
        read("deep.json", data)


def test_brackets_in_strings_are_no_levels():
    assert not foreign.is_too_deep(rb'{"a": "%s\"[", "b": [[]]}' % (b"[{" * 1000))
    assert not foreign.is_too_deep(b"[{}]" * 1000 + b"[" * 64)
    assert foreign.is_too_deep(b"[{}]" * 1000 + b"[" * 65)
