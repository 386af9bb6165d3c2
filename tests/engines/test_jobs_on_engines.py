"""The jobs beside the main one: the same files, whatever the engine and wherever they are."""

import hashlib
import json
import shutil
from collections.abc import Callable

import pytest

from tests import build_helpers as helpers
from tests.engines import jobs
from tests.engines.dataflow_fixtures import run_dataflow_graph
from tests.pipelines.images import servers
from tests.pipelines.images.conftest import BOXES, SHARDS, Web
from tests.pipelines.open_images.test_open_images import archives

pytestmark = pytest.mark.engines

COLLECTIONS = helpers.ROOT / "tests" / "data" / "collections"


def captions_of(folder):
    shutil.copytree(COLLECTIONS, folder, ignore=shutil.ignore_patterns("*.md"))
    return lambda root: ["--input", f"{root}/*", "--unit-bytes", 2_000]


def releases_of(folder):
    archives(folder)
    return lambda root: ["--input", f"{root}/*.tar.gz", "--unit-bytes", 2_048, "--allow-partial"]


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    with servers.serving() as server:
        yield Web(server, tmp_path_factory.mktemp("web"))


def images_of(folder, web):
    more = ["--images", web.list, "--boxes", *BOXES, "--unit-bytes", 1 << 18]
    ended = jobs.run(*helpers.arguments(folder, SHARDS, *more))
    assert ended.code == 0, ended.err
    size = ("--size", "original", "--unit-images", 7, "--rate", 1_000)
    return lambda root: ["--input", root, *size]


@pytest.fixture(scope="module")
def cases(tmp_path_factory, web) -> dict[str, tuple]:
    """By job: its folder of input, its flags below a root, and what an undisturbed run made."""
    made = {}
    for job in ("captions", "open_images", "images"):
        folder, output = tmp_path_factory.mktemp(job) / "in", tmp_path_factory.mktemp(job) / "out"
        make: Callable = {"captions": captions_of, "open_images": releases_of}.get(job)
        flags = make(folder) if make else images_of(folder, web)
        ended = jobs.run(*flags(folder), "--output", output, module=job)
        assert ended.code == 0, ended.err
        made[job] = (folder, flags, contents_of(output))
    return made


def contents_of(output):
    """Hashes of a version's files by path, and what its manifest counted."""
    manifest, folder = helpers.manifest_of(output), helpers.version_of(output)
    paths = [file["path"] for file in manifest["files"]]
    files = {path: hashlib.sha256((folder / path).read_bytes()).hexdigest() for path in paths}
    assert len(files) > 5 and len(manifest["units"]) > 2
    return files, json.dumps(manifest["counts"], sort_keys=True)


def on_flink(arguments, bucket, request, job):
    cluster = request.getfixturevalue("flink_cluster")
    cluster.up()
    if job == "images":
        reached = cluster.call("reach", request.getfixturevalue("web").server.server_port)
        assert reached.code == 0, reached.err
    module = f"pipelines.{job}"
    flags = ("--parallelism=2",)
    return cluster.run(*arguments, *flags, environment=bucket.environment, module=module)


def on_dataflow(arguments, bucket, request, job):
    ended = run_dataflow_graph(arguments, bucket.environment, module=job)
    assert ended.jobs and not any(worker.code for worker in ended.workers), ended.workers
    return ended.command


def two_processes(arguments, bucket, request, job):
    return jobs.run(*arguments, "--workers", 2, environment=bucket.environment, module=job)


@pytest.mark.parametrize("job", ["captions", "open_images", "images"])
@pytest.mark.parametrize("engine", [two_processes, on_flink, on_dataflow])
def test_the_same_files_from_a_bucket(request, bucket, cases, tmp_path, engine, job):
    folder, flags, expected = cases[job]
    root = bucket.put_folder(folder, "data")
    arguments = [*flags(root), "--output", f"{bucket.url}/out"]
    ended = engine(arguments, bucket, request, job)
    assert ended.code == 0, ended.err
    output = bucket.download("out", tmp_path / "out")
    helpers.assert_nothing_abandoned(output)
    assert contents_of(output) == expected
