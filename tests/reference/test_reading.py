"""What the reference takes for a narrative, by hand."""

import gzip
import json

import pytest
import zstandard

from . import naming
from .reading import BadLine, parse_line, read_shard

GOOD = {
    "dataset_id": "mscoco_val2017",
    "image_id": "137576",
    "annotator_id": 93,
    "caption": "A dog.",
    "timed_caption": [{"utterance": "A dog.", "start_time": 0, "end_time": 1.5}],
    "traces": [[{"x": 0.25, "y": 1, "t": 0.5}]],
    "voice_recording": "coco_val/coco_val_137576_93.ogg",
}


def line(**changes):
    return json.dumps({k: v for k, v in (GOOD | changes).items() if v is not ...}).encode()


def test_parse_line_takes_integers_and_strings_for_each_other():
    record = parse_line(line(image_id=137576, annotator_id="093"))
    assert record["image_id"] == "137576"
    assert record["annotator_id"] == 93
    assert record["utterances"] == [("A dog.", 0.0, 1.5)]
    assert record["traces"] == [[(0.25, 1.0, 0.5)]]


@pytest.mark.parametrize("traces", [..., None, [], [[]]])
def test_parse_line_takes_no_traces(traces):
    assert sum(map(len, parse_line(line(traces=traces))["traces"])) == 0


POINT = {"x": 0.1, "y": 0.2, "t": 0.3}


def nested(levels):
    value = []
    for _ in range(levels - 1):
        value = [value]
    return value


BAD_LINES = [
    ("invalid_utf8", b'{"caption": "caf\xe9"}'),
    ("malformed_json", line()[:-1]),
    ("malformed_json", b"{}{}"),
    ("malformed_json", line(annotator_id=float("nan"))),
    ("malformed_json", line().replace(b"1.5", b"Infinity")),
    ("malformed_json", line().replace(b"1.5", b"1e999")),
    ("malformed_json", line(caption="\ud83d")),
    ("malformed_json", line(caption=7)[:-1]),
    ("wrong_type", b"[]"),
    ("wrong_type", b"null"),
    ("wrong_type", line(caption=None)),
    ("wrong_type", line(image_id=1.0)),
    ("wrong_type", line(image_id=True)),
    ("wrong_type", line(annotator_id=9.0)),
    ("wrong_type", line(annotator_id="9 ")),
    ("wrong_type", line(annotator_id="nine")),
    ("wrong_type", line(annotator_id=2**63)),
    ("wrong_type", line(traces=[None])),
    ("wrong_type", line(traces=[[[0.1, 0.2, 0.3]]])),
    ("wrong_type", line(traces=[[POINT | {"t": True}]])),
    ("wrong_type", line(traces=[[POINT | {"t": "1"}]])),
    ("wrong_type", line(timed_caption={})),
    ("wrong_type", line(timed_caption=[{"utterance": 1, "start_time": 0, "end_time": 1}])),
    ("wrong_type", line(caption=7, image_id=...)),
    ("missing_key", line(image_id=...)),
    ("missing_key", line(timed_caption=...)),
    ("missing_key", line(voice_recording=...)),
    ("missing_key", line(timed_caption=[{"utterance": "a", "start_time": 0}])),
    ("missing_key", line(traces=[[{"x": 0.1, "y": 0.2}]])),
    ("out_of_range", line(traces=[[POINT | {"x": 10**309}]])),
    ("out_of_range", line(traces=[[POINT | {"y": -1000.001}]])),
    ("out_of_range", line(traces=[[POINT | {"t": 1e17}]])),
    ("out_of_range", line(timed_caption=[{"utterance": "", "start_time": 0, "end_time": 1e7}])),
    ("out_of_range", line(image_id="a" * 256)),
    ("out_of_range", line(image_id="a\0")),
    ("too_deep", line(another=nested(64))),
    ("too_deep", b"[" * 65),
    ("line_too_long", b" " * (16 * 1024 * 1024 + 1)),
]


@pytest.mark.parametrize(("code", "raw"), BAD_LINES)
def test_parse_line_rejects(code, raw):
    with pytest.raises(BadLine) as caught:
        parse_line(raw)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "changes",
    [
        {"traces": [[POINT | {"x": 1000, "y": -1e3, "t": -1e6}]]},
        {"image_id": "é" * 127},
        {"another": nested(63)},
        {"another": "[" * 100 + '\\"' + "[" * 100},
    ],
)
def test_parse_line_takes_what_is_at_a_limit(changes):
    assert parse_line(line(**changes))["image_id"]


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_read_shard_counts_lines_and_offsets(tmp_path, suffix):
    captions = {key: GOOD[key] for key in list(GOOD)[:4]}
    content = b"\n".join([json.dumps(captions).encode(), b" \r", b"{", line()])
    pack = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}[suffix]
    path = tmp_path / f"x_captions.jsonl{suffix}"
    path.write_bytes(pack(content))
    records, rejected, counts = read_shard(path, path.name)
    first = len(json.dumps(captions)) + 1  # then " \r\n" is 3 bytes and "{\n" is 2
    assert [record["byte_offset"] for record in records] == [0, first + 5]
    assert [(bad["byte_offset"], bad["line"], bad["raw"]) for bad in rejected] == [
        (first + 3, 2, b"{")
    ]
    assert counts == {"shard": path.name, "lines": 4, "rejected": 1, "blank": 1}
    # Without the telling name the first line lacks `timed_caption`.
    assert read_shard(path, "x.jsonl")[2]["rejected"] == 2


@pytest.mark.parametrize(
    ("dataset_id", "dataset", "split"),
    [
        ("mscoco_val2017", "coco", "validation"),
        ("ADE20k", "ade20k", None),
        ("Flickr30k_test", "flickr30k", "test"),
        ("Flic_train", "flickr30k", "train"),
        ("open_images_train_v6", "open_images", "train"),
        ("OpenImages", "open_images", None),
        ("OVIS_train", "ovis", "train"),
        ("", None, None),
    ],
)
def test_dataset_and_split(dataset_id, dataset, split):
    assert (naming.dataset_of(dataset_id), naming.split_of(dataset_id)) == (dataset, split)


def test_resolve_recording_pads_the_image_number_to_16():
    stored = "ade20k_train/ade20k_train_00000175_4.ogg"
    resolved = naming.resolve_recording("ADE20k", stored, 47)
    assert resolved == "ade20k_train/ade20k_train_0000000000000175_47.ogg"
    assert naming.resolve_recording("mscoco_val2017", stored, 47) == stored
    assert naming.resolve_recording("ADE20k", None, 47) is None
