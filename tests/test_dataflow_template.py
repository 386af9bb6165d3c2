"""The Flex template: its specification, its parameters' patterns, its image, its main file."""

import json
import pathlib
import re
import subprocess
from fractions import Fraction

import pytest
import yaml
from google.cloud import dataflow_v1beta3 as dataflow

from engines.dataflow import template
from engines.dataflow.main import CATALOG, job_arguments
from engines.dataflow.parameters import LEFT_OUT, template_parameters
from pipelines.build.options import BuildOptions
from pipelines.cli.options import parse_command_line
from transforms.core.base.errors import UsageError

ROOT = pathlib.Path(__file__).parents[1]
IMAGE = "us-central1-docker.pkg.dev/my-project/narratives/template:1.2"
PARAMETERS = {parameter.name: parameter for parameter in template_parameters()}

LAUNCHED = [
    "--job_name=narratives",
    '--labels={\n   "goog-dataflow-provided-template-type" : "flex"\n}\n',
    "--machine_type=e2-standard-4",
    "--output=gs://bucket/out",
    "--project=my-project",
    "--region=us-central1",
    "--runner=DataflowRunner",
    f"--sdk_container_image={IMAGE}",
    "--staging_location=gs://bucket/staging",
    "--temp_location=gs://bucket/temp",
    "--template_location=gs://bucket/staging/template_launches/1/job_object",
]
"""What the launcher gives beside the parameters."""

REQUIRED = {"input": "gs://bucket/a.jsonl", "output": "gs://bucket/out"}

GOOD_AND_BAD = {
    "input": (
        ["gs://bucket/a.jsonl", "gs://my.bucket_1/a b/*-of-*.jsonl.gz,gs://b-c/x", "coco_train"],
        ["", "a.jsonl", "/data/a.jsonl", "gs://bucket", "gs://Bucket/a", "gs://b/a,", "s3://b/a"],
    ),
    "output": (
        ["gs://bucket", "gs://bucket/", "gs://bucket/out/of it"],
        ["", "out", "gs://", "gs://b/a,gs://b/c", "https://bucket/out"],
    ),
    "catalog": (["gs://bucket/c.yaml", "gs://bucket/c.yaml,gs://bucket/d.yaml"], ["c.yaml", ""]),
    "annotations": (
        ["gs://bucket/indexes/annotations-0123"],
        ["indexes/annotations-0123", "gs://bucket", "gs://bucket/a,gs://bucket/b"],
    ),
    "annotations_for": (
        ["mine=coco", "a=coco,b2=open_images"],
        ["mine", "mine=flickr30k", "", "="],
    ),
    "dataset": (["open_images", "mine2"], ["Open Images", "", "a-b"]),
    "split": (["train", "validation", "test"], ["training", "", "train,test"]),
    "sample": (["1", "0.01", "10%"], ["1.5", "-0.1", "101%", ""]),
    "limit": (["1", "20000"], ["0", "-3", "two", ""]),
    "max_distance": (["0", "7", "120"], ["-1", "1.5", "01", ""]),
    "max_distance_per_char": (
        ["0", "0.2", "3", "12.75", "1/7", "1e-20", "0.1234567"],
        ["-0.1", ".5", "1.", "1/0", "1/", "1/-7", "a", ""],
    ),
    "require_trace": (["true", "false"], ["True", "1", "yes", ""]),
    "min_trace_share": (
        ["0", "1", "0.5", "1.0", "50%", "100%"],
        ["1.5", "2", "-0.1", "%", "101%", ""],
    ),
    "min_words": (["1", "20"], ["0", "-3", "two", ""]),
    "plurals": (["true", "false"], ["no"]),
    "subclasses": (["true", "false"], ["no"]),
    "exclude_boxes": (
        ["is_occluded", "is_group_of,is_depiction"],
        ["occluded", "is_group_of, is_depiction", "", "is_inside,"],
    ),
    "tagger": (["en_ud_pos", "none", "en_core_web_sm"], ["", "a b", "../tagger", "a;b"]),
    "unit_bytes": (
        ["1024", "33554432", "32MB", "32MiB", "2048B"],
        ["0", "32M", "32iB", "-1", "1e6", "0MB", ""],
    ),
    "max_bad_share": (["0", "0.01", "1", "1%", "23.5%"], ["1.01", "100.5%", "1 %", ""]),
    "allow_partial": (["true", "false"], ["yes"]),
    "verify_checksums": (["true", "false"], ["no", ""]),
    "repairs": (["true", "false"], ["off"]),
    "guard": (["true", "false"], ["off"]),
    "max_differing_share": (["0", "0.01", "1"], ["1.01", "101%", ""]),
    "min_joined_share": (["0", "0.25", "1"], ["1.01", "101%", ""]),
    "min_boxed_share": (["0", "0.05", "1"], ["1.01", "101%", ""]),
    "max_shrink_share": (["0", "0.01", "1"], ["1.01", "101%", ""]),
    "checks": (["gs://bucket/checks.yaml"], ["checks.yaml", "", "gs://bucket"]),
}


