"""What Dataflow would receive: submissions, templates, staged code; and what the graph computes."""

import contextlib
import hashlib
import json
import os
import subprocess
import sys

import pytest
import yaml
from google.auth.credentials import AnonymousCredentials
from google.cloud import dataflow_v1beta3 as dataflow

from engines.dataflow import template
from pipelines.build.job import main
from tests import build_helpers as helpers
from tests.build_helpers import ROOT
from tests.engines import jobs
from tests.engines.dataflow_fixtures import (
    PROJECT,
    REGION,
    bare_python,
    dataflow_service,
    graph_of,
    install,
    launcher_flags,
    run_dataflow_graph,
    run_graph,
)
from tests.engines.dataflow_stub import FAILED
from tests.engines.servers.bucket import Bucket
from tests.test_imports import MODULES

pytestmark = pytest.mark.engines

CONFIG = ROOT / "configs" / "dataflow.yaml"
IMAGE = "us-central1-docker.pkg.dev/test-project/narratives/template:1"
MAIN_SESSION = "pickled_main_session"

IMPORT_ALL = """
import importlib, json, pathlib, pkgutil, sys
import engines, pipelines, transforms
from transforms.core.base.versions import folder_version
packages = (engines, pipelines, transforms)
names = [module.name for package in packages
         for module in pkgutil.walk_packages(package.__path__, package.__name__ + ".")]
for name in names:
    if not name.startswith("engines.airflow."):  # for an environment with Airflow
        importlib.import_module(name)
folders = [pathlib.Path(pipelines.__file__).parents[1] / name for name in sys.argv[1:]]
json.dump([names, [folder_version(folder) for folder in folders]], sys.stdout)
"""
"""Imports every module of the package; prints their names and the hashes of some folders."""

FOLDERS = ("transforms", "pipelines/build", "pipelines/cli")
"""Folders of which all that is there is packaged."""


@pytest.fixture(scope="module")
def store(emulator):
    """A bucket with the sample and an index of its annotations."""
    bucket = Bucket(emulator)
    bucket.put_folder(jobs.SAMPLES, "samples")
    flags = [*jobs.annotations(f"{bucket.url}/samples"), "--output", f"{bucket.url}/indexes"]
    ended = jobs.run(*flags, module="index_annotations", environment=bucket.environment)
    assert ended.code == 0, ended.err
    return bucket


@pytest.fixture(scope="module")
def environment(store, tmp_path_factory):
    """Variables with which a process reaches the bucket."""
    cache = tmp_path_factory.mktemp("cache")
    return store.environment | {"LOCALIZED_NARRATIVES_CACHE": str(cache)}


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What the job makes of the sample in one process."""
    output = tmp_path_factory.mktemp("expected")
    with contextlib.chdir(ROOT):
        assert main(["--config", "configs/local.yaml", "--output", str(output)]) == 0
    return output


def parameters(store, output):
    """What a template is launched with."""
    (index,) = {name.split("/")[1] for name in store.names("indexes/")}
    samples = f"{store.url}/samples/narratives"
    return {
        "annotations": f"{store.url}/indexes/{index}",
        "input": f"{samples}/*localized_narratives*.jsonl,{samples}/odd_and_bad.jsonl",
        "max_bad_share": "0.1",
        "output": f"{store.url}/{output}",
    }


def configured(store, output, folder):
    """The configuration that is shipped, over the sample and its ready index."""
    values = yaml.safe_load(CONFIG.read_text()) | parameters(store, output)
    values["input"] = values["input"].split(",")
    for kind in ("images", "labels", "boxes"):
        del values[kind]
    path = folder / "dataflow.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


@pytest.fixture(scope="module")
def submitted(store, environment, tmp_path_factory):
    """What the command submits, with the configuration that is shipped."""
    config = configured(store, "out", tmp_path_factory.mktemp("config"))
    with dataflow_service(environment, f"{store.url}/submitted") as (stub, flags, variables):
        ended = jobs.run("--config", config, "--no-wait", *flags, environment=variables)
    assert ended.code == 0, ended.err
    (recorded,) = stub.recorded
    return recorded


def staged_names(store, prefix):
    """Names of what was staged below a prefix, without the folders of the job."""
    return {name.rsplit("/", 1)[1] for name in store.names(f"{prefix}/staging/")}


def staged_file(store, submitted, name):
    """The bytes of a file that was staged beside the graph."""
    folder = graph_of(submitted.body).removeprefix(f"{store.url}/").rpartition("/")[0]
    return store.get(f"{folder}/{name}")


def test_the_submission_is_strictly_a_job(submitted):
    job = dataflow.Job.from_json(json.dumps(submitted.body))
    assert job.type_ == dataflow.JobType.JOB_TYPE_BATCH
    assert (submitted.project, submitted.region) == (PROJECT, REGION)
    with pytest.raises(Exception, match="no field named"):
        dataflow.Job.from_json(json.dumps(submitted.body | {"nameOfTheJob": "x"}))


def test_the_submission_carries_the_configuration(store, submitted):
    beam = yaml.safe_load(CONFIG.read_text())["beam"]
    environment = dataflow.Job.from_json(json.dumps(submitted.body)).environment
    (pool,) = environment.worker_pools
    assert pool.machine_type == beam["machine_type"]
    assert pool.num_workers == beam["num_workers"]
    assert pool.autoscaling_settings.max_num_workers == beam["max_num_workers"]
    assert pool.disk_size_gb == beam["disk_size_gb"]
    assert pool.num_threads_per_worker == beam["number_of_worker_harness_threads"] == 1
    place = f"storage.googleapis.com/{store.name}/submitted"
    assert environment.temp_storage_prefix.startswith(f"{place}/temp/")
    assert all(package.location.startswith(f"{place}/staging/") for package in pool.packages)
    assert [f"{key}={value}" for key, value in submitted.body["labels"].items()] == beam["labels"]


def test_the_graph_and_the_package_are_staged_and_no_session(store, submitted):
    names = staged_names(store, "submitted")
    assert {"pipeline.pb", "workflow.tar.gz"} <= names
    assert not [name for name in names if MAIN_SESSION in name]
    options = submitted.body["environment"]["sdkPipelineOptions"]["options"]
    graph = staged_file(store, submitted, "pipeline.pb")
    assert options["pipelineProtoHash"] == hashlib.sha256(graph).hexdigest()
    assert not options["save_main_session"]
    (pool,) = submitted.body["environment"]["workerPools"]
    assert MAIN_SESSION not in json.dumps(pool["packages"])


@pytest.fixture(scope="module")
def worker_python(store, submitted, tmp_path_factory):
    """Python of an environment like a worker's: declared dependencies and the staged package."""
    package, python = tmp_path_factory.mktemp("staged") / "workflow.tar.gz", bare_python()
    package.write_bytes(staged_file(store, submitted, package.name))
    install(python, "--no-deps", "--force-reinstall", package)
    return python


