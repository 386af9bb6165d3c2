"""Every format: what the standard library reads of a sample is what is read, and bad is told."""

import csv
import json

import pytest

from tests import build_helpers as helpers
from tests.conftest import ROOT
from transforms.collections.captions.stages import caption_blocks
from transforms.core.base.errors import UsageError
from transforms.core.model.units import Unit
from transforms.core.sources.captions.reading import read_captions
from transforms.core.sources.captions.registry import FORMATS, describe_file, format_of
from transforms.storage import match

SAMPLES = helpers.ROOT / "tests" / "data" / "collections"
WIKISCENES = ROOT.parent / "shared" / "data" / "wikiscenes" / "val_10classes_20639_7landmark.txt"


def read(path):
    """Rows of captions and of bad records, and the chunk."""
    (file,) = match([str(path)])
    form = format_of(file.path)
    collection, split = describe_file(form, file.path)
    unit = Unit(file.path, "x", file.fingerprint, file.size, 0, 0, file.size, collection, split,
                form.name, identity=file.identity)  # fmt: skip
    ((_, block, start, last),) = caption_blocks(unit, 1 << 20)
    chunk = read_captions(block, unit, start, last)
    rows, bad = chunk["captions"].to_pylist(), chunk["rejected"].to_pylist()
    assert chunk.lines == len(rows) + len(bad) + chunk.blank
    return rows, bad, chunk


def oracle(name):
    """Image, id, text and split of each caption, by the standard library."""
    path = SAMPLES / name
    if name.endswith(".tsv"):
        rows = csv.reader(path.open(newline=""), delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(url, None, caption, "validation") for caption, url in rows]
    if name.endswith(".token"):
        lines = (line.split("\t") for line in path.read_text().splitlines())
        return [(key.split(".jpg#")[0], key.split("#")[1], text, None) for key, text in lines]
    if name.endswith(".txt"):
        lines = (line.split(":") for line in path.read_text().splitlines())
        return [(image, None, caption, "train") for image, _, caption, _ in lines]
    if name.endswith(".jsonl"):
        rows = map(json.loads, path.read_text().splitlines())
        return [(r["image_id"], str(r["annotator_id"]), r["caption"], "coco_validation")
                for r in rows]  # fmt: skip
    data = json.loads(path.read_text())
    if name.startswith("captions"):
        return [(str(r["image_id"]), str(r["id"]), r["caption"], "validation")
                for r in data["annotations"]]  # fmt: skip
    if name.startswith("dataset"):
        splits = {"val": "validation", "train": "train", "test": "test"}
        return [(i["filename"][:-4], str(s["sentid"]), s["raw"], splits[i["split"]])
                for i in data["images"] for s in i["sentences"]]  # fmt: skip
    if name.startswith("region"):
        return [(str(r["image_id"]), str(r["region_id"]), r["phrase"], None)
                for i in data for r in i["regions"]]  # fmt: skip
    return [(str(r["image_id"]), None, r["paragraph"], None) for r in data]


@pytest.mark.parametrize("name", sorted(p.name for p in SAMPLES.iterdir() if p.suffix != ".md"))
def test_a_sample_is_read_as_by_the_standard_library(name):
    rows, bad, _ = read(SAMPLES / name)
    found = [(r["image_id"], r["caption_id"], r["caption"], r["split"]) for r in rows]
    assert found == oracle(name) and not bad
    data = (SAMPLES / name).read_bytes()
    for row in rows:
        begins = data[row["byte_offset"] :][:1]
        assert begins in (b"{" if "json" in name else begins)
        assert data.rfind(b"\n", 0, row["byte_offset"]) + 1 == row["byte_offset"] or "json" in name


def test_regions_are_in_pixels():
    rows, _, chunk = read(SAMPLES / "region_descriptions.json")
    assert rows[0]["region"] == {"x": 421, "y": 57, "width": 82, "height": 139}
    assert rows[-1]["region"]["x"] == -3 and chunk.blank == 1