@pytest.fixture(scope="module")
def specification():
    return template.make_specification(IMAGE)


def test_the_specification_is_strictly_a_container_spec(specification):
    parsed = dataflow.ContainerSpec.from_json(json.dumps(specification))
    assert parsed.image == parsed.default_environment.sdk_container_image == IMAGE
    assert parsed.sdk_info.language == dataflow.SDKInfo.Language.PYTHON
    assert parsed.metadata.name and parsed.metadata.description
    assert len(parsed.metadata.parameters) == len(PARAMETERS) > 10


@pytest.mark.parametrize(
    "broken",
    [{"imagee": IMAGE}, {"metadata": {"parameters": [{"name": "a", "paramType": "FOLDER"}]}}],
    ids=["unknown field", "unknown type"],
)
def test_the_parser_is_strict(specification, broken):
    with pytest.raises(Exception, match="no field named|Failed to parse|Invalid enum"):
        dataflow.ContainerSpec.from_json(json.dumps(specification | broken))


def test_workers_are_those_of_the_configuration(specification):
    beam = yaml.safe_load((ROOT / "configs" / "dataflow.yaml").read_text())["beam"]
    environment = dataflow.FlexTemplateRuntimeEnvironment(
        **{
            "machine_type": beam["machine_type"],
            "num_workers": beam["num_workers"],
            "max_workers": beam["max_num_workers"],
            "disk_size_gb": beam["disk_size_gb"],
            "sdk_container_image": IMAGE,
        }
    )
    found = json.dumps(specification["defaultEnvironment"])
    assert dataflow.FlexTemplateRuntimeEnvironment.from_json(found) == environment


def test_parameters_are_options_each_once(specification):
    names = [parameter["name"] for parameter in specification["metadata"]["parameters"]]
    assert len(set(names)) == len(names)
    assert set(names) | set(LEFT_OUT) == set(BuildOptions.model_fields)
    assert not set(names) & set(LEFT_OUT)
    required = {name for name in names if not PARAMETERS[name].is_optional}
    assert required == {"input", "output"}


def test_parameters_are_described(specification):
    for parameter in specification["metadata"]["parameters"]:
        name = parameter["name"]
        assert parameter["label"] and parameter["helpText"].endswith("."), name
        assert "--" not in parameter["helpText"], f"{name} speaks of flags"
        is_list = PARAMETERS[name].is_list
        assert is_list == ("separated by commas" in parameter["helpText"]), name
        assert len(parameter["regexes"]) == 1
    assert PARAMETERS["plurals"].help == BuildOptions.model_fields["plurals"].description
    assert PARAMETERS["max_bad_share"].help.endswith("Default: 0.01.")


def test_every_parameter_is_tried_with_good_and_bad_values():
    assert GOOD_AND_BAD.keys() == PARAMETERS.keys()
    assert all(good and bad for good, bad in GOOD_AND_BAD.values())


def accepted(regex, value):
    """Whether a value matches, as POSIX extended expressions and Python's both say."""
    grep = subprocess.run(["grep", "-qxE", regex], input=f"{value}\n", text=True)
    found = re.fullmatch(regex, value) is not None
    assert (grep.returncode == 0) is found, "the two dialects differ"
    return found


@pytest.mark.parametrize("name", GOOD_AND_BAD)
def test_patterns_take_what_is_good_and_nothing_else(name):
    good, bad = GOOD_AND_BAD[name]
    regex = PARAMETERS[name].regex
    assert [value for value in good if not accepted(regex, value)] == []
    assert [value for value in bad if accepted(regex, value)] == []


