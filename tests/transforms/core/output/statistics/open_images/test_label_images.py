"""Labels are counted and judged as a loop over all rows does, in whichever units they are."""

import itertools
import random

import numpy as np
import pyarrow as pa
import pytest

from tests.reference import release_labels as reference
from transforms.core.base.errors import ChangedError
from transforms.core.model.chunk import Chunk
from transforms.core.output.statistics.open_images.label_images import (
    LabelImages,
    first_of,
    half_decade,
)
from transforms.core.output.statistics.open_images.shares import wilson_interval
from transforms.core.sources.annotations.releases.said import KIND, SAID, said_of
from transforms.core.sources.annotations.releases.schemas import LABELS
from transforms.core.sources.index.buckets import (
    KEY,
    TableIndex,
    build_bucket,
    describe_file,
    distinct_terms,
    plain_schema,
    split_by_bucket,
)
from transforms.core.sources.index.manifest import TableManifest
from transforms.core.stages.judge_labels import judge_labels

COLUMNS = ("release", "split", "image_id", "source", "class_id", "confidence")
BUCKETS = 4


def batch(rows):
    listed = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    return pa.RecordBatch.from_pylist(listed, schema=LABELS)


def index_of(folder, rows):
    """An index of labels, as the job builds it but for Beam."""
    labels = batch(rows)
    columns = {KEY: labels["image_id"], "said": pa.array(said_of(labels))}
    columns |= {name: labels[name].cast(pa.string()) for name in ("release", "split", "class_id")}
    schema = plain_schema(SAID)
    plain = pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)
    terms = {name: sorted(values) for name, values in distinct_terms(plain, SAID).items()}
    files = []
    for bucket, data in split_by_bucket(plain, BUCKETS):
        made, number, keys = build_bucket([data], SAID, terms)
        name = f"{KIND}-{bucket}.arrow"
        (folder / name).write_bytes(made)
        files.append(describe_file(name, bucket, made, number, keys))
    return TableIndex(str(folder), TableManifest(BUCKETS, terms, files), SAID)


def planted(seed, images=60, classes=9, number=2_000):
    """Rows with repeats, disputes, several releases and splits, one of them not known."""
    dice = random.Random(seed)
    rows = []
    for _ in range(number):
        image = dice.randrange(images)
        split = (
            dice.choice(["train", "validation", None])
            if image == 0
            else ("train", "test")[image % 2]
        )
        label = f"/m/{int(dice.triangular(0, classes, 0))}"
        source = dice.choice(["machine", "verification", "crowdsource-verification"])
        confidence = dice.choice([0.5, 0.9]) if source == "machine" else float(dice.random() < 0.6)
        rows.append((dice.choice(["v1", "v3"]), split, f"{image:016x}", source, label, confidence))
    return rows


def chunk_of(rows):
    return Chunk({"labels": batch(rows)}, len(rows), 0, 0, 0)


@pytest.fixture(scope="module", params=[1, 2])
def judged(request, tmp_path_factory):
    """Rows, and statistics of them as one chunk."""
    rows = planted(request.param)
    index = index_of(tmp_path_factory.mktemp("index"), rows)
    whole = LabelImages()
    whole.add(judge_labels(chunk_of(rows), index))
    return rows, index, whole


def tables_of(statistic):
    return {name: table.to_pylist() for name, table in statistic.to_tables().items()}


def test_verdicts_are_those_of_a_loop(judged):
    rows, index, _ = judged
    expected = reference.judge(rows)
    labels = judge_labels(chunk_of(rows), index)["labels"].to_pylist()
    for label in labels:
        key = (label["release"], label["image_id"], label["class_id"])
        assert label["verdict"] == (expected[key] if label["source"] == "machine" else None)
    assert {label["verdict"] for label in labels} == {"correct", "wrong", "disputed", None}


def test_frequencies_and_accuracy_are_those_of_a_loop(judged):
    rows, _, whole = judged
    tables = tables_of(whole)
    found = {
        tuple(row[name] for name in ("release", "split_group", "class_id", "source")): (
            row["images"], row["negatives"],
        )
        for row in tables["label_frequencies"]
    }  # fmt: skip
    assert found == reference.frequencies(rows)


def test_accuracy_of_images_that_are_in_one_split_is_that_of_a_loop(judged, tmp_path):
    rows = [row for row in judged[0] if row[2] != f"{0:016x}"]
    statistic = LabelImages()
    statistic.add(judge_labels(chunk_of(rows), index_of(tmp_path, rows)))
    tables = tables_of(statistic)
    found = {
        (row["release"], row["class_id"]): (
            row["images"], row["correct"], row["wrong"], row["disputed"],
        )
        for row in tables["machine_accuracy"]
    }  # fmt: skip
    assert found == reference.accuracy(rows)
    for row in tables["machine_accuracy"]:
        assert row["judged"] == row["correct"] + row["wrong"]
        bounds = reference.wilson(row["correct"], row["judged"]) if row["judged"] else (None, None)
        assert (row["low"], row["high"]) == pytest.approx(bounds)
    bins = tables["machine_accuracy_bins"]
    for row in bins:
        inside = [
            counts for (release, _), counts in found.items()
            if release == row["release"] and row["from_images"] <= counts[0] < row["to_images"]
            and counts[1] + counts[2]
        ]  # fmt: skip
        assert row["classes"] == len(inside)
        assert row["correct"] == sum(counts[1] for counts in inside)
    judged_classes = [row for row in tables["machine_accuracy"] if row["judged"]]
    assert sum(row["classes"] for row in bins) == len(judged_classes)


@pytest.mark.parametrize("seed", range(5))
def test_however_rows_are_dealt_out_the_tables_are_the_same(judged, seed):
    """Added one after another; merged; merged after packing, as records hold them."""
    rows, index, whole = judged
    dice, shuffled = random.Random(seed), list(judged[0])
    dice.shuffle(shuffled)
    cuts = sorted(dice.sample(range(len(rows)), 7))
    pieces = [shuffled[a:b] for a, b in itertools.pairwise([0, *cuts, len(rows)])]
    chunks = [judge_labels(chunk_of(piece), index) for piece in pieces if piece]
    added, merged, packed = LabelImages(), LabelImages(), LabelImages()
    for chunk in chunks:
        one = LabelImages()
        one.add(chunk)
        added.add(chunk)
        merged.merge(one)
        packed.merge(LabelImages.unpack(one.pack()))
    assert tables_of(added) == tables_of(merged) == tables_of(packed) == tables_of(whole)


def test_labels_that_the_index_does_not_hold_end_the_run(judged):
    row = ("v3", "train", "f" * 16, "machine", "/m/0", 0.9)
    with pytest.raises(ChangedError, match="was changed during the run"):
        judge_labels(chunk_of([row]), judged[1])


@pytest.mark.parametrize("trials", [1, 2, 7, 100, 12_345])
def test_intervals_are_the_roots_of_wilsons_quadratic(trials):
    for successes in {0, 1, trials // 2, trials}:
        low, high = wilson_interval(successes, trials)
        assert (low, high) == pytest.approx(reference.wilson(successes, trials), abs=1e-12)
        assert 0 <= low <= successes / trials <= high <= 1
    assert wilson_interval(0, 0) == (None, None)


def test_half_decades_hold_each_number_once():
    for number in [*range(1, 2_000), 10**6 - 1, 10**6, 3_162_277, 3_162_278]:
        half = half_decade(number)
        assert first_of(half) <= number < first_of(half + 1)
        assert half == int(np.floor(2 * np.log10(number) + 1e-12))
