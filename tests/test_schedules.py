"""Files for schedules: parsed strictly, and their commands by our own options."""

import configparser
import json
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

import pytest
import yaml
from google.cloud import dataflow_v1beta3 as dataflow
from google.protobuf import json_format

from engines.dataflow.parameters import template_parameters
from pipelines.build.options import BuildOptions
from pipelines.cli.options import parse_command_line
from pipelines.versions.commands import COMMANDS
from tests import build_helpers as helpers

ROOT = pathlib.Path(__file__).parents[1]
SYSTEMD = ROOT / "engines" / "systemd"
KUBERNETES = ROOT / "engines" / "flink" / "kubernetes"
SCHEDULES = (ROOT / "docs" / "schedules.md").read_text()


def unit(name):
    """A unit's settings; a key may be there several times."""
    found = {}
    for line in (SYSTEMD / name).read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def parse(arguments, config):
    """Parses a command of `narratives` as it does, with the configuration that it names."""
    job, *rest = arguments
    rest = [str(config) if word == "/etc/narratives/build.yaml" else word for word in rest]
    if job == "build":
        return parse_command_line(BuildOptions, rest, "build", "")
    assert job == "versions"
    return parse_command_line(COMMANDS[rest[0]].options, rest[1:], "versions", "")


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "build.yaml"
    path.write_text("input: a.jsonl\noutput: /srv/narratives\n")
    return path


def test_the_commands_of_the_service_are_ours(config):
    commands = [shlex.split(line) for line in unit("narratives.service")["ExecStart"]]
    (_, *build), (_, *prune) = commands
    options, beam = parse(build, config)
    assert options.if_changed and options.if_running == "skip" and options.metrics and not beam
    options, _ = parse(prune, config)
    assert options.log_format == "json"
    assert options.output == "/srv/narratives" and options.keep_last == 7 and options.keep_tagged


def test_the_service_treats_exit_codes_as_they_are_meant():
    service = unit("narratives.service")
    assert service["SuccessExitStatus"] == ["5 6"]
    assert service["Restart"] == ["on-failure"]
    assert service["RestartPreventExitStatus"] == ["2 3"]
    assert int(service["TimeoutStopSec"][0]) > 10


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd")
def test_systemd_finds_nothing_wrong(tmp_path):
    for name in ("narratives.service", "narratives.timer"):
        text = (SYSTEMD / name).read_text()
        text = text.replace("/opt/narratives/bin/narratives", sys.executable)
        (tmp_path / name).write_text(text.replace("User=narratives", "User=root"))
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / "narratives.timer"),
               str(tmp_path / "narratives.service")]  # fmt: skip
    found = subprocess.run(command, capture_output=True, text=True)
    ours = [line for line in found.stderr.splitlines() if "narratives" in line]
    assert ours == [] and found.returncode == 0, found.stderr
    (moment,) = unit("narratives.timer")["OnCalendar"]
    calendar = subprocess.run(["systemd-analyze", "calendar", moment], capture_output=True)
    assert calendar.returncode == 0


def test_unit_files_have_the_sections_that_they_need():
    for name, sections in {"narratives.service": {"Unit", "Service"},
                           "narratives.timer": {"Unit", "Timer", "Install"}}.items():  # fmt: skip
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        parser.optionxform = str
        parser.read(SYSTEMD / name)
        assert set(parser.sections()) == sections


def test_the_lines_of_cron_are_commands_of_ours(config):
    lines = re.findall(r"^30 2 \* \* \* +(.+)$", SCHEDULES, re.M)
    for line, log_format in zip(lines, ("text", "json"), strict=True):
        command = line.partition(" >>")[0].split("/opt/narratives/bin/narratives ")[1]
        options, _ = parse(shlex.split(command), config)
        assert options.if_changed and options.if_running == "skip"
        assert options.log_format == log_format


def test_a_loop_as_of_cron_does_the_work_once(tmp_path, capsys):
    shard = helpers.write_lines(tmp_path / "a.jsonl", helpers.lines_of(helpers.REAL, 0, 1))
    more = ["--if-changed", "--if-running", "skip"]
    codes = [helpers.build(tmp_path / "out", [shard], *more) for _ in range(3)]
    helpers.write_lines(shard, helpers.lines_of(helpers.REAL, 0, 1, 2))
    codes += [helpers.build(tmp_path / "out", [shard], *more) for _ in range(2)]
    assert codes == [0, 5, 5, 0, 5]
    assert len(list((tmp_path / "out" / "versions").iterdir())) == 2
    capsys.readouterr()


def test_the_cron_job_of_kubernetes_runs_what_the_job_does():
    cron = yaml.safe_load((KUBERNETES / "cronjob.yaml").read_text())
    _, job = yaml.safe_load_all((KUBERNETES / "flink.yaml").read_text())
    assert (cron["apiVersion"], cron["kind"]) == ("batch/v1", "CronJob")
    assert cron["spec"]["concurrencyPolicy"] == "Forbid"
    own = cron["spec"]["jobTemplate"]["spec"]
    (container,) = own["template"]["spec"]["containers"]
    (other,) = job["spec"]["template"]["spec"]["containers"]
    args = [argument for argument in container["args"] if argument != "--if-running=wait"]
    assert args == other["args"] and container["image"] == other["image"]
    (rule,) = own["podFailurePolicy"]["rules"]
    assert rule["onExitCodes"]["values"] == [2, 3]
    assert rule["onExitCodes"]["containerName"] == container["name"]
    assert own["template"]["spec"]["restartPolicy"] == "Never"  # podFailurePolicy asks for it
    parse_command_line(BuildOptions, container["args"], "build", "")


def test_the_body_of_cloud_scheduler_is_strictly_a_launch_of_our_template():
    body = json.loads((ROOT / "engines" / "dataflow" / "launch.json").read_text())
    launch = dataflow.LaunchFlexTemplateRequest.pb()()
    json_format.ParseDict(body, launch)
    known = {parameter.name: parameter for parameter in template_parameters()}
    given = launch.launch_parameter.parameters
    for name, value in given.items():
        assert re.fullmatch(known[name].regex, value), name
    needed = {name for name, parameter in known.items() if not parameter.is_optional}
    assert needed <= given.keys()
