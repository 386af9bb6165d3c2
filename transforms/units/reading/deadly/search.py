"""Finds deadly lines: a unit's lines are halved until those are alone that end a process.

This module as a program is the process in which it is done. It reads a pickled unit and `Trial`
from standard input, and writes JSON to standard output.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import BinaryIO

import msgspec
import numpy as np

from transforms.core.base.errors import MESSAGE_CHARACTERS, EngineError, option, shown
from transforms.core.model.units import Deadly, Unit
from transforms.units.reading.blocks import UnitBlock
from transforms.units.reading.deadly.forks import Death, describe_status, end_with_parent
from transforms.units.reading.deadly.trial import Rehearsal, Trial


class Found(msgspec.Struct):
    """What was found of a unit.

    Attributes:
      lines: Its deadly lines.
      together: Sentences on lines that end a process only together.
    """

    lines: list[Deadly] = []
    together: list[str] = []


def find_deadly_lines(unit: Unit, trial: Trial) -> tuple[Deadly, ...]:
    """Tries a unit's lines in another process; returns those that end it.

    Args:
      unit: The unit.
      trial: What is done with its lines.

    Raises:
      EngineError: They cannot be tried, or end a process only together.
    """
    command = [sys.executable, "-m", "transforms.units.reading.deadly.search"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        command,
        input=pickle.dumps((unit, trial)),
        capture_output=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        raise EngineError(f"{_place(unit)}: {_failure(done)}")
    found = msgspec.json.decode(done.stdout, type=Found)
    if found.together:
        raise EngineError(
            f"{_place(unit)}: {found.together[0]}, and no line of these does so alone: give the "
            f"workers more memory, or units of fewer bytes with {option('unit_bytes')}"
        )
    return tuple(found.lines)


def _place(unit: Unit) -> str:
    return f"{shown(unit.shard)}, unit {unit.index}, whose workers have died"


def _failure(done: subprocess.CompletedProcess[bytes]) -> str:
    """Why lines could not be tried."""
    if done.returncode < 0:
        end = describe_status(-done.returncode)
        return f"a process ends before it does a line, when it prepares the stages, by {end}"
    last = (done.stderr.decode(errors="replace").strip().splitlines() or ["no reason"])[-1]
    return f"its lines cannot be tried in a process of their own: {shown(last, MESSAGE_CHARACTERS)}"


def search(blocks: Iterator[UnitBlock], death_by: Callable[[UnitBlock], Death | None]) -> Found:
    """Halves lines that end a process, down to single lines.

    Args:
      blocks: Lines of a unit.
      death_by: How a process ends that does some of them, None where it does not die.
    """
    found = Found()
    for lines in blocks:
        data = lines.block.data
        if not len(data):
            continue
        ends = np.flatnonzero(data == ord("\n")) + 1
        bounds = [0, *ends.tolist(), *([] if data[-1] == ord("\n") else [len(data)])]
        _search(lines, bounds, death_by, found)
    return found


def _search(
    lines: UnitBlock, bounds: list[int], death_by: Callable[[UnitBlock], Death | None], found: Found
) -> None:
    """Tries the lines between the first and the last of `bounds`, and halves them if need be."""
    death = death_by(lines.cut(bounds[0], bounds[-1]))
    if death is None:
        return
    if len(bounds) <= 2:
        found.lines.append(Deadly(lines.start + bounds[0], death.stage, death.end))
        return
    before, middle = len(found.lines) + len(found.together), len(bounds) // 2
    _search(lines, bounds[: middle + 1], death_by, found)
    _search(lines, bounds[middle:], death_by, found)
    if len(found.lines) + len(found.together) == before:
        first, last = lines.start + bounds[0], lines.start + bounds[-1]
        found.together.append(
            f"a process that does bytes {first:,} to {last:,} ends by {death.end} in {death.stage}"
        )


def main(given: BinaryIO, result: BinaryIO) -> None:
    """Tries the unit that is given."""
    end_with_parent()
    unit, trial = pickle.load(given)
    found = search(trial.cut(unit, trial.unit_bytes), Rehearsal(trial).death_by)
    result.write(msgspec.json.encode(found))


if __name__ == "__main__":
    with os.fdopen(os.dup(1), "wb") as result:
        os.dup2(2, 1)  # what libraries print is no result
        main(sys.stdin.buffer, result)
