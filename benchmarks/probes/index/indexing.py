"""Probe of the annotation index's speed: B10."""

import pathlib
import statistics
import tempfile
from collections.abc import Callable

import pyarrow.csv

from benchmarks import job
from benchmarks.material import annotation_files
from benchmarks.measuring.measure import Bench, Round
from pipelines.index_annotations import (
    AnnotationSources,
    IndexAnnotationsOptions,
    ensure_annotation_index,
)


def annotation_index(bench: Bench) -> Callable[[], Round]:
    """The index of a box file at 4×, its start-up, and `read_csv` of the same file."""
    boxes = bench.material.box_file(4)
    tiny = annotation_files()["boxes"][0]
    one_thread = pyarrow.csv.ReadOptions(use_threads=False)

    def measure_round() -> Round:
        start_up = statistics.median(_index_seconds(tiny, bench.scratch) for _ in range(3))
        return {
            "read_csv": job.clock(pyarrow.csv.read_csv, boxes)[0],
            "read_csv, one thread": job.clock(pyarrow.csv.read_csv, boxes, one_thread)[0],
            "start-up": start_up,
            "index": _index_seconds(boxes, bench.scratch),
        }

    measure_round()
    return measure_round


def _index_seconds(path: str, scratch: pathlib.Path) -> float:
    sources = AnnotationSources(boxes=[path])
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        options = IndexAnnotationsOptions(boxes=[path], output=folder)
        return job.clock(ensure_annotation_index, sources, folder, options)[0]
