"""How sources are cut into blocks, and that cutting changes nothing."""

import gzip
import json
import pathlib

import pyarrow as pa
import pytest
import zstandard

from transforms import storage
from transforms.core.base.errors import UsageError
from transforms.core.sources.blocks import (
    check_headers,
    parse_block,
    plain_size,
    plan_blocks,
    role_of,
)
from transforms.core.sources.index.manifest import Source

HERE = pathlib.Path(__file__).parents[3] / "data/open_images"


def source(role, path, size=None):
    path = pathlib.Path(path)
    return Source(role, str(path), path.stat().st_size if size is None else size, "f")


def open_source(source):
    return storage.open_decompressed(source.path)


def _with_texts(rows):
    """Terms as texts, which a block's scanner gives by codes of its own."""
    columns = [
        column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
        for column in rows.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=rows.schema.names)


def rows_of(sources, block_bytes):
    """All rows by table, in order of their places."""
    parts = [
        part
        for block in plan_blocks(sources, block_bytes)
        for part in parse_block(block, open_source)
    ]
    assert len({(part.table, part.place) for part in parts}) == len(parts), "places are unique"
    rows = {}
    for part in sorted(parts, key=lambda part: part.place):
        rows.setdefault(part.table, []).append(_with_texts(part.rows))
    return {table: pa.Table.from_batches(batches) for table, batches in rows.items()}


def test_blocks_cover_every_byte_once():
    sources = [source("boxes", "a.csv", 250), source("images", "b.csv", 999)]
    blocks = plan_blocks(sources, 100)
    assert [(b.files[0][0], b.start, b.end) for b in blocks] == [
        (0, 0, 100),
        (0, 100, 200),
        (0, 200, 250),
        (1, 0, None),
    ]


def test_files_of_a_recording_each_are_read_together():
    sources = [source("words", f"{i}.json", 40) for i in range(5)]
    blocks = plan_blocks(sources, 100)
    assert [[i for i, _ in block.files] for block in blocks] == [[0, 1, 2], [3, 4]]


def test_the_size_of_blocks_changes_no_row():
    v3 = HERE / "v3/train"
    sources = [
        source("boxes", v3 / "annotations-human-bbox.csv"),
        source("boxes", HERE / "v6/oidv6-train-annotations-bbox.csv"),
        source("labels", v3 / "annotations-machine.csv"),
        source("images", v3 / "images.csv"),
        source("classes", HERE / "v1/dict.csv"),
        source("hierarchy", HERE / "classes/bbox_labels_600_hierarchy.json"),
    ]
    whole = rows_of(sources, 1 << 20)
    assert {name: len(rows) for name, rows in whole.items()} == {
        "boxes": 63,
        "labels": 60,
        "images": 60,
        "classes": 60,
        "hierarchy": 647,
    }
    for block_bytes in (111, 1000):
        cut = rows_of(sources, block_bytes)
        assert all(cut[name].equals(rows) for name, rows in whole.items())


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_compressed_sources_give_the_same_rows(tmp_path, suffix):
    compress = gzip.compress if suffix == ".gz" else zstandard.ZstdCompressor().compress
    asr = tmp_path / "x_asr.jsonl"
    records = [
        {"image_id": str(i), "annotator_id": 1, "asr": [[{"transcript": "t"}]]} for i in range(50)
    ]
    asr.write_text("".join(json.dumps(record) + "\n" for record in records))
    boxes = HERE / "v3/validation/annotations-human-bbox.csv"
    for role, path in (("asr", asr), ("boxes", boxes)):
        packed = tmp_path / (path.name + suffix)
        packed.write_bytes(compress(path.read_bytes()))
        plain = rows_of([source(role, path)], 500)[role]
        assert rows_of([source(role, packed)], 500)[role].equals(plain)
        assert plain_size(source(role, packed)) == 4 * packed.stat().st_size


def test_places_of_classes_follow_the_files(tmp_path):
    names = ["b.csv", "a.csv"]
    for name in names:
        (tmp_path / name).write_text(f"/m/{name},One\n/m/x,Two\n")
    sources = [source("classes", tmp_path / name) for name in names]
    rows = rows_of(sources, 100)["classes"].to_pylist()
    assert [row["key"] for row in sorted(rows, key=lambda row: row["position"])] == [
        "/m/b.csv",
        "/m/x",
        "/m/a.csv",
        "/m/x",
    ]


def test_a_bad_line_is_numbered_in_its_file(tmp_path):
    path = tmp_path / "x_asr.jsonl"
    good = json.dumps({"image_id": "1", "annotator_id": 1, "asr": []}) + "\n"
    path.write_text(9 * good + "{}\n" + good)
    for block_bytes in (50, 1 << 20):
        with pytest.raises(UsageError, match=r"x_asr.jsonl, line 10: is not a transcription"):
            rows_of([source("asr", path)], block_bytes)


def test_headers_are_checked_before_work_begins():
    right = source("boxes", HERE / "v3/train/annotations-human-bbox.csv")
    wrong = source("boxes", HERE / "v3/train/images.csv")
    check_headers([right, source("classes", HERE / "v1/dict.csv")], open_source)
    with pytest.raises(UsageError, match="images.csv: this is an image list, not a file of"):
        check_headers([right, wrong], open_source)


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("d/instances_val2017.json", "coco_instances"),
        ("instances.json.gz", "coco_instances"),
        ("train-annotations-bbox.csv", "boxes"),
        ("boxes", "boxes"),
    ],
)
def test_a_file_of_boxes_has_its_role_by_its_name(path, role):
    assert role_of("boxes", path) == role
