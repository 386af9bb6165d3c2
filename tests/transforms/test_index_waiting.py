"""Rows of an index that wait in files: the same bytes, nothing left behind, memory flat."""

import glob
import json
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from benchmarks.measuring.processes import memory_of, watch
from benchmarks.release import write_release
from pipelines.cli.engines.runners import create_pipeline
from pipelines.cli.engines.temporary import PREFIX
from pipelines.cli.engines.waiting import waiting_rows
from pipelines.cli.options import Options
from pipelines.index_annotations import AnnotationSources, ensure_annotation_index
from pipelines.runs.contents import Contents
from transforms.core.base.errors import UsageError
from transforms.core.sources.index import buckets
from transforms.core.sources.index.waiting import InFiles, InShuffle
from transforms.index import IndexAnnotations, index_folder

ROOT = pathlib.Path(__file__).parents[2]
OPTIONS = Options()


def sources_of(folder):
    return AnnotationSources(boxes=[f"{folder}/boxes.csv"], labels=[f"{folder}/labels-*.csv"])


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    folder = tmp_path_factory.mktemp("release")
    write_release(folder, 0.0002)
    return folder


def files_in(folder):
    return {path.name: path.read_bytes() for path in pathlib.Path(folder).iterdir()}


def test_files_and_shuffle_give_the_same_index(release, tmp_path, monkeypatch):
    monkeypatch.setattr(buckets, "BYTES_PER_BUCKET", 100_000)
    in_files = ensure_annotation_index(sources_of(release), str(tmp_path / "a"), OPTIONS)
    found = sources_of(release).match(Contents(str(tmp_path / "b")))
    with create_pipeline(OPTIONS) as pipeline:
        pipeline | IndexAnnotations(found, str(tmp_path / "b"), block_bytes=1 << 18)
    in_shuffle = index_folder(str(tmp_path / "b"), "annotations", found)
    assert files_in(in_files) == files_in(in_shuffle)
    assert len(files_in(in_files)) > 20
    assert {path.name for path in (tmp_path / "a").iterdir()} == {
        "checksums",
        pathlib.Path(in_files).name,
    }


def test_the_engine_decides_where_rows_wait(tmp_path):
    with waiting_rows(OPTIONS, str(tmp_path / "new")) as waiting:
        assert isinstance(waiting, InFiles)
        assert pathlib.Path(waiting.folder).parent == tmp_path / "new"
    assert list((tmp_path / "new").iterdir()) == []
    with waiting_rows(Options(runner="flink"), str(tmp_path)) as waiting:
        assert isinstance(waiting, InShuffle)


def test_files_go_when_a_source_cannot_be_read(release, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text((release / "labels-human.csv").read_text() + "a,s,/m/1,high\n")
    with pytest.raises(UsageError, match="line 11402, column Confidence: 'high' is not a number"):
        ensure_annotation_index(
            AnnotationSources(labels=[str(path)]), str(tmp_path / "out"), OPTIONS
        )
    (folder,) = set((tmp_path / "out").iterdir()) - {tmp_path / "out" / "checksums"}
    assert [own.name for own in folder.iterdir()] == ["problems.json"]
    assert json.loads((folder / "problems.json").read_text())


def command(release, output, *more):
    flags = ["--boxes", str(release / "boxes.csv"), "--labels", *map(str, release.glob("lab*"))]
    program = [sys.executable, "-m", "pipelines.index_annotations"]
    return [*program, *flags, "--output", str(output), *more]


@pytest.mark.soak
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_build_that_is_killed_leaves_nothing_that_the_next_does_not_remove(tmp_path, workers):
    write_release(tmp_path, 0.01)
    expected = files_in(ensure_annotation_index(sources_of(tmp_path), str(tmp_path / "a"), OPTIONS))
    output = tmp_path / "b"
    for files in (1, 8):  # while rows are parsed, and later
        with subprocess.Popen(
            command(tmp_path, output, "--workers", workers), cwd=ROOT, stderr=subprocess.DEVNULL
        ) as process:
            until = time.monotonic() + 60
            while len(glob.glob(f"{output}/{PREFIX}*/*")) < files and time.monotonic() < until:
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
        assert list(output.glob(f"{PREFIX}*/*"))
    subprocess.run(command(tmp_path, output), cwd=ROOT, check=True, capture_output=True)
    (folder,) = set(output.iterdir()) - {output / "checksums"}
    assert files_in(folder) == expected


@pytest.mark.soak
def test_memory_does_not_grow_with_the_sources(tmp_path):
    peaks = []
    for share in (0.02, 0.08):
        folder = tmp_path / str(share)
        folder.mkdir()
        write_release(folder, share)
        watched = watch(command(folder, folder / "out"), {"memory": memory_of}, ROOT, interval=0.05)
        peaks.append(watched["memory"])
    assert peaks[1] <= 1.1 * peaks[0], peaks
