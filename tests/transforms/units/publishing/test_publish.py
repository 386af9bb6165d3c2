"""MergeUnits and PublishVersion against the same mathematics without Beam."""

import dataclasses
import gzip
import itertools
import json
import pathlib
import shutil
import threading

import apache_beam as beam
import msgspec
import pytest
from apache_beam.testing.test_pipeline import TestPipeline as Pipeline
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.build.inputs.rules_file import read_rules
from pipelines.build.job import main
from tests import build_helpers as helpers
from transforms.collections.narratives.publication import NarrativesPublication
from transforms.collections.narratives.rules_in_use import RulesInUse
from transforms.core.model.narratives.manifest import BuildProvenance, NarrativeShardRow
from transforms.core.output import version
from transforms.core.output.checks.guard import Limits
from transforms.core.output.jobs.narratives import NARRATIVES
from transforms.core.output.version import ShardPlan, decode_summary
from transforms.units.merge import MergeUnits, read_record
from transforms.units.publishing.publish import (
    PublishPlan,
    PublishVersion,
    make_manifest,
    publish_version,
)

UNIT_BYTES = 100_000


def reconcile(shards, records):
    """The rows, as a manifest of narratives has them."""
    rows = version.reconcile(shards, records, NARRATIVES.accounted)
    return msgspec.convert(rows, list[NarrativeShardRow])


@dataclasses.dataclass
class Made:
    """A finished output: what its versions were made from.

    Attributes:
      output: The output folder.
      paths: Its commit records.
      shards: The shards of its version, as they were planned.
      provenance: What the plan had for the manifest.
    """

    output: pathlib.Path
    paths: list[str]
    shards: tuple[ShardPlan, ...]
    provenance: BuildProvenance

    def plan(self, *names, base=None, limits=None, **changes):
        """A plan to publish the shards of these names, all of them without names."""
        shards = [shard for shard in self.shards if not names or shard.shard in names]
        publication = NarrativesPublication(
            provenance=self.provenance,
            limits=limits or Limits(max_bad_share=0.5),
            rules=RulesInUse(read_rules(None)),
        )
        plan = PublishPlan(str(self.output), "run", base, tuple(shards), publication)
        return dataclasses.replace(plan, **changes)

    def merged(self, *names):
        """The summary of the shards of these names."""
        records = map(read_record, self.paths)
        return merge_all([r for r in records if not names or r.unit.shard in names])


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """An index with boxes, so that there are histograms to merge."""
    from pipelines.cli.options import Options
    from pipelines.index_annotations import AnnotationSources, ensure_annotation_index

    boxes = helpers.ROOT / "samples" / "open_images" / "train" / "annotations-human-bbox.csv"
    folder = tmp_path_factory.mktemp("index")
    return ensure_annotation_index(AnnotationSources(boxes=[str(boxes)]), str(folder), Options())


def make(output, index, shards):
    more = ["--annotations", index, "--unit-bytes", UNIT_BYTES]
    assert main(helpers.arguments(output, shards, *more)) == 0
    manifest = helpers.manifest_of(output)
    plans = tuple(ShardPlan(**helpers.without([row], "shard")[0]) for row in manifest["inputs"])
    provenance = msgspec.convert(manifest, BuildProvenance)
    (output / "CURRENT").unlink()
    return Made(output, sorted(map(str, output.glob("units/*/record"))), plans, provenance)


@pytest.fixture(scope="module")
def original(tmp_path_factory, index):
    """Three shards in a few units, with no version current."""
    return make(tmp_path_factory.mktemp("original"), index, helpers.SHARDS[1:])


@pytest.fixture
def made(tmp_path, original):
    """A copy of it in which a test may publish."""
    output = shutil.copytree(original.output, tmp_path / "out")
    paths = sorted(map(str, output.glob("units/*/record")))
    return dataclasses.replace(original, output=output, paths=paths)


@pytest.fixture(scope="module")
def records(original):
    return [read_record(path) for path in original.paths]


