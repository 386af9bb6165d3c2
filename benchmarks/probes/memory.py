"""Probes of memory: B5, and B10's. Each run is a command, watched from outside."""

import tempfile
from collections.abc import Callable

from benchmarks import job
from benchmarks.measuring.measure import Bench, Round
from benchmarks.measuring.processes import peak_memory
from benchmarks.probes import commands


def main_job(bench: Bench) -> Callable[[], Round]:
    """The main job on two workers at 1×, 4× and 16×, and at 16× with tagging."""
    index = job.build_index(bench.scratch)

    def peak(times: int, *more: str) -> int:
        with tempfile.TemporaryDirectory(dir=bench.scratch) as output:
            shards = bench.material.shards(times)
            command = commands.build(output, index, shards, "--workers", "2", *more)
            return peak_memory(command, bench.root)

    def measure_round() -> Round:
        untagged = {f"{times}×": peak(times, "--tagger", "none") for times in (1, 4, 16)}
        return untagged | {"16× with tagging": peak(16)}

    return measure_round


def annotation_index(bench: Bench) -> Callable[[], Round]:
    """The annotation index of boxes at 1× and 4×."""

    def peak(times: int) -> int:
        with tempfile.TemporaryDirectory(dir=bench.scratch) as output:
            command = commands.index_boxes(output, bench.material.box_file(times))
            return peak_memory(command, bench.root)

    return lambda: {f"{times}×": peak(times) for times in (1, 4)}
