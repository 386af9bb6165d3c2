"""What travels between workers: nothing of ours is pickled."""

import re
import subprocess
import sys
import time

import apache_beam as beam
import pytest
from apache_beam.coders import coders
from apache_beam.runners.pipeline_context import PipelineContext

from pipelines.build.job import plan_run, stages_of
from pipelines.build.options import BuildOptions
from pipelines.cli.options import parse_command_line
from pipelines.runs.run import build_pipeline
from tests import build_helpers as helpers
from transforms.core.output.commit_records import decode_record
from transforms.core.output.jobs.narratives import NARRATIVES
from transforms.core.output.version import Summary
from transforms.stage import ChunkCoder, MessagePackCoder
from transforms.units.merge import SummaryCoder
from transforms.units.publishing.publish import PublishPlan, publish_version

NOTHING = re.compile(r"DoOnce/Map|TakeEachOnce|KeyWithVoid|CombinePerKey|Encoded/MaybeReshuffle")
"""Beam's own steps: their elements hold None for want of a key or value, or bytes of ours."""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Output and plan of a finished run over small units."""
    output = tmp_path_factory.mktemp("made")
    arguments = helpers.arguments(output, helpers.GENERATED, "--unit-bytes", 50_000)
    options, _ = parse_command_line(BuildOptions, arguments, "build", "")
    plan = plan_run(options, [])
    assert helpers.build(output, helpers.GENERATED, "--unit-bytes", 50_000) == 0
    return output, options, plan


@pytest.fixture(scope="module")
def records(made):
    return [decode_record(path.read_bytes()) for path in made[0].glob("units/*/record")]


def publish_plan(output, plan):
    return PublishPlan(
        output=str(output),
        run_id="x",
        base=None,
        shards=plan.shards,
        publication=plan.publication,
    )


def leaves(coder_id, components):
    """The coders, as Beam names them or by class, of which a coder is made."""
    proto = components.coders[coder_id]
    if proto.component_coder_ids:
        for component in proto.component_coder_ids:
            yield from leaves(component, components)
    elif "pickled" in proto.spec.urn:
        yield type(coders.Coder.from_runner_api(proto, PipelineContext(components)))
    else:
        yield proto.spec.urn


def test_no_collection_of_the_main_job_is_pickled(made):
    output, options, plan = made
    pipeline = beam.Pipeline()
    build_pipeline(pipeline, plan, stages_of(options, plan), publish_plan(output, plan))
    components = pipeline.to_runner_api().components
    found = {
        collection.unique_name: set(leaves(collection.coder_id, components))
        for collection in components.pcollections.values()
    }
    unknown = [
        name for name, kinds in found.items()
        if any(isinstance(kind, type) and issubclass(kind, coders._PickleCoderBase |
               coders.FastPrimitivesCoder) for kind in kinds)
    ]  # fmt: skip
    assert [name for name in unknown if not NOTHING.search(name)] == []
    ours = {kind for kinds in found.values() for kind in kinds if isinstance(kind, type)}
    assert {ChunkCoder, MessagePackCoder} <= ours


def survive(value):
    """A value after its way through the coder that Beam takes for its type."""
    coder = beam.coders.registry.get_coder(type(value))
    assert isinstance(coder, MessagePackCoder) and coder.to_type_hint() is type(value)
    return travel(coder, value)


def travel(coder, value):
    return coder.decode(coder.encode(value))


def test_units_and_records_survive(made, records):
    for value in (*made[2].units, *records):
        assert survive(value) == value


def test_an_outcome_survives(made, records):
    summary = Summary.of(NARRATIVES)
    for record in records:
        summary.update(record)
    outcome = publish_version(summary, publish_plan(made[0], made[2]))
    assert survive(outcome) == outcome


def test_a_summary_survives_and_can_be_added_to(records):
    one, other, whole = Summary.of(NARRATIVES), Summary.of(NARRATIVES), Summary.of(NARRATIVES)
    for number, record in enumerate(records):
        (one if number % 2 else other).update(record)
        whole.update(record)
    one, other = (travel(SummaryCoder(NARRATIVES), each) for each in (one, other))
    one.merge(other)
    assert one.records == whole.records
    assert one.statistics.to_tables() == whole.statistics.to_tables()


def test_a_summary_of_all_published_units_travels_in_a_moment(records):
    """As many units as 29 GB have."""
    summary = Summary.of(NARRATIVES)
    for number in range(1000):
        record = records[number % len(records)]
        summary.update(record)
        summary.records[f"{record.unit.key}-{number}"] = record
    begin = time.perf_counter()
    travel(SummaryCoder(NARRATIVES), summary)
    assert time.perf_counter() - begin < 5


RECORDED = """
import pickle, sys
from apache_beam.coders import coder_impl, coders

def encode(value):
    print("pickled", type(value).__module__, type(value).__name__, file=sys.stderr)
    return pickle.dumps(value)

coders.PickleCoder._create_impl = lambda self: coder_impl.CallbackCoderImpl(encode, pickle.loads)
from pipelines.{job} import main
main(sys.argv[1:])
"""


def pickled(job, *arguments):
    """Types, by module, of what a job's collections hold that Beam has pickled."""
    ended = subprocess.run(
        [sys.executable, "-c", RECORDED.format(job=job), *map(str, arguments)],
        cwd=helpers.ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(re.findall(r"^pickled (\S+ \S+)$", ended.stderr, re.MULTILINE))


def is_beams(kind):
    return kind.startswith("apache_beam.")


@pytest.mark.long
def test_nothing_that_travels_in_a_calibrated_run_with_an_index_is_pickled(tmp_path):
    """Here as it runs: the collections of calibration and indexing have no types of ours."""
    boxes = helpers.ROOT / "samples/open_images/validation/annotations-human-bbox.csv"
    more = ["--boxes", boxes, "--discard-share", "0.9"]
    command = helpers.arguments(tmp_path / "out", [helpers.REAL], *more)
    assert [kind for kind in pickled("build.job", *command) if not is_beams(kind)] == []
    assert list((tmp_path / "out" / "calibrations").iterdir())


def test_nothing_that_travels_in_synthesis_is_pickled(tmp_path):
    found = pickled("synthesize", "--output", tmp_path, "--shards", 2, "--narratives", 4)
    assert [kind for kind in found if not is_beams(kind)] == []
