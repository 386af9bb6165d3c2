"""Mutated annotation files: rows, or a sentence that names the file; nothing else comes out."""

import io
import json
import random

import pytest

from tests.conftest import ROOT
from transforms.core.base.errors import UsageError
from transforms.core.sources import blocks
from transforms.core.sources.index.manifest import Source
from transforms.core.sources.kinds import SourceBlock

HERE = ROOT / "tests" / "data" / "open_images"
MUTATIONS = 250
"""Of each file; a run of some seconds. The files are cut, so that most mutations meet a row."""

COCO = {
    "images": [{"id": 1, "width": 4, "height": 4.5, "license": 1, "coco_url": "http://x"}],
    "annotations": [{"image_id": 1, "category_id": 2, "bbox": [0, 1.5, 2, 2], "iscrowd": 0}],
    "categories": [{"id": 2, "name": "dog"}],
    "licenses": [{"id": 1, "url": "http://y", "name": "free"}],
}
ASR = {"image_id": "a", "annotator_id": 1, "asr": [[{"transcript": "a dog", "confidence": 0.5}]]}
GOOGLE_WORD = {"word": "dog", "startTime": "0.1s", "endTime": {"seconds": 1, "nanos": 5}}
WORDS = {"recording": "a_1", "results": [{"alternatives": [{"words": [GOOGLE_WORD]}]}]}


def head(path):
    return b"".join((HERE / path).read_bytes().splitlines(keepends=True)[:6])


FILES = {
    "boxes.csv": ("boxes", head("v3/train/annotations-human-bbox.csv")),
    "labels.csv": ("labels", head("v3/train/annotations-human.csv")),
    "images.csv": ("images", head("v3/train/images.csv")),
    "classes.csv": ("classes", b'/m/1,Dog\n/m/2,"Cat, big"\n7,Tree\n'),
    "hierarchy.json": ("hierarchy", b'{"LabelName":"a","Subcategory":[{"LabelName":"b"}]}'),
    "coco.json": ("coco_instances", json.dumps(COCO).encode()),
    "asr.jsonl": ("asr", json.dumps(ASR).encode() + b"\n"),
    "words.jsonl": ("words", json.dumps(WORDS).encode() + b"\n"),
    "words.json": ("words", json.dumps(WORDS).encode()),
}
PIECES = [
    b"", b"\x00", b"\xff", b"\n", b"\r", b'"', b",", b",,", b"-", b"1e999", b"1e15", b"nan",
    b"null", b"[" * 2000, b"{", b"}", b"9" * 400, b"\xed\xa0\x80", b"\\ud800", b"x" * 140_000,
    b"\xef\xbb\xbf",
]  # fmt: skip


def mutate(data, dice):
    for _ in range(dice.randint(1, 3)):
        at = dice.randint(0, len(data))
        end = min(len(data), at + dice.choice([0, 0, 1, 1, 4, 30]))
        kept = data[at:end] if dice.random() < 0.2 else b""
        data = data[:at] + dice.choice([*PIECES, bytes([dice.randrange(256)])]) + kept + data[end:]
    return data


def parse(name, role, data):
    source = Source(role, name, len(data), "f")
    (block,) = blocks.plan_blocks([source]) or [SourceBlock(((0, source),))]
    parts = list(blocks.parse_block(block, lambda source: io.BytesIO(data)))
    for part in parts:
        part.rows.validate(full=True)
    return sum(len(part.rows) for part in parts)


@pytest.mark.parametrize("name", FILES)
def test_mutated_files(name):
    role, data = FILES[name]
    assert parse(name, role, data) > 0
    dice = random.Random(name)
    outcomes = {"rows": 0, "sentence": 0}
    for _ in range(MUTATIONS):
        try:
            parse(name, role, mutate(data, dice))
            outcomes["rows"] += 1
        except UsageError as error:
            assert name in str(error)
            assert len(str(error)) < 1_000
            outcomes["sentence"] += 1
    assert min(outcomes.values()) > 0
