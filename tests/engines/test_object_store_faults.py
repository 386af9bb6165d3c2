"""The whole job, reading from a bucket and publishing to it, while calls go wrong."""

import dataclasses
import re
from urllib.parse import unquote

import pytest

from tests import build_helpers as helpers
from tests.engines.jobs import SAMPLES, inputs, run, started
from tests.engines.servers.faults import KINDS, SCATTERED, Fault

pytestmark = pytest.mark.engines

SETTINGS = ["--tagger", "none", "--max-bad-share", "0.1", "--unit-bytes", "150000"]


def run_from_disk(folder, name, output, *more):
    ended = run(*inputs(folder, name), "--output", output, *SETTINGS, *more)
    assert ended.code == 0, ended.err
    return output


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A run over the sample from disk to disk."""
    return run_from_disk(SAMPLES, "sample", tmp_path_factory.mktemp("undisturbed"))


@pytest.fixture
def sample(bucket):
    """A bucket that holds the sample."""
    for folder in ("narratives", "open_images"):
        bucket.put_folder(SAMPLES / folder, f"samples/{folder}")
    return bucket


def command(bucket, *more):
    """Arguments of a run from the bucket to the bucket."""
    return [*inputs(f"{bucket.url}/samples"), "--output", f"{bucket.url}/out", *SETTINGS, *more]


def build(bucket, *more):
    return run(*command(bucket, *more), environment=bucket.environment)


def assert_published(bucket, ended, undisturbed, folder):
    assert ended.code == 0, ended.err
    output = bucket.download("out", folder / "out")
    helpers.assert_whole(helpers.version_of(output))
    helpers.assert_nothing_abandoned(output)
    helpers.assert_same_results(output, undisturbed)


def assert_nothing_published(bucket):
    assert "out/CURRENT" not in bucket.names("out/")


def assert_refused(ended, code, *words):
    """One sentence on standard error that names what is wrong, and the exit code."""
    assert ended.code == code, ended.err
    said = re.sub(r"\ABuilding the index of annotations from [^\n]+\n", "", ended.err)
    assert re.fullmatch(r"error: [^\n]+\n", said), ended.err
    for word in words:
        assert word in ended.err, ended.err


@pytest.mark.parametrize("fault", SCATTERED)
def test_a_fault_at_calls_of_every_kind_changes_nothing(sample, undisturbed, tmp_path, fault):
    fault = SCATTERED[fault]
    faults = [dataclasses.replace(fault, kind=kind) for kind in KINDS]
    faults += [dataclasses.replace(fault, kind=kind, skip=9) for kind in ("read", "upload")]
    with sample.faults.injected(*faults):
        ended = build(sample)
    assert_published(sample, ended, undisturbed, tmp_path)


@pytest.mark.parametrize(("seed", "name"), [(1, "sample"), (2, "generated")])
def test_faults_by_chance_change_nothing(bucket, data, tmp_path, seed, name):
    root = bucket.put_folder(data[name], "data")
    bucket.faults.scatter(seed, share=0.1)
    settings = [*SETTINGS, "--unit-bytes", 500_000]
    arguments = [*inputs(root, name), "--output", f"{bucket.url}/out", *settings]
    ended = run(*arguments, environment=bucket.environment)
    hits = bucket.faults.hits()
    bucket.faults.clear()
    assert len(hits) >= 10 and len({hit.fault for hit in hits}) >= 4
    undisturbed = run_from_disk(data[name], name, tmp_path / "undisturbed", *settings)
    assert_published(bucket, ended, undisturbed, tmp_path)


LOST = {"an error": {"status": 503}, "a reset": {"reset": True}}
WRITES = {
    "/record$": [200, 412],
    "/versions/.*/manifest.json$": [200, 200],
    "/CURRENT$": [200, 412],
}
"""The store's answers to a write whose first answer is lost: a second one may find its own work."""


@pytest.mark.parametrize("lost", LOST)
def test_an_acknowledgement_that_is_lost_counts_as_success(sample, undisturbed, tmp_path, lost):
    faults = [Fault(kind="upload", name=name, carried_out=True, **LOST[lost]) for name in WRITES]
    with sample.faults.injected(*faults):
        ended = build(sample)
        for hit in sample.faults.hits():
            tries = [seen for seen in sample.faults.seen("upload") if seen.call == hit.call]
            assert [seen.status for seen in tries] == WRITES[hit.fault.name]
    assert_published(sample, ended, undisturbed, tmp_path)