GOOD = '{"image_id": 1, "id": 2, "caption": "a cat"}'


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (b'{"image_id": 1, "id": 2}', "missing_key"),
        (b'{"image_id": 1, "id": 2, "caption": 3}', "wrong_type"),
        (b'{"image_id": true, "id": 2, "caption": "x"}', "wrong_type"),
        (b'{"image_id": 1, "id": 2, "caption": "\xff"}', "invalid_utf8"),
        (b'{"image_id": 1, "id": 2, "caption": "x", "y": "\xff"}', "invalid_utf8"),
        (b'{"image_id": 1, "id": 2, "caption": "\\u0000"}', "nul_character"),
        (b'{"image_id": 1, "id": 2, "caption": "\\ud800"}', "malformed_json"),
        (b'{"image_id": 1, "id": 2, "caption": "a\nb"}', "malformed_json"),
        (b'{"image_id": 1,\n "id": 2 "caption": "x"}', "malformed_json"),
        (b'{"image_id": 1, "id": 2, "caption": "x"} {}', "malformed_json"),
        (b"null", "wrong_type"),
        (b"[" * 70 + b"]" * 70, "too_deep"),
    ],
)
def test_a_bad_record_is_rejected_with_place_and_bytes(tmp_path, record, code):
    path = tmp_path / "captions_val2014.json"
    begin = b'{"annotations": [' + GOOD.encode() + b", \n "
    path.write_bytes(begin + record + b"," + GOOD.encode() + b"]}")
    rows, (bad,), chunk = read(path)
    assert len(rows) == 2 and chunk.lines == 3
    assert (bad["code"], bad["byte_offset"], bad["line_in_unit"]) == (code, len(begin), 1)
    assert bad["raw"] == record and bad["message"]


def test_bad_captions_of_an_image_are_rejected_alone(tmp_path):
    images = json.loads((SAMPLES / "region_descriptions.json").read_text())
    del images[0]["regions"][1]["phrase"]
    path = tmp_path / "region_descriptions.json"
    path.write_text(json.dumps(images))
    rows, (bad,), _ = read(path)
    assert [row["caption_id"] for row in rows] == ["11", "13", "31"]
    assert bad["code"] == "missing_key" and json.loads(bad["raw"])["region_id"] == 12
    assert path.read_bytes()[bad["byte_offset"] :].startswith(bad["raw"])


@pytest.mark.parametrize(
    ("name", "line", "code"),
    [
        ("results.token", b"no caption", "malformed_line"),
        ("results.token", b"1.jpg#0\t\xff", "invalid_utf8"),
        ("results.token", b"1.jpg#0\ta\0b", "nul_character"),
        ("x_GCC.tsv", b"a\tb\tc", "malformed_line"),
        ("x_GCC.tsv", b"a caption alone", "malformed_line"),
        ("val_10classes_x.txt", b"a:b:c", "malformed_line"),
        ("val_10classes_x.txt", b"a.jpg:['x']:12:30 o'clock:b", "malformed_line"),
        ("val_10classes_x.txt", b"a.jpg:x:c:d", "malformed_line"),
        ("coco_val_captions.jsonl", b"{", "malformed_json"),
    ],
)
def test_a_bad_line_is_rejected(tmp_path, name, line, code):
    path = tmp_path / (name if name != "x_GCC.tsv" else "Train_GCC-training.tsv")
    path.write_bytes(b"\r\n" + line + b"\r\n\n")
    rows, (bad,), chunk = read(path)
    assert not rows and (bad["code"], bad["byte_offset"], bad["raw"]) == (code, 2, line)
    assert chunk.blank == 2


def test_line_ends_and_a_mark_are_no_part_of_captions(tmp_path):
    path = tmp_path / "results.token"
    path.write_bytes(b"\xef\xbb\xbf1.jpg#0\ta cat\r\n1.jpg#1\t\n1.jpg#2\tb")
    rows, bad, _ = read(path)
    assert [row["caption"] for row in rows] == ["a cat", "", "b"] and not bad
    assert [row["image_id"] for row in rows] == ["1"] * 3


def test_a_name_that_tells_nothing_is_refused():
    with pytest.raises(
        UsageError, match="say what it is with option `format`, one of coco_results"
    ):
        format_of("x/captions.csv")
    assert len({form.name for form in FORMATS.values()}) == len(FORMATS)


@pytest.mark.skipif(not WIKISCENES.exists(), reason="WikiScenes (CC BY-NC-SA) is not copied")
def test_a_real_wikiscenes_list_has_nothing_bad():
    rows, bad, _ = read(WIKISCENES)
    assert len(rows) == 1939 and not bad and rows[0]["split"] == "validation"