@pytest.mark.parametrize("name", GOOD_AND_BAD)
def test_what_a_pattern_takes_the_job_takes(name):
    for value in GOOD_AND_BAD[name][0]:
        given = REQUIRED | {"annotations": "gs://bucket/index", name: value}
        options = parsed([f"--{key}={text}" for key, text in given.items()])
        found = getattr(options, name)
        shown = ",".join(found) if isinstance(found, list) else str(found)
        assert shown.lower() == value.lower() or Fraction(shown) == in_numbers(value)


def in_numbers(value):
    """A number with its unit as a fraction."""
    units = {"%": Fraction(1, 100), "MiB": 1 << 20, "MB": 10**6, "B": 1}
    unit = next((unit for unit in units if value.endswith(unit)), "")
    return Fraction(value.removesuffix(unit)) * units.get(unit, 1)


def parsed(flags):
    """The main job's options for what the launcher gives."""
    options, _ = parse_command_line(BuildOptions, job_arguments(flags), "job", "")
    return options


def test_defaults_are_those_of_the_options(specification):
    for parameter in specification["metadata"]["parameters"]:
        if default := parameter.get("defaultValue"):
            assert accepted(parameter["regexes"][0], default)
            required = [f"--{key}={text}" for key, text in REQUIRED.items()]
            options = parsed([*required, f"--{parameter['name']}={default}"])
            assert options == parsed(required), parameter["name"]


def test_launchers_flags_become_the_jobs():
    flags = ["--input=gs://bucket/a*.jsonl,gs://bucket/b.jsonl", "--plurals=true", "--split="]
    options, beam_args = parse_command_line(
        BuildOptions, job_arguments([*LAUNCHED, *flags, "--require_trace=false"]), "job", ""
    )
    assert options.input == ["gs://bucket/a*.jsonl", "gs://bucket/b.jsonl"]
    assert (options.output, options.runner) == ("gs://bucket/out", "DataflowRunner")
    assert (options.plurals, options.require_trace, options.split) == (True, False, None)
    assert not options.wait
    assert options.catalog == [str(CATALOG)] and CATALOG.exists()
    assert options.labels == []  # files of image labels; the launcher's are Beam's
    from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions

    beam = PipelineOptions(beam_args).view_as(GoogleCloudOptions)
    (label,) = beam.labels
    assert json.loads(label) == {"goog-dataflow-provided-template-type": "flex"}
    assert beam.template_location.endswith("job_object")
    assert (beam.job_name, beam.project) == ("narratives", "my-project")


def test_a_catalog_of_ones_own_takes_the_place_of_the_official_one():
    given = ["--input=mine", "--output=gs://bucket/out", "--catalog=gs://bucket/c.yaml"]
    assert parsed(given).catalog == ["gs://bucket/c.yaml"]


def test_a_truth_value_that_is_none_is_refused():
    with pytest.raises(UsageError, match="`plurals`: write true or false"):
        job_arguments(["--plurals=yes"])


@pytest.mark.parametrize("image", ["", "template", "Narratives:1", "a/b", "a/b:1 --tag c"])
def test_an_image_that_cannot_be_pushed_is_refused(image):
    with pytest.raises(UsageError, match="is no image name"):
        template.make_specification(image)


def test_image_has_the_tested_beam_and_all_that_is_copied():
    dockerfile = (ROOT / "engines" / "dataflow" / "Dockerfile").read_text()
    constraints = (ROOT / "constraints.txt").read_text()
    assert f"apache-beam=={re.search('ARG BEAM=(.*)', dockerfile)[1]}\n" in constraints
    copied = re.findall("^COPY (?!--from)(.*) [^ ]+$", dockerfile, re.MULTILINE)
    tops = {name.split("/")[0] for name in template.SOURCES}
    assert {name.split("/")[0] for name in " ".join(copied).split()} == tops


def test_template_is_written(tmp_path, capsys):
    assert template.main(["--image", IMAGE, "--output", str(tmp_path)]) == 0
    written = json.loads((tmp_path / "template.json").read_text())
    assert written == template.make_specification(IMAGE)
    context = tmp_path / "image"
    for name in ("Dockerfile", "setup.py", "configs/catalog.yaml", "engines/dataflow/main.py",
                 "transforms/core/data/coco-classes.csv", "pipelines/build/job.py"):  # fmt: skip
        assert (context / name).is_file(), name
    assert not list(context.rglob("__pycache__"))
    assert f"gcloud builds submit {context} --tag {IMAGE}" in capsys.readouterr().out