def merge_all(records):
    combine = MergeUnits(NARRATIVES)
    accumulator = combine.create_accumulator()
    for record in records:
        accumulator = combine.add_input(accumulator, record)
    return decode_summary(combine.extract_output(accumulator), NARRATIVES)


def described(summary):
    """All that a version takes from a summary."""
    return summary.in_order(), summary.statistics.to_tables()


def merge_in_parts(records, cuts, compact):
    """Merges parts of the records, the accumulators compacted or not."""
    combine = MergeUnits(NARRATIVES)
    bounds = [0, *sorted(cuts), len(records)]
    accumulators = []
    for first, end in itertools.pairwise(bounds):
        accumulator = combine.create_accumulator()
        for record in records[first:end]:
            accumulator = combine.add_input(accumulator, record)
        accumulators.append(combine.compact(accumulator) if compact else accumulator)
    merged = combine.extract_output(combine.merge_accumulators(accumulators))
    return decode_summary(merged, NARRATIVES)


@settings(max_examples=20)
@given(data=st.data(), compact=st.booleans())
def test_merging_is_free_of_order_and_grouping(records, data, compact):
    shuffled = data.draw(st.permutations(records))
    cuts = data.draw(st.lists(st.integers(0, len(records)), max_size=4))
    assert described(merge_in_parts(shuffled, cuts, compact)) == described(merge_all(records))


def test_accumulators_merge_associatively(records):
    combine = MergeUnits(NARRATIVES)

    def parts():
        return [merge_all(records[i::3]) for i in range(3)]

    a, b, c = parts()
    left = combine.merge_accumulators([combine.merge_accumulators([a, b]), c])
    a, b, c = parts()
    right = combine.merge_accumulators([a, combine.merge_accumulators([b, c])])
    assert described(left) == described(right) == described(merge_all(records))


def test_a_record_that_comes_twice_counts_once(records):
    assert described(merge_all([*records, *records[:3]])) == described(merge_all(records))


def test_something_is_merged(records):
    tables = merge_all(records).statistics.to_tables()
    assert len(records) > 10
    assert all(table.num_rows for name, table in tables.items() if name != "noun_counts")


def test_the_transform_publishes_what_the_function_does(made):
    with Pipeline(runner="FnApiRunner") as pipeline:
        paths = pipeline | "Written" >> beam.Create(made.paths)
        again = pipeline | "Finished" >> beam.Create(made.paths[:2])  # done again by a retry
        outcomes = (
            (paths, again) | beam.Flatten() | PublishVersion(made.plan(run_id="in a pipeline"))
        )
        assert_that(outcomes | beam.Map(lambda outcome: outcome.status), equal_to(["published"]))
    by_transform = helpers.version_of(made.output)
    statistics, manifest = helpers.statistics_of(made.output), helpers.assert_whole(by_transform)
    by_transform.rename(made.output / "by_transform")
    (made.output / "CURRENT").unlink()
    outcome = publish_version(made.merged(), made.plan())
    assert (outcome.status, outcome.version) == ("published", by_transform.name)
    assert helpers.statistics_of(made.output) == statistics
    again = helpers.assert_whole(by_transform)
    assert without_time(again) == without_time(manifest)
    left = json.loads((made.output / "runs" / "in a pipeline.json").read_text())
    assert left["found"].keys() == {"checks", "not_compared"}  # of a version that was there
    assert (left["status"], left["version"]) == (outcome.status, outcome.version)
    assert left["run"] == "in a pipeline" and left["ended"] and left["begin"] is None


def without_time(manifest):
    """A manifest without what differs from run to run: the clock, and Avro's random marker."""
    files = [file for file in manifest["files"] if file["table"] != "rejected"]
    return manifest | {
        "created": None,
        "made_by": None,
        "files": files,
        "pages": None,
        "seal": None,
    }


def test_publishing_again_changes_nothing(made):
    summary = made.merged()
    publish_version(summary, made.plan())
    before = helpers.files_below(made.output / "versions")
    assert publish_version(summary, made.plan()).status == "published"  # a retried bundle
    assert helpers.files_below(made.output / "versions") == before


