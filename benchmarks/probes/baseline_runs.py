"""Probes of the main job against the same work by other means (`baselines/`): B3a, B3b, B4.

Before anything is timed, both do a small part, and their tables must hold the same; at full size
the numbers of rows and the counts by class must be the same too. Imports and sessions are warm,
all else counts: the baselines read the annotations' CSV files (some hundred rows), the main job
their ready index.
"""

import atexit
import contextlib
import importlib
import pathlib
import tempfile
from collections.abc import Callable, Iterator, Sequence

import pyarrow.dataset as ds

from benchmarks import job
from benchmarks.baselines import common
from benchmarks.material import annotation_files, class_files
from benchmarks.measuring.measure import Bench, Round
from benchmarks.measuring.processes import run
from benchmarks.probes import commands

Build = Callable[[Sequence[str], str], None]
"""Writes the tables of shards into a folder."""


def by_hand(bench: Bench) -> Callable[[], Round]:
    """Python as people write it, on a part: seconds a narrative."""
    runs, material, build = job.Job(bench.scratch), bench.material, find_build("by_hand")
    check_part(bench, runs, build)

    def measure_round() -> Round:
        part = baseline_seconds(runs, build, [material.part_shard()])
        return {
            "by hand, a narrative": part / material.amounts.part,
            "main job, a narrative": runs.seconds(material.shards(4)) / material.count(4),
        }

    runs.seconds(material.shards(4))
    return measure_round


def with_libraries(bench: Bench) -> Callable[[], Round]:
    """Python by somebody who knows the libraries, at 4×."""
    runs, build = job.Job(bench.scratch), find_build("with_libraries")
    shards = bench.material.shards(4)
    check_part(bench, runs, build)
    check_totals(runs, build, shards)
    return lambda: {
        "with libraries": baseline_seconds(runs, build, shards),
        "main job": runs.seconds(shards),
    }


def spark(bench: Bench) -> Callable[[], Round]:
    """PySpark on two cores and the main job on two workers, at 4×: warm, and as commands."""
    module = importlib.import_module("benchmarks.baselines.spark.spark")
    session = module.start_session(2)
    atexit.register(module.stop_session, session)
    runs, build = job.Job(bench.scratch), find_build("spark", session=session)
    shards, tiny = bench.material.shards(4), bench.material.tiny_shards(2)
    check_part(bench, runs, build)
    check_totals(runs, build, shards)

    def measure_round() -> Round:
        return {
            "its start-up": baseline_seconds(runs, build, tiny),
            "PySpark": baseline_seconds(runs, build, shards),
            "our start-up": runs.start_up(tiny, workers=2),
            "main job": runs.seconds(shards, workers=2),
            "PySpark command": baseline_command_seconds(bench, shards),
            "our command": command_seconds(bench, runs, shards),
        }

    return measure_round


def find_build(name: str, **more) -> Build:
    """A baseline's `build`, given the sample's annotations, the default classes and `more`."""
    build = importlib.import_module(f"benchmarks.baselines.{commands.MODULES[name]}").build
    annotations = common.Annotations(**annotation_files())
    return lambda shards, output: build(shards, annotations, class_files(), output, **more)


def baseline_seconds(runs: job.Job, build: Build, shards: Sequence[str]) -> float:
    """Seconds of a baseline's run in this process; its output is removed."""
    output = str(runs.new_output())
    with job.removed_afterwards(output):
        return job.clock(build, shards, output)[0]


def baseline_command_seconds(bench: Bench, shards: Sequence[str]) -> float:
    """Seconds of PySpark from command to end."""
    with tempfile.TemporaryDirectory(dir=bench.scratch) as output:
        return run(commands.baseline("spark", output, shards), bench.root)


def command_seconds(bench: Bench, runs: job.Job, shards: Sequence[str]) -> float:
    """Seconds of the main job on two workers from command to end."""
    flags = ("--tagger", "none", "--workers", "2")
    with tempfile.TemporaryDirectory(dir=bench.scratch) as output:
        return run(commands.build(output, runs.index, shards, *flags), bench.root)


def check_part(bench: Bench, runs: job.Job, build: Build) -> None:
    """Raises RuntimeError unless both write the same for a part and for real narratives."""
    shards = [bench.material.part_shard(), *bench.material.tiny_shards()]
    with _outputs(runs, build, shards) as (ours, theirs):
        if found := common.differences(ours, theirs, at_most=3):
            raise RuntimeError(f"the baseline's tables differ from ours: {'; '.join(found)}")


def check_totals(runs: job.Job, build: Build, shards: Sequence[str]) -> None:
    """Raises RuntimeError unless numbers of rows and counts by class are the same."""
    with _outputs(runs, build, shards) as outputs:
        ours, theirs = map(_totals, outputs)
        if ours != theirs:
            raise RuntimeError(f"the baseline's totals differ from ours: {theirs} and {ours}"[:500])


@contextlib.contextmanager
def _outputs(
    runs: job.Job, build: Build, shards: Sequence[str]
) -> Iterator[tuple[pathlib.Path, pathlib.Path]]:
    """Folders of tables: the main job's and a baseline's."""
    options, theirs = runs.options(shards), runs.new_output()
    with job.removed_afterwards(options.output), job.removed_afterwards(str(theirs)):
        job.run_job(options)
        build(shards, str(theirs))
        pointer = pathlib.Path(options.output, "CURRENT").read_text().strip()
        yield pathlib.Path(options.output, "versions", pointer), theirs


def _totals(folder: pathlib.Path) -> list:
    rows = [_count_rows(folder, name) for name in ("narratives", "mentions")]
    return [*rows, common.read_table(folder, "localization")]


def _count_rows(folder: pathlib.Path, table: str) -> int:
    file = folder / f"{table}.parquet"
    return ds.dataset(file if file.exists() else folder / table).count_rows()
