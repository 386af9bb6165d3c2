"""IndexAnnotations and IndexTranscripts against in-memory tables; interrupted and repeated."""

import gzip
import json
import pathlib

import numpy as np
import pyarrow as pa
import pytest
from apache_beam.testing.util import assert_that, equal_to

from pipelines.cli.engines.runners import create_pipeline
from pipelines.cli.options import Options
from pipelines.index_annotations import (
    AnnotationSources,
    ensure_annotation_index,
    ensure_transcript_index,
)
from pipelines.runs.contents import Contents
from transforms import index as index_module
from transforms.core.base.errors import UsageError
from transforms.core.sources.annotations import contents
from transforms.core.sources.annotations.lookup import AnnotationIndex
from transforms.core.sources.index import buckets as bucket_index
from transforms.core.sources.index.manifest import read_manifest
from transforms.core.sources.transcripts import TranscriptIndex
from transforms.index import (
    IndexAnnotations,
    IndexTranscripts,
    count_buckets,
    index_folder,
    is_built,
    read_problems,
)

HERE = pathlib.Path(__file__).parents[1] / "data/open_images"
SOURCES = AnnotationSources(
    boxes=[f"{HERE}/v3/*/annotations-human-bbox.csv"],
    labels=[f"{HERE}/v3/*/annotations-[hm]*[en].csv"],
    images=[f"{HERE}/v3/*/images.csv"],
    classes=[f"{HERE}/v3/class-descriptions.csv"],
)
OPTIONS = Options()
WORD = {"word": "w"}


def files_in(folder):
    return {path.name: path.read_bytes() for path in pathlib.Path(folder).iterdir()}


def build(directory, **settings):
    sources = SOURCES.match(Contents(str(directory)))
    build = IndexAnnotations(sources, str(directory), **settings)
    with create_pipeline(OPTIONS) as pipeline:
        pipeline | "Index" >> build
    return index_folder(str(directory), "annotations", build.sources)


@pytest.fixture
def small_buckets(monkeypatch):
    """Buckets so small that the sample fills several."""
    monkeypatch.setattr(bucket_index, "BYTES_PER_BUCKET", 4000)


def test_the_transform_gives_the_folder(tmp_path):
    folder = index_folder(str(tmp_path), "annotations", SOURCES.match())
    with create_pipeline(OPTIONS) as pipeline:
        built = pipeline | IndexAnnotations(SOURCES.match(), str(tmp_path))
        assert_that(built, equal_to([folder]))


def test_bytes_do_not_depend_on_blocks(tmp_path, small_buckets):
    first = files_in(build(tmp_path / "a", block_bytes=1 << 20))
    assert len(first) > 10
    for block_bytes in (700, 5000):
        assert files_in(build(tmp_path / str(block_bytes), block_bytes=block_bytes)) == first


@pytest.mark.long
def test_bytes_do_not_depend_on_workers_or_repeated_bundles(tmp_path, small_buckets):
    alone = files_in(ensure_annotation_index(SOURCES, str(tmp_path / "a"), OPTIONS))
    repeated = ["--direct_runner_bundle_repeat=1"]
    again = ensure_annotation_index(SOURCES, str(tmp_path / "b"), OPTIONS, repeated)
    assert files_in(again) == alone
    two = ensure_annotation_index(SOURCES, str(tmp_path / "c"), Options(workers=2))
    assert files_in(two) == alone


def test_buckets_do_not_change_what_is_joined(tmp_path, small_buckets, monkeypatch):
    many = build(tmp_path / "many")
    monkeypatch.undo()
    one = build(tmp_path / "one")
    ids = (HERE / "v3/train/images.csv").read_text().splitlines()[1:]
    ids = pa.array([line[:16] for line in ids] + ["0001eeaf4aed83f9", "f"])
    about = np.full(len(ids), contents.VOCABULARIES.index(contents.OPEN_IMAGES))
    from_many = AnnotationIndex.open(many).join(ids, about).columns
    from_one = AnnotationIndex.open(one).join(ids, about).columns
    assert read_manifest(many, ("annotations",)).tables["images"].buckets > 4
    assert read_manifest(one, ("annotations",)).tables["images"].buckets == 1
    for name, column in from_one.items():
        assert from_many[name].to_pylist() == column.to_pylist()


def test_manifest(tmp_path):
    manifest = read_manifest(build(tmp_path), ("annotations",))
    roles = [source.role for source in manifest.sources]
    assert roles == ["boxes"] * 2 + ["labels"] * 4 + ["images"] * 2 + ["classes"]
    rows = {name: table.rows for name, table in manifest.tables.items()}
    assert rows == {"boxes": 120, "labels": 240, "images": 120, "classes": 20}
    assert manifest.tables["images"].keys == 120
    assert manifest.tables["labels"].terms["source"] == [
        "crowdsource-verification",
        "machine",
        "verification",
    ]


