"""Probes of starting: B9 and B11. Each run is a command, watched from outside."""

import tempfile
from collections.abc import Callable

from benchmarks import job
from benchmarks.measuring.measure import Bench, Round
from benchmarks.measuring.processes import first_read, run
from benchmarks.probes import commands


def first_unit(bench: Bench) -> Callable[[], Round]:
    """From the command to the first read of a shard, with the default tagger and without one."""
    index, tiny = job.build_index(bench.scratch), bench.material.tiny_shards()

    def seconds(*more: str) -> float:
        with tempfile.TemporaryDirectory(dir=bench.scratch) as output:
            command = commands.build(output, index, tiny, *more)
            return first_read(command, tiny, bench.root)[0]

    def measure_round() -> Round:
        return {
            "import apache_beam": run(commands.import_beam(), bench.root),
            "first read": seconds(),
            "first read, no tagging": seconds("--tagger", "none"),
        }

    measure_round()
    return measure_round


def make_run(bench: Bench) -> Callable[[], Round]:
    """`make run` into a new folder, and again over unchanged input."""
    samples = bench.root / "samples" / "narratives"
    inputs = [*samples.glob("*_localized_narratives*.jsonl"), samples / "odd_and_bad.jsonl"]

    def measure_round() -> Round:
        with tempfile.TemporaryDirectory(dir=bench.scratch) as output:
            command = commands.make_run(output)
            first, end = first_read(command, list(map(str, inputs)), bench.root)
            return {
                "import apache_beam": run(commands.import_beam(), bench.root),
                "make run, first read": first,
                "make run": end,
                "unchanged rerun": run(command, bench.root),
            }

    measure_round()
    return measure_round
