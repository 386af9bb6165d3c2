"""Rows, samples and outcomes of images, without a server."""

import json

import pyarrow as pa
import pytest

from transforms.core.base.lines import Block
from transforms.core.model.units import Unit
from transforms.core.output.jobs.images import IMAGES
from transforms.core.output.statistics.images.outcomes import Outcomes
from transforms.core.stages.fetch.addresses import address_of
from transforms.core.stages.fetch.frames import Frame
from transforms.core.stages.fetch.judging import Answer, Expected, Rules, judge_answer
from transforms.core.stages.fetch.pictures.wanted import encode_wanted, read_wanted
from transforms.core.stages.fetch.rows import Fetched, pack_samples, with_fetched
from transforms.core.stages.fetch.samples import sample_key

GIF = b"GIF89a" + bytes([3, 0, 2, 0, 0, 0, 0]) + b";"


def wanted(image_id, dataset="open_images", url="http://a.org/b.gif"):
    image = {"url": url, "thumbnail_url": None, "rotation": None} if url else None
    return {"dataset": dataset, "split": "train", "image_id": image_id, "image": image,
            "captions": [{"narrative_id": f"n-{image_id}", "caption": "A “cat”."}],
            "boxes": []}  # fmt: skip


def chunk_of(rows, *more):
    lines = b"".join(map(encode_wanted, rows)) + b"".join(more)
    unit = Unit("lists/a.images.jsonl", "a", "f", len(lines))
    return read_wanted(Block.of(lines), unit, 0, False)


def fetched(chunk, answers):
    pairs = []
    for row, answer in zip(chunk["wanted"].to_pylist(), answers, strict=True):
        address = address_of(row, "original")
        judged = judge_answer(answer, Expected(), Rules())
        pairs.append(Fetched(row, address, answer, judged))
    return with_fetched(chunk, pairs, Frame())


def answered(data=GIF, status=200):
    return Answer("http://a.org/b.gif", data, status)


def test_a_line_that_is_no_image_is_rejected_with_its_place():
    chunk = chunk_of([wanted("1")], b'{"image_id": 3}\n', b"\n", b"not JSON\n")
    assert (chunk.lines, chunk.blank) == (4, 1)
    bad = chunk["rejected"].to_pylist()
    assert [row["line_in_unit"] for row in bad] == [1, 3]
    assert {row["code"] for row in bad} == {"not_an_image_row"}
    assert bad[1]["raw"] == b"not JSON\n"
    done = pack_samples(fetched(chunk, [answered()]))
    assert IMAGES.count_chunk(done).conserved(IMAGES.accounted)


def test_samples_are_in_the_order_of_keys_and_rows_in_that_of_the_list():
    chunk = chunk_of([wanted("b"), wanted("c"), wanted("a")])
    done = pack_samples(fetched(chunk, [answered(), answered(b"", 404), answered()]))
    names = done["samples"]["member"].to_pylist()
    assert names == ["open_images-a.gif", "open_images-a.json", "open_images-b.gif",
                     "open_images-b.json"]  # fmt: skip
    rows = done["images"].to_pylist()
    assert [row["image_id"] for row in rows] == ["b", "a"]
    assert [row["offset"] for row in rows] == [512 + 4 * 512, 512]
    told = json.loads(done["samples"]["data"][1].as_py())
    assert told["captions"] == [{"caption": "A “cat”.", "narrative_id": "n-a"}]
    [failure] = done["failures"].to_pylist()
    assert (failure["image_id"], failure["reason"], failure["status"]) == ("c", "not_found", 404)
    assert IMAGES.count_chunk(done).further == {"reasons": {"not_found": 1}, "retryable": 0}


def test_what_has_no_address_fails_and_none_is_guessed():
    rows = [wanted("4428", "flickr30k", None), wanted("ADE_val_1", "ade20k", None)]
    for row in rows:
        assert address_of(row, "thumbnail") is None
    coco = wanted("137576", "coco", None)
    assert address_of(coco, "thumbnail").url.endswith("/train2017/000000137576.jpg")
    for odd in ({"split": "test"}, {"split": None}, {"image_id": "12a"}, {"image_id": "١٢"}):
        assert address_of(coco | odd, "thumbnail") is None


@pytest.mark.parametrize("pair", [("1.2", "1_2"), ("a" * 90, "a" * 91), ("é", "_")])
def test_keys_of_other_images_are_others(pair):
    keys = [sample_key("x", image_id) for image_id in pair]
    assert keys[0] != keys[1]
    assert all("." not in key and len(f"{key}.json") <= 100 for key in keys)


def test_outcomes_merge_in_any_order():
    chunks = [
        fetched(chunk_of([wanted("1"), wanted("2", "coco")]), [answered(), answered(b"", 500)]),
        fetched(chunk_of([wanted("3"), wanted("4")]), [answered(), answered(b"<p>")]),
    ]
    added = Outcomes()
    for chunk in chunks:
        added.add(chunk)
    merged = Outcomes()
    for chunk in reversed(chunks):
        part = Outcomes()
        part.add(chunk)
        merged.merge(Outcomes.unpack(json.loads(json.dumps(part.pack()))))
    assert merged.to_tables()["outcomes"].equals(added.to_tables()["outcomes"])
    rows = added.to_tables()["outcomes"].to_pylist()
    assert [(row["dataset"], row["outcome"], row["images"], row["bytes"]) for row in rows] == [
        ("coco", "server_error", 1, 0),
        ("open_images", "fetched", 2, 2 * len(GIF)),
        ("open_images", "not_an_image", 1, 3),
    ]
    empty = Outcomes().to_tables()["outcomes"]
    assert len(empty) == 0 and isinstance(empty, pa.Table)