def test_an_interrupted_build_is_not_an_index(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(index_module, "describe_file", fail)
    with pytest.raises(Exception, match="the disk is full"):
        build(tmp_path)
    sources = SOURCES.match(Contents(str(tmp_path)))
    folder = index_folder(str(tmp_path), "annotations", sources)
    assert pathlib.Path(folder, "boxes-00000.arrow").exists()
    assert not is_built(folder, "annotations")
    with pytest.raises(UsageError, match="holds no complete index"):
        AnnotationIndex.open(folder)
    monkeypatch.undo()
    assert ensure_annotation_index(SOURCES, str(tmp_path), OPTIONS) == folder
    whole = files_in(ensure_annotation_index(SOURCES, str(tmp_path / "other"), OPTIONS))
    assert files_in(folder) == whole


def test_an_index_that_is_there_is_used_as_it_is(tmp_path):
    folder = ensure_annotation_index(SOURCES, str(tmp_path), OPTIONS)
    before = {path: path.stat().st_mtime_ns for path in pathlib.Path(folder).iterdir()}
    assert ensure_annotation_index(SOURCES, str(tmp_path), OPTIONS) == folder
    assert {path: path.stat().st_mtime_ns for path in pathlib.Path(folder).iterdir()} == before


def test_a_changed_source_gets_another_index(tmp_path):
    path = tmp_path / "boxes.csv"
    lines = (HERE / "v3/train/annotations-human-bbox.csv").read_text().splitlines(keepends=True)
    path.write_text("".join(lines))
    sources = AnnotationSources(boxes=[str(path)])
    first = ensure_annotation_index(sources, str(tmp_path), OPTIONS)
    path.write_text("".join(lines[:-1]))
    second = ensure_annotation_index(sources, str(tmp_path), OPTIONS)
    assert first != second
    opened = [AnnotationIndex.open(folder) for folder in (first, second)]
    assert opened[0].fingerprint != opened[1].fingerprint


def test_problems_are_told_in_order_and_leave_no_index(tmp_path):
    header = "ImageID,Source,LabelName,Confidence\n"
    good = tmp_path / "labels.csv"
    good.write_text(header + 50 * "a,s,/m/1,1\n" + "a,s,/m/1,high\na,s,/m/1\n")
    sources = AnnotationSources(labels=[str(good)])
    for _ in range(2):
        with pytest.raises(UsageError, match="labels.csv, line 52, column Confidence: 'high'"):
            ensure_annotation_index(sources, str(tmp_path / "out"), OPTIONS)
    found = sources.match(Contents(str(tmp_path)))
    folder = index_folder(str(tmp_path / "out"), "annotations", found)
    assert not is_built(folder, "annotations")
    assert len(read_problems(folder)) == 1


def test_buckets_go_by_the_size_of_all_sources_of_a_table(monkeypatch):
    monkeypatch.setattr(bucket_index, "BYTES_PER_BUCKET", 2000)
    sources = SOURCES.match()
    size = sum(source.size for source in sources if source.role == "images")
    buckets = count_buckets(sources)
    assert buckets["classes"] == 1
    assert buckets["images"] / 2 < size / 2000 <= buckets["images"]


@pytest.fixture
def transcripts(tmp_path):
    asr = [
        {"image_id": f"{i:016x}", "annotator_id": i, "asr": [[{"transcript": f"t{i}"}]]}
        for i in range(30)
    ]
    words = [
        {
            "recording": f"d/r_{i}.ogg",
            "segments": [{"words": [{"word": "w", "start": i, "end": i}]}],
        }
        for i in range(30)
    ]
    for name, records in (("x_asr.jsonl", asr), ("words.jsonl", words)):
        text = "".join(json.dumps(record) + "\n" for record in records)
        (tmp_path / name).write_text(text)
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(text.encode()))
    for record in words:
        name = record.pop("recording").removeprefix("d/").replace(".ogg", ".json")
        (tmp_path / name).write_text(json.dumps(record, indent=1))
    return tmp_path


def test_index_of_asr(transcripts, tmp_path):
    found = []
    for name in ("x_asr.jsonl", "x_asr.jsonl.gz"):
        path = str(transcripts / name)
        index = TranscriptIndex.open(ensure_transcript_index([path], "asr", str(tmp_path), OPTIONS))
        keys = pa.array([f"{3:016x}/3", f"{3:016x}/4"])
        found.append(index.lookup(keys).to_pylist())
        assert index.kind == "asr"
    assert found == [[[[{"text": "t3", "confidence": None}]], None]] * 2


def test_index_of_words_from_lines_or_files(transcripts, tmp_path):
    found = []
    for pattern in ("words.jsonl", "words.jsonl.gz", "r_*.json"):
        patterns = [str(transcripts / pattern)]
        folder = ensure_transcript_index(patterns, "words", str(tmp_path), OPTIONS)
        index = TranscriptIndex.open(folder)
        found.append(index.lookup(pa.array([f"r_{i}" for i in range(31)])).to_pylist())
    times = [[{"text": "w", "start_time": float(i), "end_time": float(i)}] for i in range(30)]
    assert found == [[*times, None]] * 3


def test_a_bad_line_of_a_transcription(transcripts, tmp_path):
    path = transcripts / "x_asr.jsonl"
    path.write_text(path.read_text() + "\n{}\n")
    with pytest.raises(UsageError, match="x_asr.jsonl, line 32: is not a transcription"):
        ensure_transcript_index([str(path)], "asr", str(tmp_path), OPTIONS)


def test_parameters_are_checked():
    with pytest.raises(ValueError, match="kind is 'timed_caption': must be one of asr, words"):
        IndexTranscripts([], "out", kind="timed_caption")
    with pytest.raises(ValueError, match="block_bytes is 0"):
        IndexAnnotations([], "out", block_bytes=0)


def test_nothing_temporary_is_left(tmp_path):
    names = set(files_in(build(tmp_path)))
    assert names == {
        "index.json",
        *(f"{table}-00000.arrow" for table in ("boxes", "labels", "images", "classes")),
    }
