"""Measuring figures, each in processes of its own, on one tree of code or on two in turn."""

import dataclasses
import json
import pathlib
import subprocess
import sys
import tempfile

from benchmarks.figures import Figure
from benchmarks.material import Material
from benchmarks.measuring.measure import Round


class ProbeFailed(RuntimeError):
    """A figure could not be measured; the message has the probe's last words."""


@dataclasses.dataclass(frozen=True)
class Session:
    """A run of the benchmarks.

    Attributes:
      material: The data.
      scratch: Folder for what probes write.
      rounds: Rounds of each figure that does not say that fewer are enough.
      trees: Folders of code: this one, and the one it is compared with, if any.
    """

    material: Material
    scratch: pathlib.Path
    rounds: int
    trees: tuple[pathlib.Path, ...]

    def measure(self, figure: Figure) -> list[list[Round]]:
        """Rounds of a figure for each tree; two trees are measured in turn.

        Raises:
          ProbeFailed: It cannot be measured.
        """
        count = min(self.rounds, figure.most_rounds or self.rounds)
        if len(self.trees) == 1:
            return [self._run_probe(figure, self.trees[0], count)]
        pairs = [[self._run_probe(figure, tree, 1)[0] for tree in self.trees] for _ in range(count)]
        return [list(rounds) for rounds in zip(*pairs, strict=True)]

    def _run_probe(self, figure: Figure, tree: pathlib.Path, rounds: int) -> list[Round]:
        with tempfile.TemporaryDirectory(dir=self.scratch) as scratch:
            written = pathlib.Path(scratch, "rounds.jsonl")
            flags = {
                "--material": json.dumps(dataclasses.asdict(self.material)),
                "--scratch": scratch,
                "--rounds": str(rounds),
                "--write": str(written),
            }
            command = [sys.executable, "-m", "benchmarks.measuring.measure", figure.probe]
            command += [part for flag in flags.items() for part in flag]
            probe = subprocess.run(
                command, cwd=tree, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
            if probe.returncode:
                raise ProbeFailed(probe.stdout.strip().rpartition("\n")[2])
            return [json.loads(line) for line in written.read_text().splitlines()]
