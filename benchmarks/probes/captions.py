"""Probe C1: the stages of the job of captions beside the tagger alone, in one process."""

import itertools
import json
import pathlib
import time
from collections.abc import Callable

from threadpoolctl import threadpool_limits

from benchmarks.measuring.measure import Bench, Round
from transforms import storage
from transforms.collections.captions.stages import caption_blocks
from transforms.core.model.units import Unit
from transforms.core.output.jobs.captions import CAPTIONS_JOB
from transforms.core.output.tables import ending_of, write_table
from transforms.core.sources.captions.documents.cutting import starts_of_pieces
from transforms.core.sources.captions.reading import read_captions
from transforms.core.stages.measure.measure_captions import measure_captions
from transforms.core.stages.measure.taggers import (
    BATCH_SIZE,
    DEFAULT_TAGGER,
    create_tagger,
    load_pipeline,
)

_CAPTIONS = "tests/data/captions/open_images_captions.words.txt"
_WORDS = 5
_PHRASES_AN_IMAGE = 50
_PHRASES = 6_000


def stages(bench: Bench) -> Callable[[], Round]:
    """Reading, tagging, counting and writing a document of short phrases; the tagger; the scan."""
    phrases = _phrases(bench.root / _CAPTIONS)
    path = pathlib.Path(bench.scratch, "region_descriptions.json")
    path.write_text(json.dumps(list(_images(phrases))))
    tagger, pipeline = create_tagger(DEFAULT_TAGGER), load_pipeline(DEFAULT_TAGGER)

    schemas = {**CAPTIONS_JOB.tables, **CAPTIONS_JOB.aside}

    def run_stages() -> None:
        unit = _unit(str(path))
        for _, block, start, last in caption_blocks(unit, unit.size):
            chunk = measure_captions(read_captions(block, unit, start, last), tagger)
            CAPTIONS_JOB.measure_chunk(chunk).pack()
            written = {**CAPTIONS_JOB.rows(chunk, unit), **CAPTIONS_JOB.rows_aside(chunk)}
            for table, rows in written.items():
                place = pathlib.Path(bench.scratch, table)
                write_table(table, rows, str(place), f"{table}.{ending_of(schemas[table])}")

    def tag() -> None:
        with threadpool_limits(1, user_api="blas"):  # as in the stages
            for _ in pipeline.pipe(phrases, batch_size=BATCH_SIZE):
                pass

    def scan() -> None:
        with path.open("rb") as file:
            starts_of_pieces(file, None, 1 << 20)

    def measure_round() -> Round:
        before, measured, after = _clock(tag), _clock(run_stages), _clock(tag)
        return {"tagger": (before + after) / 2, "stages": measured, "scan": _clock(scan)}

    measure_round()
    return measure_round


def _phrases(path: pathlib.Path) -> list[str]:
    words = itertools.cycle(path.read_text().split())
    made = (" ".join(itertools.islice(words, _WORDS)) for _ in range(_PHRASES))
    return list(made)


def _images(phrases: list[str]) -> itertools.starmap:
    def image(first: int, own: list[str]) -> dict:
        place = {"x": 10, "y": 20, "width": 300, "height": 40}
        regions = [
            {"region_id": first + i, "image_id": first, "phrase": phrase, **place}
            for i, phrase in enumerate(own)
        ]
        return {"regions": regions, "id": first}

    firsts = range(0, len(phrases), _PHRASES_AN_IMAGE)
    parts = ((first, phrases[first : first + _PHRASES_AN_IMAGE]) for first in firsts)
    return itertools.starmap(image, parts)


def _unit(path: str) -> Unit:
    (file,) = storage.match([path])
    return Unit(
        path=file.path,
        label="regions",
        fingerprint=file.fingerprint,
        size=file.size,
        end=file.size,
        dataset="visual_genome",
        dialect="visual_genome",
        identity=file.identity,
    )


def _clock(run: Callable[[], None]) -> float:
    """Processor seconds of this thread: other work on the machine does not count."""
    begin = time.thread_time()
    run()
    return time.thread_time() - begin
