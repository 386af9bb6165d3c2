"""What each stage of the main job costs, as ratios to one typed decode of the same bytes.

Run it alone on the machine: `python -m benchmarks.stages [--narratives N] [--repeats R]`.
The limit for a program that must parse narratives is a typed decode of their lines to objects
(msgspec). Every repeat measures that and all stages in turn, so that a machine whose speed drifts
moves both. Data are generated narratives (`pipelines.synthesize`), one unit of them.
"""

import argparse
import pathlib
import statistics
import tempfile
from collections.abc import Iterator

from benchmarks.job import Job, clock, core_stages, decode_all, removed_afterwards
from benchmarks.material import REAL
from benchmarks.measuring.ratios import spread
from pipelines import synthesize
from transforms.core.model.chunk import Chunk
from transforms.core.model.units import Unit
from transforms.core.output import commit_records, tables
from transforms.core.output.jobs.narratives import NARRATIVES
from transforms.core.sources.annotations.lookup import AnnotationIndex
from transforms.core.sources.narratives.reading import Origin, read_chunk


def main() -> None:
    """Generates data, measures, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--narratives", type=int, default=3000)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shard = generate(folder, arguments.narratives)
        job, block = Job(pathlib.Path(folder)), shard.read_bytes()
        print(f"{arguments.narratives:,} generated narratives, {len(block) / 1e6:.0f} MB")
        rounds = [dict(measure_round(job, shard, block)) for _ in range(arguments.repeats + 1)]
    show(rounds[1:], arguments.narratives)  # the first one warms up


def generate(folder: str, narratives: int) -> pathlib.Path:
    """One generated shard."""
    flags = ["--output", folder, "--shards", "1", "--narratives", str(narratives)]
    synthesize.main([*flags, "--seed", "1"])
    return pathlib.Path(folder, "generated_train_localized_narratives-00000-of-00001.jsonl")


def measure_round(job: Job, shard: pathlib.Path, block: bytes) -> Iterator[tuple[str, float]]:
    """Seconds of everything, once."""
    yield from measure(job, block)
    start_up = job.start_up([str(REAL)], repeats=1)
    yield "start-up of the job (22 narratives)", start_up
    yield "whole job less start-up, no tagging", job.seconds([str(shard)]) - start_up


def measure(job: Job, block: bytes) -> Iterator[tuple[str, float]]:
    """Seconds of the typed decode and of each stage, in memory."""
    stages = core_stages(AnnotationIndex.open(job.index))
    yield "typed decode", clock(decode_all, block)[0]
    seconds, chunk = clock(read_chunk, block, Origin("shard"))
    yield "ReadNarratives", seconds
    for name, stage in stages.items():
        seconds, chunk = clock(stage, chunk)
        yield name, seconds
    folder = job.new_output()
    with removed_afterwards(folder):
        folder.mkdir()
        yield "tables to Parquet", clock(write_tables, chunk, folder)[0]
    unit = Unit("shard", "shard", "", len(block), end=len(block))
    yield "unit record", clock(commit_records.make_record, NARRATIVES, unit, chunk, "try", [])[0]


def write_tables(chunk: Chunk, folder: pathlib.Path) -> None:
    """Writes the unit's tables as WriteUnit does."""
    for table, rows in NARRATIVES.rows(chunk, Unit("shard", "shard", "", 1)).items():
        name = f"{table}.{tables.ending_of(NARRATIVES.tables[table])}"
        tables.write_table(table, rows, str(folder / name), name)


def show(rounds: list[dict[str, float]], narratives: int) -> None:
    """Prints microseconds a narrative and ratios to the decode: median, and range of ratios."""
    print(f"{'':36} {'µs a narrative':>14} {'ratio':>7}   range of {len(rounds)}")
    core = [name for name in rounds[0] if name[0].isupper()]
    for row in rounds:
        row["core alone (stages above)"] = sum(row[name] for name in core)
    for name in rounds[0]:
        found = spread([row[name] / row["typed decode"] for row in rounds])
        cost = statistics.median(row[name] for row in rounds) / narratives * 1e6
        print(f"{name:36} {cost:14.1f} {found.median:7.2f}   {found.low:.2f} to {found.high:.2f}")


if __name__ == "__main__":
    main()
