"""The main job over the sample, field by field, against the independent reference."""

import pytest
import spacy

from tests import golden, reference
from transforms.core.stages.measure.taggers import load_pipeline

RUNS = {
    "plain": ([], {}),
    "asr": (["--transcripts", "asr"], {"source": "asr"}),
    "words": (["--transcripts", "words"], {"source": "words"}),
    "max_distance": (
        ["--transcripts", "words", "--max-distance", "6"],
        {"source": "words", "max_distance": 6},
    ),
    "max_distance_per_char": (
        ["--transcripts", "asr", "--max-distance-per-char", "0.02"],
        {"source": "asr", "max_distance_per_char": 0.02},
    ),
    "exclude_boxes": (["--exclude-boxes", "is_group_of"], {"excluded_flags": ["is_group_of"]}),
    "no_tagger": (["--tagger", "none"], {"nlp": None}),
}
"""Arguments of the job and of the reference."""

LONG = ("asr", "words", "max_distance_per_char", "exclude_boxes")
"""Runs that `make test` leaves to `make test-long`."""

PARAMETERS = [pytest.param(name, marks=[pytest.mark.long] * (name in LONG)) for name in RUNS]


@pytest.fixture(scope="module")
def known():
    return golden.known_annotations()


@pytest.fixture(scope="module")
def nlp():
    return load_pipeline("en_ud_pos")


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """The plain run, which builds the annotation index for the others."""
    output = tmp_path_factory.mktemp("golden")
    manifest, tables = golden.build(output)
    return manifest, tables, output


@pytest.fixture(scope="module", params=PARAMETERS)
def run(request, first, known, nlp, tmp_path_factory):
    """(manifest, the job's tables, the reference's tables) of each way to run the job."""
    arguments, options = RUNS[request.param]
    manifest, tables, _ = first
    source = options.get("source")
    if arguments:
        arguments = [*arguments, "--annotations", manifest["annotations"]["path"]]
        if source:
            arguments += ["--transcript-files", *map(str, golden.transcript_files(source))]
        output = tmp_path_factory.mktemp(request.param)
        manifest, tables = golden.build(output, *arguments)
    transcripts = golden.transcripts(source) if source else None
    options = {"nlp": nlp, "transcripts": transcripts} | options
    return manifest, tables, expected_tables(known, **options)


def expected_tables(known, **options):
    tables = reference.build(
        golden.SHARDS, known=known, coco_classes=golden.coco_classes(), **options
    )
    return golden.as_written(tables)


@pytest.mark.parametrize("name", golden.KEYS)
def test_every_field_of_every_table(run, name):
    _, tables, expected = run
    found = golden.in_order(name, tables[name])
    assert golden.differences(found, golden.in_order(name, expected[name])) == []


def test_rejected_lines(run):
    manifest, tables, expected = run
    first_line = {(unit["shard"], unit["index"]): unit["first_line"] for unit in manifest["units"]}
    found = [
        (row["shard"], row["byte_offset"], row["code"], row["raw"],
         first_line[row["shard"], row["unit"]] + row["line_in_unit"] - 1)
        for row in tables["rejected"]
    ]  # fmt: skip
    keys = ("shard", "byte_offset", "code", "raw", "line")
    assert found == [tuple(row[key] for key in keys) for row in expected["rejected"]]
    assert {row["stage"] for row in tables["rejected"]} == {"ReadNarratives"}


def test_every_line_of_every_shard_is_accounted_for(run):
    manifest, _, expected = run
    keys = ("shard", "lines", "narratives", "discarded", "rejected", "blank")
    found = [{key: shard[key] for key in keys} for shard in manifest["shards"]]
    assert sorted(found, key=str) == sorted(
        [{key: shard[key] for key in keys} for shard in expected["shards"]], key=str
    )
    assert all(shard["conserved"] for shard in manifest["shards"])


def test_there_is_something_to_compare(first):
    _, tables, _ = first
    assert len(tables["narratives"]) == 95
    assert len(tables["mentions"]) > 200
    assert sum(row["boxed"] for row in tables["localization"]) > 100
    assert sum(row["points_inside"] for row in tables["localization"]) > 2000
    assert len(tables["rejected"]) == 7


@pytest.mark.long
def test_a_calibrated_threshold(first, known, nlp, tmp_path):
    """The smallest that discards at most the paper's share of the generated narratives."""
    share, kind = 0.235, "words"
    files = [path for path in golden.SHARDS if path.name.startswith("generated")]
    spoken = golden.transcripts(kind)
    options = {"source": kind, "transcripts": spoken, "nlp": nlp}
    rows = reference.build(files, **options)["narratives"]
    threshold = reference.pipeline.quality.calibrate([row["distance"] for row in rows], share)
    arguments = ["--transcripts", kind, "--discard-share", str(share), "--annotations"]
    arguments += [first[0]["annotations"]["path"], "--transcript-files"]
    arguments += map(str, golden.transcript_files(kind))
    manifest, tables = golden.build(tmp_path, *arguments, shards=files)
    assert manifest["threshold"] == {
        "kind": "max_distance",
        "value": str(threshold),
        "calibrated_share": share,
    }
    expected = golden.as_written(
        reference.build(files, known=known, max_distance=threshold, **options)
    )
    for name in golden.KEYS:
        found = golden.in_order(name, tables[name])
        assert golden.differences(found, golden.in_order(name, expected[name])) == [], name
    assert 0 < len(tables["discarded"]) <= share * len(rows)


def test_the_reference_would_notice(known):
    """The comparison itself: another tagger, and other boxes, give other tables."""
    plain = expected_tables(known, nlp=spacy.blank("en"))
    other = expected_tables(known, nlp=spacy.blank("en"), excluded_flags=["is_truncated"])
    for name in ("mentions", "localization"):
        assert golden.differences(plain[name], other[name])
    assert not golden.differences(plain["narratives"], other["narratives"])
