"""What all stage transforms share: running a chunk function, counting for those who watch."""

import time
from collections.abc import Callable, Iterator

import apache_beam as beam
from apache_beam.metrics import Metrics

from transforms.core.chunk import Chunk
from transforms.core.units import Unit

Stage = Callable[[Chunk], Chunk]


class RunStage(beam.DoFn):
    """Applies a chunk function to the chunks of (unit, chunk) elements.

    Counters are for watching only: a retried bundle counts twice. Published figures come from
    the units' records.

    Args:
      name: The stage's name, the namespace of its metrics.
      prepare: Makes the chunk function once per worker; opens what it needs.
    """

    def __init__(self, name: str, prepare: Callable[[], Stage]):
        self._prepare = prepare
        self._narratives = Metrics.counter(name, "narratives")
        self._milliseconds = Metrics.counter(name, "milliseconds")

    def setup(self) -> None:
        self._stage = self._prepare()

    def process(self, element: tuple[Unit, Chunk]) -> Iterator[tuple[Unit, Chunk]]:
        unit, chunk = element
        begin = time.perf_counter()
        result = self._stage(chunk)
        self._milliseconds.inc(round(1000 * (time.perf_counter() - begin)))
        self._narratives.inc(len(chunk.narratives))
        yield unit, result


class ChunkTransform(beam.PTransform):
    """A stage of the main job: a subclass is a dataclass and says what its function needs."""

    def __post_init__(self):
        super().__init__()

    def prepare(self) -> Callable[[], Stage]:
        """What makes the chunk function on a worker; must pickle."""
        raise NotImplementedError

    def expand(
        self, chunks: beam.PCollection[tuple[Unit, Chunk]]
    ) -> beam.PCollection[tuple[Unit, Chunk]]:
        name = type(self).__name__
        return chunks | name >> beam.ParDo(RunStage(name, self.prepare())).with_output_types(
            tuple[Unit, Chunk]
        )


class ChunkCoder(beam.coders.Coder):
    """Arrow IPC, so that nothing depends on fusion; sizes are known without serialising."""

    def encode(self, value: Chunk) -> bytes:
        return value.to_bytes()

    def decode(self, encoded: bytes) -> Chunk:
        return Chunk.from_bytes(encoded)

    def estimate_size(self, value: Chunk) -> int:
        return value.nbytes

    def is_deterministic(self) -> bool:
        return True


beam.coders.registry.register_coder(Chunk, ChunkCoder)
