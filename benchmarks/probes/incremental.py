"""Probe of doing only what changed: P6. Each run is a command, watched from outside."""

import pathlib
import tempfile
from collections.abc import Callable

from benchmarks import job
from benchmarks.measuring.measure import Bench, Round
from benchmarks.measuring.processes import run
from benchmarks.probes import commands
from benchmarks.probes.speed import bring_into_memory

_CHANGED = "changed_localized_narratives.jsonl"


def one_shard(bench: Bench) -> Callable[[], Round]:
    """22 shards with the default tagger, again when one has lost its last line, and once more.

    Raises:
      RuntimeError: Other units than those of the shard that changed were done.
    """
    index, shards = job.build_index(bench.scratch), bench.material.shards(11)
    whole = pathlib.Path(shards[-1]).read_bytes()
    changed = bench.scratch / _CHANGED
    inputs = [*shards[:-1], str(changed)]
    last = whole.rindex(b"\n", 0, -1) + 1

    def measure_round() -> Round:
        changed.write_bytes(whole)
        with tempfile.TemporaryDirectory(dir=bench.scratch) as output:
            command = commands.build(output, index, inputs)
            seconds = {"all": run(command, bench.root)}
            before = _units(output)
            changed.write_bytes(whole[:last])
            seconds["one changed"] = run(command, bench.root)
            _check(_units(output) - before, before)
            seconds["unchanged"] = run(command, bench.root)
        return seconds

    bring_into_memory(inputs[:-1])
    return measure_round


def _units(output: str) -> set[str]:
    return {path.name for path in pathlib.Path(output, "units").iterdir()}


def _check(done: set[str], before: set[str]) -> None:
    """Raises RuntimeError unless units of the changed shard alone were done."""
    expected = len(_of_changed(before))
    if len(done) != expected or len(_of_changed(done)) != expected:
        raise RuntimeError(f"units done again: {', '.join(sorted(done))}; expected {expected}")


def _of_changed(units: set[str]) -> list[str]:
    return [name for name in units if name.startswith("changed_")]