REFUSED = {
    "listing": Fault(kind="list", name="samples/narratives", status=403),
    "a shard": Fault(kind="read", name="vidln", status=403),
    "annotations": Fault(kind="read", name="annotations-human-bbox", status=403),
    "the output": Fault(kind="upload", name="/out/", status=403),
    "a unit's table": Fault(kind="upload", name="/units/.*parquet$", status=403),
    "a unit's record": Fault(kind="upload", name="/record$", status=403),
    "a version's table": Fault(kind="copy", status=403),
    "the manifest": Fault(kind="upload", name="/versions/.*/manifest.json$", status=403),
    "the pointer": Fault(kind="upload", name="/CURRENT$", status=403),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_forbidden_is_named_and_nothing_published(sample, what):
    fault = dataclasses.replace(REFUSED[what], times=None)
    with sample.faults.injected(fault):
        ended = build(sample)
        refused = " ".join(unquote(hit.call.target) + hit.call.name for hit in sample.faults.hits())
    assert_refused(ended, 2, f"no permission for '{sample.url}")
    assert re.search(f"{sample.url}/?([^']*)'", ended.err)[1] in refused
    assert_nothing_published(sample)


def test_what_is_missing_is_named_and_nothing_published(sample):
    with sample.faults.injected(Fault(kind="read", name="vidln", status=404, times=None)):
        ended = build(sample)
    shard = f"{sample.url}/samples/narratives/vidln_as_localized_narratives.jsonl"
    assert_refused(ended, 2, f"there is no '{shard}'")
    assert_nothing_published(sample)


@pytest.mark.parametrize("flag", ["--input", "--output", "--boxes"])
def test_a_bucket_that_is_not_there_is_named(sample, flag):
    ended = build(sample, flag, "gs://no-such-bucket/some/thing")
    assert_refused(ended, 2, "'gs://no-such-bucket/some/thing")
    assert_nothing_published(sample)


def test_a_shard_that_is_replaced_during_the_run_publishes_nothing(sample):
    name = "samples/narratives/vidln_as_localized_narratives.jsonl"
    sample.faults.add(Fault(kind="read", name=name, hold=True))
    with started(*command(sample), environment=sample.environment) as job:
        sample.faults.wait_for_hits(1)
        sample.put(name, helpers.REAL.read_bytes())
        sample.faults.release()
        ended = job.wait()
    assert_refused(ended, 2, f"'{sample.url}/{name}' was changed during the run")
    assert_nothing_published(sample)


def test_a_run_that_is_killed_before_it_swaps_is_finished_without_reading(
    sample, undisturbed, tmp_path
):
    sample.faults.add(Fault(kind="upload", name="/CURRENT$", hold=True))
    with started(*command(sample), environment=sample.environment) as job:
        sample.faults.wait_for_hits(1)
        job.process.kill()
        job.process.wait()
    sample.faults.release()
    assert_nothing_published(sample)
    sample.faults.clear()
    ended = build(sample)
    assert "0 units pending" in ended.out
    # Planning looks at the beginning of each shard; a unit that was read again would be one more.
    reads = [
        seen.call.name.partition("?")[0]
        for seen in sample.faults.seen("read", "samples/narratives")
    ]
    assert len(reads) == len(set(reads)), reads
    assert_published(sample, ended, undisturbed, tmp_path)


def both(bucket, first, second):
    """Runs two jobs at once, each robbed of its lease; they meet before each swaps the pointer."""
    bucket.faults.add(Fault(kind="upload", name="/CURRENT$", hold=True, times=2))
    with (
        started(*first, environment=bucket.environment) as one,
        started(*second, environment=bucket.environment) as other,
    ):
        for _ in range(2):
            while not bucket.names("out/RUNNING"):
                assert one.process.poll() is None and other.process.poll() is None
            bucket.remove(["out/RUNNING"])
        bucket.faults.wait_for_hits(2)
        bucket.faults.release()
        return one.wait(), other.wait()


def versions_of(output):
    return sorted((output / "versions").iterdir())


@pytest.mark.parametrize("published_before", [False, True])
def test_of_two_runs_at_once_one_publishes_and_the_other_says_so(
    sample, tmp_path, published_before
):
    """They share a shard, so that they race for its units too."""
    narratives, output = f"{sample.url}/samples/narratives", ["--output", f"{sample.url}/out"]
    real = f"{narratives}/vidln_as_localized_narratives.jsonl"
    one = ["--input", real, *output, *SETTINGS]
    other = ["--input", real, f"{narratives}/generated_train_localized*", *output, *SETTINGS]
    if published_before:
        assert run(*one, "--plurals", environment=sample.environment).code == 0
    ended = sorted(both(sample, one, other), key=lambda ended: ended.code)
    assert [job.code for job in ended] == [0, 4], [job.err for job in ended]
    assert re.fullmatch(
        r"error: another run published in the meantime: version \w+ is complete but not current; "
        r"run again to make it so\n",
        ended[1].err,
    )
    folder = sample.download("out", tmp_path / "out")
    versions = versions_of(folder)
    assert len(versions) == 2 + published_before
    for version in versions:
        helpers.assert_whole(version)
    helpers.assert_nothing_abandoned(folder)
    lost = re.search(r"version (\w+) is complete", ended[1].err)[1]
    won = helpers.version_of(folder).name
    assert won != lost and {won, lost} <= {version.name for version in versions}


def test_two_equal_runs_at_once_publish_the_same(sample, undisturbed, tmp_path):
    for ended in both(sample, command(sample), command(sample)):
        assert_published(sample, ended, undisturbed, tmp_path)
    assert len(versions_of(tmp_path / "out")) == 1
