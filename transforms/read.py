"""ReadNarratives: from units to chunks."""

import dataclasses
from collections.abc import Iterator

import apache_beam as beam

from transforms import storage
from transforms.core.base.lines import read_block, read_pieces
from transforms.core.base.memory import keep_freed_memory
from transforms.core.model.chunk import Chunk
from transforms.core.model.units import Unit
from transforms.core.sources.narratives.limits import MAX_LINE_BYTES
from transforms.core.sources.narratives.reading import Origin, read_chunk
from transforms.stage import Stopwatch


def read_unit(unit: Unit, unit_bytes: int) -> Iterator[tuple[Unit, Chunk]]:
    """Reads one unit; a compressed shard yields its pieces in turn."""
    if not unit.compressed:
        with storage.open_binary(unit.path, unit.fingerprint) as file:
            start, block = read_block(file, unit.start, unit.end, MAX_LINE_BYTES)
        storage.check_unchanged(unit.path, unit.fingerprint, unit.identity)
        yield unit, read_chunk(block, origin_of(unit, start))
        return
    with storage.open_decompressed(unit.path, unit.fingerprint) as file:
        pieces = read_pieces(file, unit_bytes, MAX_LINE_BYTES)
        for index, (start, block, last) in enumerate(pieces):
            storage.check_unchanged(unit.path, unit.fingerprint, unit.identity)
            piece = unit.piece(index, start, start + block.size)
            yield piece, read_chunk(block, origin_of(piece, start), last)


def origin_of(unit: Unit, start: int) -> Origin:
    """Where a block of the unit comes from."""
    return Origin(unit.shard, unit.index, start, unit.dataset, unit.split, unit.dialect)


class _ReadUnit(beam.DoFn):
    def __init__(self, unit_bytes: int):
        self._unit_bytes = unit_bytes
        self._lines = beam.metrics.Metrics.counter("ReadNarratives", "lines")
        self._rejected = beam.metrics.Metrics.counter("ReadNarratives", "rejected")
        self._stopwatch = Stopwatch("ReadNarratives")

    def setup(self) -> None:
        keep_freed_memory()

    def process(self, unit: Unit) -> Iterator[tuple[Unit, Chunk]]:
        pieces = read_unit(unit, self._unit_bytes)
        while True:
            with self._stopwatch.running():
                piece, chunk = next(pieces, (None, None))
            if chunk is None:
                return
            self._lines.inc(chunk.lines)
            self._rejected.inc(len(chunk.rejected))
            yield piece, chunk


@dataclasses.dataclass
class ReadNarratives(beam.PTransform):
    """Reads every unit into a chunk.

    Attributes:
      unit_bytes: Size of the pieces into which a compressed shard's text is cut.
    """

    unit_bytes: int

    def __post_init__(self):
        super().__init__()
        if self.unit_bytes < 1:
            raise ValueError(f"unit_bytes must be positive, got {self.unit_bytes}")

    def expand(self, units: beam.PCollection[Unit]) -> beam.PCollection[tuple[Unit, Chunk]]:
        return units | "ReadUnit" >> beam.ParDo(_ReadUnit(self.unit_bytes)).with_output_types(
            tuple[Unit, Chunk]
        )
