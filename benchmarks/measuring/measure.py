"""Measures one figure in a process of its own: what `python -m benchmarks` starts.

A probe is a function from a `Bench` to a function that measures one round: it prepares, warms up,
and leaves the measuring to what it returns. A round is a dictionary of named amounts.
"""

import argparse
import dataclasses
import importlib
import json
import pathlib
from collections.abc import Callable

from benchmarks.material import Amounts, Material

Round = dict[str, float]
"""Seconds (or bytes) by name."""


@dataclasses.dataclass(frozen=True)
class Bench:
    """What a probe gets.

    Attributes:
      material: The data.
      scratch: A folder for whatever it writes.
      root: The tree of code that is measured.
    """

    material: Material
    scratch: pathlib.Path
    root: pathlib.Path


Probe = Callable[[Bench], Callable[[], Round]]


def main() -> None:
    """Runs a probe and writes its rounds, a line of JSON each."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("probe", help="MODULE:FUNCTION")
    parser.add_argument("--material", required=True, help="JSON of the material")
    parser.add_argument("--scratch", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--write", type=pathlib.Path, required=True, help="where rounds go")
    flags = parser.parse_args()
    values = json.loads(flags.material)
    material = Material(Amounts(**values["amounts"]), values["folders"])
    root = pathlib.Path.cwd()
    check_tree(root)
    measure_round = find_probe(flags.probe)(Bench(material, flags.scratch, root))
    with flags.write.open("w") as file:
        for _ in range(flags.rounds):
            print(json.dumps(measure_round()), file=file, flush=True)


def find_probe(name: str) -> Probe:
    """The function `MODULE:FUNCTION`."""
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def check_tree(root: pathlib.Path) -> None:
    """Raises RuntimeError where the installed code, not that of the tree, would be measured."""
    for name in ("pipelines", "transforms", "benchmarks.material"):
        path = pathlib.Path(importlib.import_module(name).__file__)
        if not path.is_relative_to(root):
            raise RuntimeError(f"{name} is imported from {path}, not from {root}")


if __name__ == "__main__":
    main()
