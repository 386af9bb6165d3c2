"""SkipFinished: units that have been finished since the run was planned."""

import dataclasses
from collections.abc import Iterator

import apache_beam as beam

from transforms import storage
from transforms.core import layout
from transforms.core.units import Unit

TODO, FINISHED = "todo", "finished"


class _LookForRecord(beam.DoFn):
    def __init__(self, output: str):
        self._output = output

    def process(self, unit: Unit) -> Iterator:
        record = storage.join(self._output, layout.record_path(unit.key))
        if not unit.compressed and storage.exists(record):
            yield beam.pvalue.TaggedOutput(FINISHED, record)
        else:
            yield unit


@dataclasses.dataclass
class SkipFinished(beam.PTransform):
    """Divides units into those `todo` and the paths of the commit records of those `finished`.

    An engine that restarts a job tries all its units again; this way they are not read again. A
    compressed shard is always `todo`: which pieces it has is only known from reading it.

    Attributes:
      output: The output folder.
    """

    output: str

    def __post_init__(self):
        super().__init__()

    def expand(self, units: beam.PCollection[Unit]):  # Beam has no type hint for two outputs
        look = beam.ParDo(_LookForRecord(self.output))
        return units | "LookForRecord" >> look.with_outputs(FINISHED, main=TODO)
