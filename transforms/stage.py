"""What all stage transforms share: running a chunk function, counting for those who watch."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any, Self

import apache_beam as beam
import msgspec
from apache_beam.metrics import Metrics

from transforms.core.base.errors import name_unit
from transforms.core.model.chunk import Chunk
from transforms.core.model.units import Unit

Stage = Callable[[Chunk], Chunk]

WALL_TIME, CPU_TIME = "microseconds", "cpu_microseconds"
"""Names of a stage's counters of time."""


class Stopwatch:
    """Counts what a stage took: time, and processor time of its thread.

    Counters are for watching only (option `profile`): a retried bundle counts twice. Published
    figures come from the units' records.

    Args:
      name: The stage's name, the namespace of its counters.
    """

    def __init__(self, name: str) -> None:
        self._wall = Metrics.counter(name, WALL_TIME)
        self._cpu = Metrics.counter(name, CPU_TIME)

    @contextlib.contextmanager
    def running(self, unit: Unit | None = None) -> Iterator[None]:
        """Counts the time of the block, whose errors are of a unit, if it does one."""
        wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
        try:
            yield
        except Exception as error:
            if unit is not None:
                name_unit(error, unit.key)
            raise
        finally:
            self._wall.inc((time.perf_counter_ns() - wall) // 1000)
            self._cpu.inc((time.thread_time_ns() - cpu) // 1000)


class RunStage(beam.DoFn):
    """Applies a chunk function to the chunks of (unit, chunk) elements.

    Args:
      name: The stage's name, the namespace of its metrics.
      prepare: Makes the chunk function when the first chunk is there, so that reading need not
        wait for indexes and models.
    """

    def __init__(self, name: str, prepare: Callable[[], Stage]) -> None:
        self._prepare = prepare
        self._stage: Stage | None = None
        self._lines = Metrics.counter(name, "lines")
        self._stopwatch = Stopwatch(name)

    def process(self, element: tuple[Unit, Chunk]) -> Iterator[tuple[Unit, Chunk]]:
        unit, chunk = element
        with self._stopwatch.running(unit):
            if self._stage is None:
                self._stage = self._prepare()
            result = self._stage(chunk)
        self._lines.inc(chunk.lines)
        yield unit, result


class ChunkTransform(beam.PTransform):
    """A stage of the main job: a subclass is a dataclass and says what its function needs."""

    def __post_init__(self) -> None:
        super().__init__()

    def prepare(self) -> Callable[[], Stage]:
        """What makes the chunk function on a worker; must pickle."""
        raise NotImplementedError

    def rehearse(self) -> Callable[[], Stage]:
        """What stands for `prepare` where the lines of a unit whose workers die are tried alone.

        A stage that asks others for something, which a line does not make fatal, asks for nothing.
        """
        return self.prepare()

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


class MessagePackCoder(beam.coders.Coder):
    """Values of one type as MessagePack: for types that it does not know, Beam takes pickle.

    Args:
      type_: A type that msgspec knows: a dataclass, a struct.
    """

    def __init__(self, type_: type) -> None:
        self._type = type_

    @classmethod
    def from_type_hint(cls, typehint: type, _registry: object) -> Self:
        return cls(typehint)

    def to_type_hint(self) -> type:
        return self._type

    def encode(self, value: object) -> bytes:
        return msgspec.msgpack.encode(value)

    def decode(self, encoded: bytes) -> Any:
        return msgspec.msgpack.decode(encoded, type=self._type)

    def estimate_size(self, value: object) -> int:  # noqa: ARG002
        return 0  # for watching only, and not worth encoding twice

    def is_deterministic(self) -> bool:
        return False


beam.coders.registry.register_coder(Unit, MessagePackCoder)
