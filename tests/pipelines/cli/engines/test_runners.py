"""From options to an engine's flags, and from an engine's errors to sentences."""

import sys

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipelines.cli import beam_options, log
from pipelines.cli.engines import runners
from pipelines.cli.options import Options
from transforms.core.base.errors import (
    WORKER_ENDED,
    ChangedError,
    EngineError,
    UsageError,
    name_unit,
)


class PipelineMade(Exception):
    """Raised in place of making a pipeline."""


def given_to_beam(monkeypatch, options, *beam_args):
    """What Beam's options are when the pipeline is made."""
    made = {}

    def make(runner, options: PipelineOptions):
        made.update(options.get_all_options())
        if runner:
            made["runner"] = runner
        raise PipelineMade

    monkeypatch.setattr(beam, "Pipeline", make)
    with pytest.raises(PipelineMade), runners.create_pipeline(options, beam_args):
        pass
    return made


@pytest.mark.parametrize("name", ["local", "DirectRunner", "FnApiRunner"])
def test_the_local_engine_is_named_so_that_no_download_is_looked_for(monkeypatch, name):
    for workers in (1, 3):
        made = given_to_beam(monkeypatch, Options(runner=name, workers=workers))
        assert isinstance(made["runner"], FnApiRunner)
        assert made["direct_num_workers"] == workers


@pytest.mark.parametrize("name", ["flink", "FlinkRunner"])
def test_flink_has_defaults_which_the_file_and_then_flags_replace(monkeypatch, name):
    made = given_to_beam(monkeypatch, Options(runner=name))
    assert (made["runner"], made["flink_master"]) == ("FlinkRunner", "localhost:8081")
    assert made["environment_type"] == "LOOPBACK" and made["setup_file"] is None
    options = Options(runner=name, beam={"flink_master": "there:1", "parallelism": 3})
    made = given_to_beam(monkeypatch, options, "--parallelism=5", "--environment_type=EXTERNAL")
    assert (made["flink_master"], made["parallelism"]) == ("there:1", 5)
    assert made["environment_type"] == "EXTERNAL"


DATAFLOW = {"temp_location": "gs://bucket/tmp", "labels": ["a=1", "b=2"], "project": "our-project"}


@pytest.fixture
def openable(monkeypatch):
    """Google Cloud Storage answers; returns the paths that were asked for."""
    asked = []
    monkeypatch.setattr(runners.storage, "exists", asked.append)
    return asked


def test_dataflow_gets_the_code_unless_it_is_in_an_image(monkeypatch, openable):
    made = given_to_beam(monkeypatch, Options(runner="dataflow", beam=DATAFLOW))
    assert made["runner"] == "DataflowRunner" and made["labels"] == ["a=1", "b=2"]
    assert made["setup_file"].endswith("/setup.py")
    assert made["number_of_worker_harness_threads"] == 1
    image = {"sdk_container_image": "region-docker.pkg.dev/our-project/images/narratives"}
    made = given_to_beam(monkeypatch, Options(runner="dataflow", beam=DATAFLOW | image))
    assert made["setup_file"] is None
    assert openable == ["gs://bucket/tmp/credentials"] * 2


def test_dataflow_without_a_bucket_is_refused_at_once():
    with pytest.raises(UsageError, match="give temp_location, for example gs://BUCKET/tmp"):
        with runners.create_pipeline(Options(runner="dataflow", beam={"project": "our-project"})):
            pass


def test_beams_options_become_flags():
    values = {"project": "x y", "parallelism": 2, "labels": ["a=1", "b=2"], "experiments": []}
    flags = ["--project=x y", "--parallelism=2", "--labels=a=1", "--labels=b=2"]
    assert beam_options.to_flags(values) == flags


@pytest.mark.parametrize(
    ("name", "value", "flags"),
    [
        ("save_main_session", True, ["--save_main_session"]),
        ("save_main_session", False, ["--no_save_main_session"]),
        ("use_public_ips", False, ["--no_use_public_ips"]),
        ("no_use_public_ips", True, ["--no_use_public_ips"]),
        ("no_use_public_ips", False, []),
        ("dry_run", True, ["--dry_run=True"]),
    ],
)
def test_truth_values_become_flags_that_beam_understands(name, value, flags):
    assert beam_options.to_flags({name: value}) == flags
    given = PipelineOptions(flags).get_all_options()
    assert name not in given or bool(given[name]) is value


