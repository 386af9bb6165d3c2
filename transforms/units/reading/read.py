"""ReadUnits: units of lines to chunks, by a job's reader of blocks."""

import dataclasses
from collections.abc import Iterator

import apache_beam as beam

from transforms.core.base.memory import keep_freed_memory
from transforms.core.model import bad_lines
from transforms.core.model.chunk import Chunk
from transforms.core.model.units import Unit
from transforms.stage import Stopwatch
from transforms.units.reading.blocks import Cut, blocks_of
from transforms.units.reading.mended import BlockReader, read_mended
from transforms.units.reading.repairs import repairs_of
from transforms.units.reading.restore import Restorer, restore_unit


def read_unit(
    unit: Unit,
    unit_bytes: int,
    read: BlockReader,
    restore: Restorer | None = None,
    cut: Cut = blocks_of,
) -> Iterator[tuple[Unit, Chunk]]:
    """Reads one unit; a compressed shard yields its pieces in turn.

    Args:
      unit: The unit.
      unit_bytes: Size of the pieces into which a compressed shard's text is cut.
      read: The job's reader.
      restore: What makes chunks of finished units, where the job has that.
      cut: What brings lines into memory.

    Raises:
      ChangedError: The shard, or a repair of it, is no longer the one that was planned.
    """
    if restore and unit.before and not unit.deadly:
        restored = restore_unit(unit, restore)
        if restored is not None:
            yield from restored
            return
    for piece, block, start, last in cut(unit, unit_bytes):
        repairs = repairs_of(piece) if piece.repairs else {}
        yield piece, read_mended(read, block, piece, start, last, repairs)


class _ReadUnit(beam.DoFn):
    def __init__(
        self,
        name: str,
        unit_bytes: int,
        read: BlockReader,
        restore: Restorer | None,
        cut: Cut,
    ) -> None:
        self._unit_bytes = unit_bytes
        self._read, self._restore, self._cut = read, restore, cut
        self._lines = beam.metrics.Metrics.counter(name, "lines")
        self._rejected = beam.metrics.Metrics.counter(name, "rejected")
        self._stopwatch = Stopwatch(name)

    def setup(self) -> None:
        keep_freed_memory()

    def process(self, unit: Unit) -> Iterator[tuple[Unit, Chunk]]:
        pieces = read_unit(unit, self._unit_bytes, self._read, self._restore, self._cut)
        while True:
            with self._stopwatch.running(unit):
                read = next(pieces, None)
            if read is None:
                return
            piece, chunk = read
            self._lines.inc(chunk.lines)
            self._rejected.inc(len(chunk[bad_lines.TABLE]))
            yield piece, chunk


@dataclasses.dataclass
class ReadUnits(beam.PTransform):
    """Reads every unit into a chunk: a subclass says how a block of lines is read.

    Attributes:
      unit_bytes: Size of the pieces into which a compressed shard's text is cut.
    """

    unit_bytes: int

    def __post_init__(self) -> None:
        super().__init__()
        if self.unit_bytes < 1:
            raise ValueError(f"unit_bytes must be positive, got {self.unit_bytes}")

    def reader(self) -> BlockReader:
        """What reads blocks on a worker; must pickle."""
        raise NotImplementedError

    def restorer(self) -> Restorer | None:
        """What makes chunks of finished units on a worker; must pickle. None: shards are read."""
        return None

    def cutter(self) -> Cut:
        """What brings a unit's lines into memory on a worker; must pickle."""
        return blocks_of

    def expand(self, units: beam.PCollection[Unit]) -> beam.PCollection[tuple[Unit, Chunk]]:
        name, read, restore = type(self).__name__, self.reader(), self.restorer()
        do = _ReadUnit(name, self.unit_bytes, read, restore, self.cutter())
        return units | "ReadUnit" >> beam.ParDo(do).with_output_types(tuple[Unit, Chunk])
