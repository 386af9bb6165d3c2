"""What each stage of the main job costs, as ratios to one typed decode of the same bytes.

Run it alone on the machine: `python -m tests.benchmarks.stages [--narratives N] [--repeats R]`.
The limit for a program that must parse narratives is a typed decode of their lines to objects
(msgspec). Every repeat measures that and all stages in turn, so that a machine whose speed drifts
moves both. Data are generated narratives (`pipelines.synthesize`).
"""

import argparse
import pathlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator

import msgspec

from pipelines import build, index_annotations, synthesize
from transforms.core import records, tables
from transforms.core.annotations.index import AnnotationIndex
from transforms.core.decoding import Narrative
from transforms.core.quality import QualityRules
from transforms.core.reading import Origin, read_chunk
from transforms.core.richness import NO_TAGGER, create_tagger
from transforms.core.stages.align_transcripts import align_transcripts
from transforms.core.stages.filter_quality import filter_quality
from transforms.core.stages.ground_words import ground_words
from transforms.core.stages.join_annotations import join_annotations
from transforms.core.stages.match_mentions import MentionRules, compile_rules, match_mentions
from transforms.core.stages.measure_richness import measure_richness
from transforms.core.transcript_sources import create_source
from transforms.core.units import Unit

ROOT = pathlib.Path(__file__).parents[2]
IMAGES = ROOT / "samples" / "open_images"
REAL = ROOT / "samples" / "narratives" / "vidln_as_localized_narratives.jsonl"
DECODER = msgspec.json.Decoder(Narrative)


def main() -> None:
    """Generates data, measures, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--narratives", type=int, default=3000)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shard, index = prepare(pathlib.Path(folder), arguments.narratives)
        block = shard.read_bytes()
        print(f"{arguments.narratives:,} generated narratives, {len(block) / 1e6:.0f} MB")
        rounds = [
            measure_round(block, shard, index, pathlib.Path(folder, str(n)))
            for n in range(arguments.repeats + 1)
        ][1:]  # the first one warms up
    show(rounds, arguments.narratives)


def prepare(folder: pathlib.Path, narratives: int) -> tuple[pathlib.Path, str]:
    """One generated shard, and an index of the sample's annotations."""
    flags = ["--output", str(folder), "--shards", "1", "--narratives", str(narratives)]
    synthesize.main([*flags, "--seed", "1"])
    names = {"boxes": "annotations-human-bbox", "labels": "annotations-human", "images": "images"}
    sources = {
        kind: [str(path) for path in IMAGES.glob(f"*/{name}.csv")] for kind, name in names.items()
    }
    options = index_annotations.IndexAnnotationsOptions(output=str(folder / "indexes"), **sources)
    index = index_annotations.ensure_annotation_index(
        index_annotations.AnnotationSources(**sources), options.output, options
    )
    return folder / "generated_train_localized_narratives-00000-of-00001.jsonl", index


def measure_round(
    block: bytes, shard: pathlib.Path, index: str, folder: pathlib.Path
) -> dict[str, float]:
    """Seconds of everything, once."""
    folder.mkdir()
    row = dict(measure(block, AnnotationIndex.open(index), folder))
    start_up = run_job(REAL, index, folder / "small")
    row["start-up of the job (22 narratives)"] = start_up
    row["whole job less start-up, no tagging"] = run_job(shard, index, folder / "whole") - start_up
    return row


def measure(block: bytes, index: AnnotationIndex, folder: pathlib.Path) -> Iterator[tuple]:
    """Seconds of the typed decode and of each stage, in memory."""
    rules = compile_rules(index, MentionRules())
    stages: dict[str, Callable] = {
        "AlignTranscripts": lambda chunk: align_transcripts(chunk, create_source("timed_caption")),
        "GroundWords": ground_words,
        "FilterQuality": lambda chunk: filter_quality(chunk, QualityRules()),
        "JoinAnnotations": lambda chunk: join_annotations(chunk, index),
        "MatchMentions": lambda chunk: match_mentions(chunk, rules),
        "MeasureRichness (no tagger)": lambda chunk: measure_richness(
            chunk, create_tagger(NO_TAGGER)
        ),
    }
    yield "typed decode", clock(decode_all, block)[0]
    seconds, chunk = clock(lambda: read_chunk(block, Origin("shard")))
    yield "ReadNarratives", seconds
    for name, stage in stages.items():
        seconds, chunk = clock(stage, chunk)
        yield name, seconds
    yield "tables to Parquet", clock(write_tables, chunk, folder)[0]
    unit = Unit("shard", "shard", "", len(block), end=len(block))
    yield "unit record", clock(records.make_record, unit, chunk, "try", [])[0]


def decode_all(block: bytes) -> None:
    """Decodes every line to objects and lets them go."""
    for line in block.splitlines():
        DECODER.decode(line)


def write_tables(chunk, folder: pathlib.Path) -> None:
    """Writes the unit's tables as WriteUnit does."""
    for table, rows in tables.unit_tables(chunk, "shard").items():
        tables.write_table(table, rows, str(folder / table))


def run_job(shard: pathlib.Path, index: str, output: pathlib.Path) -> float:
    """Seconds of the pipeline itself, in this process, from plan to published version."""
    options = build.BuildOptions(
        input=[str(shard)], output=str(output), annotations=index, tagger=NO_TAGGER
    )
    plan = build.plan_build(options, [])
    return clock(build.run, options, [], plan)[0]


def clock(function: Callable, *arguments) -> tuple[float, object]:
    """Seconds that a call took, and its result."""
    begin = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - begin, result


def show(rounds: list[dict[str, float]], narratives: int) -> None:
    """Prints microseconds a narrative and ratios to the decode: median, and range of ratios."""
    print(f"{'':36} {'µs a narrative':>14} {'ratio':>7}   range of {len(rounds)}")
    core = [name for name in rounds[0] if name[0].isupper()]
    for row in rounds:
        row["core alone (stages above)"] = sum(row[name] for name in core)
    for name in rounds[0]:
        ratios = sorted(row[name] / row["typed decode"] for row in rounds)
        cost = statistics.median(row[name] for row in rounds) / narratives * 1e6
        print(
            f"{name:36} {cost:14.1f} {statistics.median(ratios):7.2f}   "
            f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
        )


if __name__ == "__main__":
    main()