@pytest.mark.parametrize("engine", ["flink", "dataflow"])
@pytest.mark.parametrize(
    ("options", "flags", "handed_over"),
    [
        ({}, [], False),
        ({"wait": False}, [], True),
        ({}, ["--template_location=gs://a/b"], True),
        ({}, ["--dry_run"], True),
        ({}, ["--dry_run=True"], True),
        ({}, ["--dry_run=False"], False),
        ({"beam": {"no_wait_until_finish": True}}, [], True),
        ({"beam": {"template_location": "gs://a/b"}}, [], True),
    ],
)
def test_jobs_that_nobody_waits_for_are_known_and_fail(engine, options, flags, handed_over):
    options = Options(runner=engine, **options)
    assert runners.is_detached(options, flags) is handed_over
    assert runners.fails_jobs(options, flags) is (handed_over or engine == "dataflow")


def test_a_local_run_is_never_handed_over():
    assert not runners.is_detached(Options(wait=False), ["--no_wait_until_finish"])
    assert not runners.fails_jobs(Options(wait=False))


def test_a_job_on_flink_is_not_left_to_workers_that_end_with_the_command(monkeypatch):
    options = Options(runner="flink", wait=False)
    with pytest.raises(UsageError, match="must outlive this command: give job_endpoint"):
        with runners.create_pipeline(options):
            pass
    stays = ["--job_endpoint=localhost:8099", "--environment_type=EXTERNAL"]
    assert given_to_beam(monkeypatch, options, *stays)["no_wait_until_finish"]


FAILURES = [
    (UsageError("'a' is wrong [while running 'Read/Read']"), UsageError, "'a' is wrong"),
    (EngineError("no answer"), EngineError, "no answer"),
    (
        RuntimeError(f"Traceback …\n{UsageError.__module__}.UsageError: 'a' is wrong\n\nmore"),
        UsageError,
        "'a' is wrong",
    ),
    (
        RuntimeError(f"Traceback …\n{EngineError.__module__}.EngineError: no answer\n"),
        EngineError,
        "no answer",
    ),
    (
        RuntimeError(f"Traceback …\n{UsageError.__module__}.ChangedError: 'a' was changed\n"),
        ChangedError,
        "'a' was changed",
    ),
]


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.long)])
@pytest.mark.parametrize(("error", "kind", "message"), FAILURES)
def test_errors_of_stages_are_told_as_they_were_raised(error, kind, message, workers, capfd):
    def fail(_):
        raise error

    with pytest.raises(kind) as raised:
        with runners.create_pipeline(Options(workers=workers)) as pipeline:
            _ = pipeline | beam.Create([0]) | beam.Map(fail)
    assert str(raised.value) == message
    assert capfd.readouterr().err == ""


def test_beams_usage_is_an_error_where_messages_are_events(capfd):
    log.begin(["--log-format", "json"], "narratives build")
    with pytest.raises(UsageError, match=r"^Beam's options: argument --parallelism: invalid int"):
        with runners.create_pipeline(Options(), ["--parallelism=abc"]):
            pass
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_of_stages_name_stage_and_unit(workers):
    def fail(_):
        error = ChangedError("'a' was changed")
        name_unit(error, "a-0001-ff")
        raise error

    with pytest.raises(ChangedError) as raised:
        with runners.create_pipeline(Options(workers=workers)) as pipeline:
            _ = pipeline | beam.Create([0]) | "Align" >> beam.Map(fail)
    assert (raised.value.stage, raised.value.unit) == ("Align", "a-0001-ff")


def test_workers_that_never_connect_are_told(monkeypatch, capfd):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(EngineError, match=f"^the run failed: {WORKER_ENDED}; finished units"):
        with runners.create_pipeline(Options(workers=2)) as pipeline:
            _ = pipeline | beam.Create([0]) | beam.Map(print)
    assert capfd.readouterr().err == ""


def say_and_divide(number):
    print("last words", file=sys.stderr)
    return 1 / number


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.long)])
def test_other_errors_are_told_in_a_line_and_kept_whole_in_a_file(workers, capfd):
    with pytest.raises(EngineError, match="the run failed: .*division by zero") as raised:
        with runners.create_pipeline(Options(workers=workers)) as pipeline:
            _ = pipeline | beam.Create([0]) | beam.Map(say_and_divide)
    path = str(raised.value).rpartition(" is in ")[2]
    with open(path) as log:
        kept = log.read()
    assert "Traceback" in kept
    shown = capfd.readouterr().err
    if workers == 1:
        assert shown == "last words\n" and "last words" not in kept
    else:  # what worker processes say is kept with the traceback, and shown nowhere else
        assert shown == "" and "last words\n" in kept
