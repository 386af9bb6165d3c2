"""Images and repeated ids are counted as a loop over all captions does, in whichever units."""

import collections
import random

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from transforms.core.model.chunk import Chunk
from transforms.core.output.jobs.captions import CAPTIONS_JOB
from transforms.core.output.statistics.captions import digests
from transforms.core.output.statistics.captions.richness import CaptionRichness
from transforms.core.output.statistics.collection import Statistics
from transforms.core.output.tables import write_parquet
from transforms.core.sources.captions.schemas import CAPTIONS


def captions(seed, number):
    """Captions of several splits with ids that repeat, of which some are missing."""
    chance = random.Random(seed)
    splits = [("coco", "train"), ("coco", None), ("visual_genome", None)]
    for row in range(number):
        collection, split = chance.choice(splits)
        yield {
            "collection": collection,
            "split": split,
            "image_id": chance.choice(["", "é", f"image {chance.randrange(40)}"]),
            "caption_id": chance.choice([None, "", str(chance.randrange(60))]),
            "caption": chance.choice(["", " \t", "a cat"]),
            "region": None,
            "shard": "x.json",
            "byte_offset": row,
            "richness": None,
        }


def counted(rows):
    """What a loop counts: images, mean of captions an image, repeated, empty, by split."""
    found = {}
    for key in {(row["collection"], row["split"]) for row in rows}:
        own = [row for row in rows if (row["collection"], row["split"]) == key]
        images = collections.Counter(row["image_id"] for row in own)
        ids = collections.Counter(
            (row["image_id"], row["caption_id"]) for row in own if row["caption_id"] is not None
        )
        found[key] = {
            "captions": len(own),
            "images": len(images),
            "empty": sum(not row["caption"].strip() for row in own),
            "repeated": sum(number for number in ids.values() if number > 1),
            "captions_per_image_sum": len(own),
            "captions_per_image_mean": len(own) / len(images),
        }
    return found


def units_of(rows, size):
    """What each unit leaves: its packed statistics, and its file of digests."""
    for start in range(0, len(rows), size):
        batch = pa.RecordBatch.from_pylist(rows[start : start + size], schema=CAPTIONS)
        chunk = Chunk({"captions": batch}, len(batch), 0, 0, 0)
        packed = msgspec.msgpack.encode(CAPTIONS_JOB.measure_chunk(chunk).pack())
        yield msgspec.msgpack.decode(packed), CAPTIONS_JOB.rows_aside(chunk)[digests.TABLE]


def through_file(rows, path):
    write_parquet(rows, str(path))
    (read,) = pq.read_table(path).combine_chunks().to_batches()
    return read


def merged(units, tmp_path=None):
    statistics = Statistics(CAPTIONS_JOB.statistics)
    aside = []
    for number, (packed, rows) in enumerate(units):
        statistics.merge_packed(packed)
        aside.append(through_file(rows, tmp_path / f"{number}") if tmp_path else rows)
    statistics.gather(lambda name: iter(aside if name == digests.TABLE else ()))
    return statistics


@pytest.mark.parametrize("size", [1, 7, 100, 1_000])
def test_a_loop_counts_the_same(size, tmp_path):
    rows = list(captions(size, 400))
    units = list(units_of(rows, size))
    table = merged(units, tmp_path).to_tables()["richness"]
    found = {(row["collection"], row["split"]): row for row in table.to_pylist()}
    expected = counted(rows)
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        assert {name: found[key][name] for name in values} == pytest.approx(values)
    assert sum(values["repeated"] for values in expected.values()) > 100
    random.Random(1).shuffle(units)
    assert merged(units).to_tables()["richness"].equals(table)


def test_records_do_not_grow_with_captions():
    sizes = [len(msgspec.msgpack.encode(next(units_of(rows, len(rows)))[0]))
             for rows in (list(captions(2, 300)), list(captions(2, 9_000)))]  # fmt: skip
    assert sizes[1] < sizes[0] + 50


def test_a_unit_of_no_captions_sets_nothing_aside():
    rows = digests.digests_of_captions(pa.RecordBatch.from_pylist([], schema=CAPTIONS))
    assert len(rows) == 0 and rows.schema == digests.SCHEMA


def test_what_is_missing_is_told():
    first, second = units_of(list(captions(3, 20)), 10)
    statistics = CaptionRichness()
    for packed, _ in (first, second):
        statistics.merge(CaptionRichness.unpack(packed["captions"]))
    with pytest.raises(ValueError, match="images are counted by `gather`"):
        statistics.to_tables()
    with pytest.raises(ValueError, match="captions are of images, not"):
        statistics.gather(lambda _: iter([first[1]]))
