"""Probes of the main job's speed, in this process: B1, B2, B6, B7, B8."""

import json
import statistics
from collections.abc import Callable, Sequence

import spacy

from benchmarks import job
from benchmarks.measuring.measure import Bench, Round
from pipelines.build.options import BuildOptions
from transforms.core.sources.annotations.lookup import AnnotationIndex
from transforms.core.stages.measure.taggers import BATCH_SIZE, DEFAULT_TAGGER


def main_job(bench: Bench) -> Callable[[], Round]:
    """The whole job, its start-up, and the typed decode before and after them, at 16×.

    At 4× half a second that does not grow with the data (Beam's stages, merging, publishing) would
    weigh a sixth of the job.
    """
    runs, shards = job.Job(bench.scratch), bench.material.shards(16)
    tiny = bench.material.tiny_shards()

    def measure_round() -> Round:
        return beside_decode(
            shards, lambda: {"start-up": runs.start_up(tiny), "job": runs.seconds(shards)}
        )

    bring_into_memory(shards)
    runs.seconds(bench.material.shards(4))
    return measure_round


def core(bench: Bench) -> Callable[[], Round]:
    """The core alone, unit by unit in memory, and the typed decode before and after, at 4×."""
    shards, unit_bytes = bench.material.shards(4), BuildOptions.model_fields["unit_bytes"].default
    stages = job.core_stages(AnnotationIndex.open(job.build_index(bench.scratch)))

    def run_core() -> Round:
        units = job.blocks(shards, unit_bytes)
        return {"core": sum(job.clock(job.run_core, unit, stages)[0] for unit in units)}

    def measure_round() -> Round:
        return beside_decode(shards, run_core)

    measure_round()
    return measure_round


def beside_decode(shards: Sequence[str], measure: Callable[[], Round]) -> Round:
    """What is measured, and the mean of a typed decode before it and one after it."""
    before, measured = job.decode_seconds(shards), measure()
    return {"decode": (before + job.decode_seconds(shards)) / 2} | measured


def scaling_up(bench: Bench) -> Callable[[], Round]:
    """One worker at 1× and at 16×, and its start-up.

    What is short is measured three times in a round: start-up taken off, its noise weighs most.
    """
    runs, material = job.Job(bench.scratch), bench.material

    def measure_round() -> Round:
        small = [runs.seconds(material.shards(1)) for _ in range(3)]
        return {
            "start-up": runs.start_up(material.tiny_shards()),
            "1×": statistics.median(small),
            "16×": runs.seconds(material.shards(16)),
        }

    bring_into_memory(material.shards(16))
    runs.seconds(material.shards(1))
    return measure_round


def two_workers(bench: Bench) -> Callable[[], Round]:
    """One worker and two at 16×, and their start-up.

    Not at 4×, where the two worker processes' start takes longer than their work.
    """
    runs, shards = job.Job(bench.scratch), bench.material.shards(16)

    def measure_round() -> Round:
        return {
            "start-up of one": runs.start_up(bench.material.tiny_shards()),
            "one": runs.seconds(shards),
            "start-up of two": runs.start_up(bench.material.tiny_shards(2), workers=2),
            "two": runs.seconds(shards, workers=2),
        }

    bring_into_memory(shards)
    runs.seconds(bench.material.shards(1))
    return measure_round


def bring_into_memory(shards: Sequence[str]) -> None:
    """Reads files, so that the first round does not wait for the disk."""
    for _ in job.blocks(shards, 1 << 24):
        pass


def tagging(bench: Bench) -> Callable[[], Round]:
    """The whole job with the default tagger, and the tagger alone on the same captions, at 1×."""
    runs, shards = job.Job(bench.scratch), bench.material.shards(1)
    tiny, tagger = bench.material.tiny_shards(), {"tagger": DEFAULT_TAGGER}
    texts = [json.loads(line)["caption"] for shard in shards for line in open(shard, "rb")]
    nlp = spacy.load(bench.root / "transforms" / "core" / "data" / DEFAULT_TAGGER)

    def tag() -> None:
        for _ in nlp.pipe(texts, batch_size=BATCH_SIZE):
            pass

    def measure_round() -> Round:
        return {
            "nlp.pipe": job.clock(tag)[0],
            "start-up": runs.start_up(tiny, **tagger),
            "job": runs.seconds(shards, **tagger),
        }

    measure_round()
    return measure_round
