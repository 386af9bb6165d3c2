"""BeginAttempts: attempts at units, and what is done about one that ends its workers.

A unit at which workers have died `DEATHS` times is no longer done as it is: its lines are tried in
a process of their own, and those that end that process are rejected.
"""

import dataclasses
from collections.abc import Iterator

import apache_beam as beam

from transforms.core.model.units import Unit
from transforms.units.deaths import DEATHS, begun, count_deaths
from transforms.units.reading.deadly.search import find_deadly_lines
from transforms.units.reading.deadly.trial import Trial


class _BeginAttempt(beam.DoFn):
    def __init__(self, output: str, trial: Trial) -> None:
        self._output, self._trial = output, trial

    def process(self, unit: Unit) -> Iterator[Unit]:
        if count_deaths(self._output, unit) >= DEATHS:
            unit = dataclasses.replace(unit, deadly=find_deadly_lines(unit, self._trial))
        with begun(self._output, unit):
            yield unit  # done before this returns: stages are fused


@dataclasses.dataclass
class BeginAttempts(beam.PTransform):
    """Marks the beginning of each unit, and finds the lines that ended earlier attempts at it.

    Attributes:
      output: The output folder.
      trial: How lines are tried.
    """

    output: str
    trial: Trial

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, units: beam.PCollection[Unit]) -> beam.PCollection[Unit]:
        begin = _BeginAttempt(self.output, self.trial)
        return units | "BeginAttempt" >> beam.ParDo(begin).with_output_types(Unit)
