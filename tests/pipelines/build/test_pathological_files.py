"""Files that are made or broken to be as bad as can be: a sentence with the file's name."""

import os
import sys

import pytest

from pipelines.catalog import load_catalog
from pipelines.cli.options import Options, parse_command_line
from pipelines.cli.yaml_files import MAX_BYTES
from pipelines.index_annotations import main as index
from tests.build_helpers import NARRATIVES, REAL, build, manifest_of
from transforms import storage
from transforms.core.base.errors import MESSAGE_CHARACTERS, UsageError, sentence

DEEP = 100_000
LAUGHS = ["a0: &a0 [lol]"] + [
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)
]
YAML = {
    "aliases of aliases": "\n".join(LAUGHS).encode(),
    "an alias of itself": b"workers: &a [*a]",
    "deep": b"[" * DEEP,
    "deep and closed": b"[" * DEEP + b"]" * DEEP,
    "deep by lines": b"\n".join(b" " * n + b"- -" for n in range(900)),
    "numbers as keys": b"1: 2",
    "a list as a key": b"? [a, b]\n: 1",
    "a mapping as a key": b"? {a: b}\n: 1",
    "a tag": b"workers: !!python/object/apply:os.system ['true']",
    "a date that is none": b"workers: 2001-99-99",
    "a number of 5,000 digits": b"workers: " + b"1" * 5000,
    "a number that is none": b"workers: !!int abc",
    "zero bytes": b"workers: 1\x00",
    "not UTF-8": b"workers: \xff\xfe\xfa",
    "a terminal escape": b"\x1b[31mworkers: 2",
    "huge": b"workers: 1 # " + b"x" * MAX_BYTES,
    "a long key": b"x" * 100_000 + b": 1",
    "a long value": b"workers: [" + b"x, " * 50_000 + b"]",
    "a scalar": b"x" * 100_000,
}


def check(error, path):
    message = sentence(error.value)
    assert path.name in message
    assert len(message) <= MESSAGE_CHARACTERS
    assert message.isprintable()


@pytest.mark.parametrize("name", YAML)
def test_yaml_given_as_configuration(tmp_path, name):
    path = tmp_path / "config.yaml"
    path.write_bytes(YAML[name])
    with pytest.raises(UsageError) as error:
        parse_command_line(Options, ["--config", str(path)], "job", "")
    check(error, path)


@pytest.mark.parametrize("name", YAML)
def test_yaml_given_as_catalog(tmp_path, name):
    path = tmp_path / "catalog.yaml"
    path.write_bytes(YAML[name])
    with pytest.raises(UsageError) as error:
        load_catalog([str(path)])
    check(error, path)


def test_aliases_may_be_used(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("beam: {a: &a [1, 2], b: *a}\n")
    with pytest.raises(UsageError, match="unknown"):  # Beam has no such options
        parse_command_line(Options, ["--config", str(path)], "job", "")


NESTED = {
    "hierarchy": b'{"LabelName": "a", "Subcategory": [' * DEEP,
    "hierarchy_closed": b'{"LabelName": "a", "Subcategory": [' * DEEP + b"]}" * DEEP,
    "coco": b'{"images": [], "annotations": [], "categories": [], "info": ' + b"[" * DEEP,
    "coco_boxes": b'{"annotations": ' + b"[" * DEEP + b"]" * DEEP + b"}",
}


@pytest.mark.parametrize("name", NESTED)
def test_nested_annotations(tmp_path, name):
    path = tmp_path / f"{name}.json"
    path.write_bytes(NESTED[name])
    option = "--hierarchy" if "hierarchy" in name else "--coco-instances"
    with pytest.raises(UsageError) as error:
        index([option, str(path), "--output", str(tmp_path / "out")])
    check(error, path)


@pytest.mark.parametrize(
    "content",
    [
        b"/m/1," + b"x" * 131_073,
        b"/m/1," + b"x" * 131_071,
        b"/m/1,Dog\n/m/2," + b"x" * 201,
        b"x" * 256 + b",Dog",
        b"/m/1,Dog\n\x1b[31m,\n",
        b"/m/1\n" + b"," * 100_000,
        b"/m/1,\xff",
    ],
)
def test_class_names_of_any_size(tmp_path, content):
    path = tmp_path / "classes.csv"
    path.write_bytes(content)
    with pytest.raises(UsageError) as error:
        index(["--classes", str(path), "--output", str(tmp_path / "out")])
    check(error, path)


@pytest.mark.parametrize("kind", ["asr", "words"])
@pytest.mark.parametrize(
    "content", [b"[" * DEEP, b'{"results": ' * DEEP, b'{"asr": ' + b"[" * DEEP]
)
def test_nested_transcriptions(tmp_path, kind, content):
    path = tmp_path / "nested_asr.jsonl"
    path.write_bytes(content + b"\n")
    with pytest.raises(UsageError) as error:
        build(tmp_path / "out", [REAL], "--transcripts", kind, "--transcript-files", path)
    check(error, path)


def test_nested_files_of_an_output_are_made_again(tmp_path):
    output = tmp_path / "out"
    build(output, [REAL])
    version = manifest_of(output)["version"]
    manifest = output / "versions" / version / "manifest.json"
    manifest.write_bytes(b"[" * DEEP)
    assert build(output, [REAL]) == 0
    assert manifest_of(output)["version"] == version


def test_a_nested_index_is_refused_by_its_name(tmp_path):
    (tmp_path / "index.json").write_bytes(b"[" * DEEP)
    with pytest.raises(UsageError) as error:
        build(tmp_path / "out", [REAL], "--annotations", tmp_path)
    check(error, tmp_path / "index.json")


@pytest.mark.skipif(sys.platform == "darwin", reason="its file names are UTF-8")
@pytest.mark.parametrize("pattern", [b"\xff\xfe.jsonl", b"*.jsonl"])
def test_a_file_name_that_is_not_utf_8(tmp_path, pattern):
    path = os.path.join(os.fsencode(tmp_path), b"\xff\xfe.jsonl")
    with open(path, "wb") as file:
        file.write((NARRATIVES / "vidln_as_localized_narratives.jsonl").read_bytes())
    given = os.fsdecode(os.path.join(os.fsencode(tmp_path), pattern))
    with pytest.raises(UsageError) as error:
        build(tmp_path / "out", [given])
    message = sentence(error.value)
    assert r"\udcff\udcfe.jsonl" in message
    message.encode()
    with pytest.raises(UsageError, match="not UTF-8"):
        storage.match([given])