def test_of_two_runs_at_once_one_publishes_and_the_other_says_so(made):
    first, *others = [shard.shard for shard in made.shards]
    base = publish_version(made.merged(), made.plan()).version
    smaller = {"base": base, "limits": Limits(max_bad_share=0.5, guard=False)}
    jobs = [(made.merged(first), made.plan(first, run_id="one", **smaller)),
            (made.merged(*others), made.plan(*others, run_id="two", **smaller))]  # fmt: skip
    barrier, outcomes = threading.Barrier(2), {}

    def publish(summary, plan):
        barrier.wait()
        outcomes[plan.run_id] = publish_version(summary, plan)

    threads = [threading.Thread(target=publish, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    status = {outcome.status: outcome for outcome in outcomes.values()}
    assert status.keys() == {"published", "overtaken"}
    assert helpers.version_of(made.output).name == status["published"].version
    assert "another run published in the meantime" in status["overtaken"].message
    for outcome in outcomes.values():
        helpers.assert_whole(made.output / "versions" / outcome.version)
    helpers.assert_whole(made.output / "versions" / base)
    helpers.assert_nothing_abandoned(made.output)


def test_runs_that_make_the_same_version_at_once_agree(made):
    for path in made.output.glob("versions/*"):
        path.rename(made.output / "before")
    barrier, outcomes = threading.Barrier(4), []

    def publish(number):
        summary, plan = made.merged(), made.plan(run_id=f"run {number}")
        barrier.wait()
        outcomes.append(publish_version(summary, plan))

    threads = [threading.Thread(target=publish, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [outcome.status for outcome in outcomes] == ["published"] * 4
    helpers.assert_whole(helpers.version_of(made.output))
    helpers.assert_nothing_abandoned(made.output)


def test_a_version_that_cannot_be_made_leaves_no_folder(made):
    for path in made.output.glob("versions/*"):
        path.rename(made.output / "before")
    next(made.output.glob("units/*/*/narratives.parquet")).unlink()
    outcome = publish_version(made.merged(), made.plan())
    assert outcome.status == "damaged" and "1 finished unit(s) were corrupt" in outcome.message
    assert list(made.output.glob("versions/*")) == []
    assert not (made.output / "CURRENT").exists()


def test_lines_are_counted_over_the_units_of_a_shard(made):
    manifest = make_manifest(made.merged(), made.plan())
    for shard in manifest.shards:
        units = [unit for unit in manifest.units if unit.shard == shard.shard]
        assert [unit.index for unit in units] == list(range(len(units)))
        lines = [0, *itertools.accumulate(unit.lines for unit in units)]
        assert [unit.first_line - 1 for unit in units] == lines[:-1]
        assert lines[-1] == shard.lines


def test_every_shard_is_reconciled_by_itself(made):
    records = made.merged().in_order()
    whole = reconcile(made.shards, records)
    assert all(row.conserved for row in whole)
    for lost in records:
        rows = reconcile(made.shards, [record for record in records if record is not lost])
        broken = [row.shard for row in rows if not row.conserved]
        assert broken == ([lost.unit.shard] if lost.bytes else [])


def test_pieces_of_a_compressed_shard_must_follow_each_other(tmp_path, index):
    lines = b"".join(helpers.lines_of(helpers.REAL))
    shard = tmp_path / "a.jsonl.gz"
    shard.write_bytes(gzip.compress(lines))
    made = make(tmp_path / "out", index, [shard])
    records = made.merged().in_order()
    assert len(records) > 2
    assert sum(record.bytes for record in records) == len(lines)
    assert reconcile(made.shards, records)[0].conserved
    assert reconcile(made.shards, records[::-1])[0].conserved
    for lost in records:
        kept = [record for record in records if record is not lost]
        assert not reconcile(made.shards, kept)[0].conserved
    assert not reconcile(made.shards, [])[0].conserved
