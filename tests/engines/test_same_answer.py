"""The same rows and the same statistics, whatever the engine and wherever the files are."""

import itertools
import json

import pytest

from tests import build_helpers as helpers
from tests.build_helpers import ROOT
from tests.engines import jobs
from tests.engines.dataflow_fixtures import run_dataflow_graph
from tests.engines.jobs import SAMPLES, inputs
from transforms.core.model.narratives.schemas import UNIT_TABLES

pytestmark = pytest.mark.engines

ENGINES = ("in-process", "two processes", "flink", "dataflow")
STORES = ("disk", "bucket")
DATA = ("sample", "generated")

COMBINATIONS = [
    ("in-process", "bucket", "sample"),
    ("in-process", "disk", "generated"),
    ("two processes", "disk", "sample"),
    ("two processes", "bucket", "generated"),
    ("flink", "disk", "generated"),
    ("flink", "bucket", "sample"),
    ("dataflow", "disk", "sample"),
    ("dataflow", "bucket", "generated"),
]
"""Every engine meets every store and both data, every store both data."""

UNIT_BYTES = 400_000
SETTINGS = ["--config", ROOT / "configs" / "local.yaml", "--unit-bytes", UNIT_BYTES]


def test_the_combinations_cover_every_pair():
    kinds = (ENGINES, STORES, DATA)
    for one, other in itertools.combinations(range(3), 2):
        covered = {(combination[one], combination[other]) for combination in COMBINATIONS}
        assert covered == set(itertools.product(kinds[one], kinds[other]))


@pytest.fixture(scope="module")
def expected(data, tmp_path_factory):
    """An undisturbed run in this process's engine, from disk to disk, of each data set."""
    outputs = {}
    for name, folder in data.items():
        outputs[name] = tmp_path_factory.mktemp(name)
        ended = jobs.run(*inputs(folder, name), "--output", outputs[name], *SETTINGS)
        assert ended.code == 0, ended.err
    return outputs


def in_process(arguments, bucket, request):
    return jobs.run(*arguments, "--workers", 1, environment=bucket.environment)


def two_processes(arguments, bucket, request):
    return jobs.run(*arguments, "--workers", 2, environment=bucket.environment)


def on_flink(arguments, bucket, request):
    cluster = request.getfixturevalue("flink_cluster")
    cluster.up()  # what other tests have ended of it
    return cluster.run(*arguments, "--parallelism=2", environment=bucket.environment)


def on_dataflow(arguments, bucket, request):
    ended = run_dataflow_graph(arguments, bucket.environment)
    assert ended.jobs and not any(worker.code for worker in ended.workers), ended.workers
    return ended.command


RUN = dict(zip(ENGINES, (in_process, two_processes, on_flink, on_dataflow), strict=True))


@pytest.mark.parametrize(("engine", "store", "name"), COMBINATIONS)
def test_same_rows_and_statistics(request, bucket, data, expected, tmp_path, engine, store, name):
    output = tmp_path / "out"
    root, place = data[name], output
    if store == "bucket":
        root, place = bucket.put_folder(data[name], "data"), f"{bucket.url}/out"
    arguments = [*inputs(root, name), "--output", place, *SETTINGS]
    ended = RUN[engine](arguments, bucket, request)
    assert ended.code == 0, ended.err
    if store == "bucket":
        assert bucket.faults.seen("read", "/data/narratives/")
        bucket.download("out", output)
    helpers.assert_whole(helpers.version_of(output))
    helpers.assert_nothing_abandoned(output)
    assert_equal(output, expected[name])


def assert_equal(output, other):
    """The same files with the same rows in the same order; statistics with the same bytes."""
    assert helpers.statistics_of(output) == helpers.statistics_of(other)
    rows, expected = tables_of(output), tables_of(other)
    assert rows.keys() == expected.keys()
    for path, content in rows.items():
        assert content == expected[path], path
    assert numbers_of(output) == numbers_of(other)


def tables_of(output):
    """Rows of every file of a version's tables, in the file's order."""
    version = helpers.version_of(output)
    return {
        file["path"]: helpers.read_file(version / file["path"])
        for file in helpers.manifest_of(output)["files"]
        if file["table"] in UNIT_TABLES
    }


def numbers_of(output):
    """What a manifest says of units, shards and lines, but for the places of files."""
    manifest = helpers.manifest_of(output)
    keys = ("counts", "shards", "units", "bad_lines", "repeated_keys")
    numbers = {key: manifest[key] for key in keys}
    return json.loads(json.dumps(numbers), object_hook=without_places)


PLACES = ("key", "path", "fingerprint")


def without_places(entry):
    return {key: value for key, value in entry.items() if key not in PLACES}


def test_the_comparison_would_notice(expected, tmp_path):
    """Another rule gives other rows and other statistics, at the same input."""
    arguments = [*inputs(SAMPLES), "--output", tmp_path, *SETTINGS]
    assert jobs.run(*arguments, "--exclude-boxes", "is_group_of").code == 0
    with pytest.raises(AssertionError):
        assert_equal(tmp_path, expected["sample"])
    assert tables_of(tmp_path) != tables_of(expected["sample"])
    assert helpers.statistics_of(tmp_path) != helpers.statistics_of(expected["sample"])
