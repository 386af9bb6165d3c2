"""CountDistances: D of every narrative, counted exactly, for the threshold's calibration."""

import dataclasses
from collections import Counter
from collections.abc import Iterable

import apache_beam as beam
import pyarrow.compute as pc

from transforms import storage
from transforms.core.model.chunk import Chunk
from transforms.core.model.units import Unit
from transforms.core.stages.align.alignment import NO_DISTANCE
from transforms.core.stages.filter.threshold import encode_counts

Counts = dict[tuple[int, int], int]
"""Narratives by (D, caption characters): a plain dictionary, since Beam would pickle a counter."""


def count_distances(chunk: Chunk) -> Counts:
    """Narratives of an aligned chunk by (D, caption characters); D is -1 where it is null."""
    distances = pc.fill_null(chunk["narratives"]["distance"], NO_DISTANCE).to_pylist()
    characters = pc.utf8_length(chunk["narratives"]["caption"]).to_pylist()
    return dict(Counter(zip(distances, characters, strict=True)))


class MergeCounts(beam.CombineFn):
    """Adds counts."""

    def create_accumulator(self) -> Counts:
        return {}

    def add_input(self, accumulator: Counts, counts: Counts) -> Counts:
        for key, number in counts.items():
            accumulator[key] = accumulator.get(key, 0) + number
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Counts]) -> Counts:
        merged = self.create_accumulator()
        for accumulator in accumulators:
            self.add_input(merged, accumulator)
        return merged

    def extract_output(self, accumulator: Counts) -> Counts:
        return accumulator


@dataclasses.dataclass
class CountDistances(beam.PTransform):
    """From aligned chunks to the counts of all."""

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, chunks: beam.PCollection[tuple[Unit, Chunk]]) -> beam.PCollection[Counts]:
        return (
            chunks
            | "CountChunk" >> beam.MapTuple(lambda _, chunk: count_distances(chunk))
            | "MergeCounts" >> beam.CombineGlobally(MergeCounts())
        )


def write_counts(counts: Counts, path: str) -> None:
    """Writes counts for a later run (`decode_counts`)."""
    storage.write_bytes(path, encode_counts(counts))