def test_the_staged_package_is_complete_with_what_it_declares(worker_python, tmp_path):
    ended = subprocess.run(
        [worker_python, "-P", "-c", IMPORT_ALL, *FOLDERS],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    names, versions = json.loads(ended.stdout)
    assert {*names, "engines", "pipelines", "transforms"} == MODULES
    from transforms.core.base.versions import folder_version

    assert versions == [folder_version(ROOT / name) for name in FOLDERS]


def test_the_submitted_graph_gives_the_same_answer_on_a_worker(
    store, environment, submitted, worker_python, expected, tmp_path
):
    ended = run_graph(graph_of(submitted.body), environment, worker_python)
    assert ended.code == 0, ended.err
    output = store.download("out", tmp_path)
    helpers.assert_whole(helpers.version_of(output))
    helpers.assert_same_results(output, expected)


def test_a_dry_run_leaves_nothing(store, environment, tmp_path):
    before = store.names()
    config = configured(store, "dry", tmp_path)
    with dataflow_service(environment, f"{store.url}/dry") as (stub, flags, variables):
        ended = jobs.run("--config", config, "--dry_run=True", *flags, environment=variables)
    assert ended.code == 0, ended.err
    assert stub.recorded == []
    assert store.names() == before


def test_a_classic_template_can_be_launched(store, environment, expected, tmp_path):
    config, place = configured(store, "classic/out", tmp_path), f"{store.url}/classic"
    with dataflow_service(environment, place) as (stub, flags, variables):
        more = f"--template_location={place}/template"
        ended = jobs.run("--config", config, more, *flags, environment=variables)
        assert ended.code == 0, ended.err
        assert stub.recorded == []
        client(dataflow.TemplatesServiceClient, stub).launch_template(
            dataflow.LaunchTemplateRequest(
                project_id=PROJECT,
                location=REGION,
                gcs_path=f"{place}/template",
                launch_parameters=dataflow.LaunchTemplateParameters(job_name="classic"),
            )
        )
        assert [recorded.kind for recorded in stub.recorded] == ["templates"]
    made = json.loads(store.get("classic/template"))
    assert dataflow.Job.from_json(json.dumps(made)).environment.worker_pools[0].num_workers
    assert run_graph(graph_of(made), environment).code == 0
    helpers.assert_same_results(store.download("classic/out", tmp_path / "out"), expected)


def client(kind, stub):
    """A client of Google's that talks to the stub."""
    return kind(
        credentials=AnonymousCredentials(),
        transport="rest",
        client_options={"api_endpoint": stub.endpoint},
    )


def test_a_job_that_fails_on_the_service_fails_here(store, environment, tmp_path):
    def fail(stub, recorded):
        stub.set_state(recorded.job_id, FAILED, "Traceback: OSError: the workers are gone")

    config = configured(store, "failed", tmp_path)
    with dataflow_service(environment, f"{store.url}/f", fail) as (_, flags, variables):
        ended = jobs.run("--config", config, *flags, environment=variables)
    assert ended.code == 4, ended.err
    assert "the workers are gone" in ended.err, ended.err
    assert not store.names("failed/versions") and "failed/CURRENT" not in store.names("failed/")


def test_index_and_job_run_one_after_the_other(store, environment, expected, tmp_path):
    output = f"{store.url}/two"
    arguments = [*jobs.inputs(f"{store.url}/samples"), "--output", output, "--max-bad-share", 0.1]
    run = run_dataflow_graph(arguments, environment)
    assert [worker.code for worker in run.workers] == [0, 0], run.workers[-1].err
    assert run.command.code == 0, run.command.err
    assert len(run.jobs) == 2
    helpers.assert_same_results(store.download("two", tmp_path), expected)


@pytest.fixture(scope="module")
def flex(tmp_path_factory):
    """A Flex template: its specification, and the folder from which its image is built."""
    output = tmp_path_factory.mktemp("flex")
    assert template.main(["--image", IMAGE, "--output", str(output)]) == 0
    return json.loads((output / "template.json").read_text()), output / "image"


def launch(flex, store, environment, name):
    """Launches the template by Google's client; returns the job that its image leaves.

    The stub takes the request; checking it and starting the main file is done here in the
    service's place.
    """
    specification, image = flex
    with dataflow_service(environment, f"{store.url}/flex") as (stub, _, variables):
        request = dataflow.LaunchFlexTemplateRequest(
            project_id=PROJECT,
            location=REGION,
            launch_parameter=dataflow.LaunchFlexTemplateParameter(
                job_name=name,
                container_spec_gcs_path=f"{store.url}/templates/narratives.json",
                parameters=parameters(store, "flex/out"),
                environment=dataflow.FlexTemplateRuntimeEnvironment(max_workers=7),
            ),
        )
        client(dataflow.FlexTemplatesServiceClient, stub).launch_flex_template(request)
        (recorded,) = stub.recorded
        flags = launcher_flags(recorded.body["launchParameter"], specification, f"{store.url}/flex")
        ended = start_main_file(image, flags, variables)
    assert ended.returncode == 0, ended.stderr
    return json.loads(store.get(f"flex/staging/template_launches/{name}/job_object"))


def start_main_file(image, flags, variables):
    """Starts the main file as in the image: from the context, and with its code alone."""
    kept = {name: os.environ[name] for name in ("HOME", "PATH", "TMPDIR") if name in os.environ}
    return subprocess.run(
        [sys.executable, image / "engines" / "dataflow" / "main.py", *flags],
        cwd=image,
        env=kept | variables | {"PYTHONPATH": str(image)},
        capture_output=True,
        text=True,
        timeout=jobs.TIMEOUT_SECONDS,
    )


def test_a_flex_template_makes_a_job_each_time(flex, store, environment, expected, tmp_path):
    made = launch(flex, store, environment, "first")
    job = dataflow.Job.from_json(json.dumps(made))
    (pool,) = job.environment.worker_pools
    assert [image.container_image for image in pool.sdk_harness_container_images] == [IMAGE]
    assert pool.num_threads_per_worker == 1
    assert pool.autoscaling_settings.max_num_workers == 7
    assert made["labels"] == {"goog-dataflow-provided-template-type": "flex"}
    assert "workflow.tar.gz" not in staged_names(store, "flex")  # the image has it
    assert run_graph(graph_of(made), environment).code == 0
    output = store.download("flex/out", tmp_path / "first")
    helpers.assert_same_results(output, expected)
    catalog = str(flex[1] / "configs" / "catalog.yaml")
    assert helpers.manifest_of(output)["configuration"]["catalog"] == [catalog]

    # The service takes a launch that leaves no job for a failed one: here is one without work.
    again = launch(flex, store, environment, "again")
    before = store.names("flex/out/")
    assert run_graph(graph_of(again), environment).code == 0
    names = set(store.names("flex/out/"))
    assert names >= set(before)
    (outcome,) = names - set(before)
    assert json.loads(store.get(outcome))["status"] == "published"
    assert store.get("flex/out/CURRENT") == (output / "CURRENT").read_bytes()


def test_a_launch_that_the_job_cannot_carry_out_says_why(flex, environment):
    flags = ["--input=gs://bucket/a", "--output=gs://bucket/out", "--plurals=maybe"]
    ended = start_main_file(flex[1], flags, environment)
    assert ended.returncode == 2
    assert "parameter `plurals`: write true or false" in ended.stderr
