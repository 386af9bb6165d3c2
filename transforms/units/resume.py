"""CreateUnits and SkipFinished: the units of a run, and those finished since it was planned."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam

from transforms import storage
from transforms.core.model import layout
from transforms.core.model.units import Unit
from transforms.stage import MessagePackCoder

TODO, FINISHED = "todo", "finished"


@dataclasses.dataclass
class CreateUnits(beam.PTransform):
    """The units, each where a worker has time for it.

    They travel as bytes: Beam's reshuffle would pickle them, whatever their coder.

    Attributes:
      units: All of them.
    """

    units: Sequence[Unit]

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection[Unit]:
        coder = MessagePackCoder(Unit)
        encoded = [coder.encode(unit) for unit in self.units]
        return (
            pipeline
            | "Encoded" >> beam.Create(encoded, reshuffle=True).with_output_types(bytes)
            | "Decode" >> beam.Map(coder.decode).with_output_types(Unit)
        )


class _LookForRecord(beam.DoFn):
    def __init__(self, output: str) -> None:
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

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, units: beam.PCollection[Unit]) -> Any:  # Beam has no type hint for two outputs
        look = beam.ParDo(_LookForRecord(self.output)).with_output_types(Unit)
        divided = units | "LookForRecord" >> look.with_outputs(FINISHED, main=TODO)
        divided[FINISHED].element_type = str
        return divided
