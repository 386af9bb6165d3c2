"""Probe of the main job on a Flink cluster of this machine against two local processes: E1.

Both are measured as commands, from their start to their end, on 8× and on tiny shards, whose time
is start-up. The cluster stands all the while; it has two TaskManagers with a Python worker each.
"""

import atexit
import sys
import tempfile
from collections.abc import Callable, Sequence

from benchmarks import job
from benchmarks.measuring.measure import Bench, Round
from benchmarks.measuring.processes import run
from benchmarks.probes import commands
from engines.flink import lifecycle

TIMES = 8


def flink(bench: Bench) -> Callable[[], Round]:
    """The job at parallelism 2, and on two local processes."""
    folder = bench.scratch / "flink"
    lifecycle.up(folder, lambda message: None)
    atexit.register(lifecycle.down, folder, lambda message: None)
    index = job.build_index(bench.scratch)
    beside = [sys.executable, "-m", "engines.flink", "--folder", str(folder), "run", "--"]
    shards, tiny = bench.material.shards(TIMES), bench.material.tiny_shards(2)

    def on_flink(shards: Sequence[str]) -> float:
        return seconds(shards, beside, "--runner", "flink")

    def on_two_processes(shards: Sequence[str]) -> float:
        return seconds(shards, [], "--workers", "2")

    def seconds(shards: Sequence[str], before: Sequence[str], *flags: str) -> float:
        with tempfile.TemporaryDirectory(dir=bench.scratch) as output:
            command = commands.build(output, index, shards, "--tagger", "none", *flags)
            return run([*before, *command], bench.root)

    def measure_round() -> Round:
        return {
            "start-up of two": on_two_processes(tiny),
            "two processes": on_two_processes(shards),
            "start-up on Flink": on_flink(tiny),
            "Flink": on_flink(shards),
        }

    on_flink(tiny)
    return measure_round
