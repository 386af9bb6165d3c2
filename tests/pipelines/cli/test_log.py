"""Events: every line on standard error is one, whatever a command does and however it ends."""

import ast
import datetime
import functools
import json
import pathlib
import re
import signal
import subprocess
import sys
import threading
import typing

import pytest

from pipelines import index_annotations, synthesize
from pipelines.__main__ import main as narratives
from pipelines.build import job
from pipelines.cli import log
from pipelines.cli.engines import local_advice
from pipelines.cli.process import run_command
from tests import build_helpers as helpers
from tests.engines import jobs
from tests.pipelines.replay.helpers import repaired_lines, write_rows
from tests.pipelines.versions.helpers import copy_output
from transforms.units import lease
from transforms.units.runs import new_run

JSON = ("--log-format", "json")
UNIT_BYTES = ("--unit-bytes", "100000")
SHARDS = [helpers.ODD_AND_BAD, helpers.REAL]


def parse(lines):
    """Events of standard error, all of whose lines are one."""
    events = [json.loads(line) for line in lines.splitlines()]
    for event in events:
        time = datetime.datetime.fromisoformat(event["time"])
        assert time.utcoffset() == datetime.timedelta() and event["level"] in log._PREFIXES
        assert event["event"] in typing.get_args(log.Event) and event["message"]
        assert event["command"]
    assert [event["event"] for event in events].index("run_ended") == len(events) - 1
    return events


def called(capsys, main, *arguments):
    """Calls a command as its process does; returns exit code, standard output and events."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        run_command(lambda: main([*map(str, arguments)]))
    printed = capsys.readouterr()
    events = parse(printed.err)
    assert events[-1]["exit_code"] == end.value.code
    return end.value.code, printed.out, events


def built(capsys, output, shards, *more):
    return called(capsys, job.main, *helpers.arguments(output, shards, *UNIT_BYTES, *JSON, *more))


def names(events):
    return [event["event"] for event in events]


def the(events, name):
    (event,) = (event for event in events if event["event"] == name)
    return event


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A version of the odd and the real shard."""
    output = tmp_path_factory.mktemp("original") / "out"
    assert helpers.build(output, SHARDS, *UNIT_BYTES) == 0
    return output


@pytest.fixture
def output(original, tmp_path):
    """A copy of it."""
    return copy_output(original, tmp_path / "out")


def test_a_run_is_events_and_its_summary_stays_where_it_was(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(local_advice, "_is_compiled", lambda: False)
    code, out, events = built(capsys, tmp_path / "out", SHARDS, "--profile")
    manifest = helpers.manifest_of(tmp_path / "out")
    units = [event for event in events if event["event"] == "unit_finished"]
    assert code == 0 and out.startswith("\nVersion ") and "{" not in out
    assert {(unit["unit"], unit["shard"]) for unit in units} == {
        (unit["key"], unit["shard"]) for unit in manifest["units"]
    }
    size = sum(unit["bytes"] for unit in units)
    assert size == sum(shard.stat().st_size for shard in SHARDS)
    assert (units[-1]["units_done"], units[-1]["bytes_done"]) == (len(units), size)
    assert {(unit["units_total"], unit["bytes_total"]) for unit in units} == {(len(units), size)}
    assert list(dict.fromkeys(names(events))) == [
        "run_planned", "advice", "unit_finished", "stage_profiled", "published", "lines_rejected",
        "run_ended",
    ]  # fmt: skip
    stages = {event["stage"]: event for event in events if event["event"] == "stage_profiled"}
    assert {"ReadNarratives", "WriteUnit", "PublishVersion"} < stages.keys()
    assert stages["WriteUnit"]["seconds"] > 0
    assert the(events, "run_planned")["units"] == len(units)
    assert the(events, "advice")["message"].startswith("Compiling kernels: ")
    end = events[-1]
    assert (end["status"], end["retryable"], end["level"]) == ("published", False, "info")
    assert end["version"] == manifest["version"] and end["seconds"] > 0
    assert {event["run"] for event in events} == runs_of(tmp_path / "out")
    assert {event["command"] for event in events} == {"build"}


def runs_of(output):
    """The names of the runs that an output has a record of."""
    return {path.name.partition(".")[0] for path in (output / "runs").iterdir()}


def test_what_is_printed_for_programs_is_as_without_events(output, capsys):
    arguments = helpers.arguments(output, SHARDS, *UNIT_BYTES, "--summary", "json", "--if-changed")
    assert job.main(arguments) == 5
    plain = capsys.readouterr().out
    code, out, events = called(capsys, job.main, *arguments, *JSON)
    assert (code, out) == (5, plain) and json.loads(out)["version"]
    assert names(events) == ["nothing_to_do", "run_ended"]
    assert (events[-1]["status"], events[-1]["level"]) == ("unchanged", "info")
    code, out, events = called(capsys, job.main, *arguments, *JSON, "--dry-run", "--min-words", 3)
    assert code == 0 and names(events) == ["run_ended"] and events[-1]["status"] == "dry_run"
    assert json.loads(out)["status"]


def test_too_many_bad_lines_are_events_with_their_places(tmp_path, capsys):
    code, out, events = built(capsys, tmp_path / "out", SHARDS, "--max-bad-share", 0)
    assert (code, out) == (3, "")
    assert the(events, "error")["status"] == events[-1]["status"] == "too_many_bad_lines"
    bad = [event for event in events if event["event"] == "line_rejected"]
    assert len(bad) == the(events, "lines_rejected")["lines"] == 7
    assert {event["shard"] for event in bad} == {helpers.ODD_AND_BAD.name}
    lines = helpers.lines_of(helpers.ODD_AND_BAD)
    assert all(0 < event["line"] <= len(lines) and event["code"] for event in bad)
    (*_, file) = the(events, "rejected_files")["files"]
    assert pathlib.Path(file).exists()
    assert events[-1]["message"] == the(events, "error")["message"] and "version" not in events[-1]


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["build", "--inptu", "a", *JSON], "build"),
        (["build", "--input", "a", "--workers", "x", "--output", "o", *JSON], "build"),
        (["build", "--log-format=json", "--workers"], "build"),
        (["build", "--config", "{config}"], "build"),
        (["index", "--output", "o", *JSON], "index"),
        (["generate", "--output", "o", "--shards", "0", *JSON], "generate"),
        (["replay", "--output", "{config}.none", "--repaired", "r", *JSON], "replay"),
        (["versions", "lsit", *JSON], "versions"),
        (["versions", "prune", "--output", "o", *JSON], "versions prune"),
        (["biuld", *JSON], "narratives"),
    ],
)
def test_wrong_use_is_two_events(tmp_path, capsys, arguments, command):
    config = tmp_path / "config.yaml"
    config.write_text("{log_format: json, inptu: a, output: b}")
    arguments = [argument.format(config=config) for argument in arguments]
    code, out, events = called(capsys, narratives, *arguments)
    assert (code, out, names(events)) == (2, "", ["error", "run_ended"])
    assert events[-1]["status"] == "wrong_use" and events[-1]["command"] == command
    assert events[0]["message"] == events[1]["message"]


def test_a_flag_wins_over_the_file_and_text_is_the_default(tmp_path, capsys):
    config = tmp_path / "config.yaml"
    config.write_text("{log_format: json, inptu: a}")
    for given in ([], ["--log-format", "text"], ["--log-format", "jsn"]):
        with pytest.raises(SystemExit):
            run_command(functools.partial(job.main, ["--config", str(config), *given]))
        assert capsys.readouterr().err.startswith("error: ") is bool(given)


def test_a_failure_names_its_stage_and_unit(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(job, "stages_of", failing_stages(job.stages_of))
    code, _, events = built(capsys, tmp_path / "out", [helpers.REAL], "--summary", "json")
    error = the(events, "error")
    assert code == 4 and "ZeroDivisionError" in error["message"] or "division" in error["message"]
    assert error["stage"] == "Ground" and error["unit"].startswith(helpers.REAL.stem)
    end = events[-1]
    assert (end["status"], end["retryable"], end["stage"]) == ("failed", True, "Ground")


def failing_stages(real):
    """The job's stages, of which one fails."""

    def stages(*arguments):
        made = real(*arguments)
        made["Ground"].prepare = lambda: lambda: lambda chunk: 1 / 0
        return made

    return stages


def test_waiting_for_another_run_is_an_event(tmp_path, capsys):
    output = tmp_path / "out"
    begun = new_run("build", run="0123456789abcdef")
    lease.take_lease(str(output), begun)
    code, _, events = built(capsys, output, [helpers.REAL], "--if-running", "skip")
    assert (code, names(events)) == (6, ["skipped", "run_ended"])
    assert events[-1]["status"] == "skipped" and events[-1]["retryable"]
    timer = threading.Timer(0.7, lease.let_go, (str(output), begun.run))
    timer.start()
    code, _, events = built(capsys, output, [helpers.REAL])
    timer.join()
    assert code == 0 and events[0]["event"] == "waiting"
    assert events[0]["other_run"] == begun.run != events[0]["run"]


def test_repaired_lines_are_events(output, tmp_path, capsys):
    repaired = write_rows(tmp_path / "repaired.jsonl", repaired_lines(output, [0]))
    code, out, events = called(
        capsys, narratives, "replay", "--output", output, "--repaired", repaired, *JSON
    )
    assert code == 0 and out.startswith("\nVersion ")
    assert the(events, "repairs_taken")["lines"] == 1
    assert {event["command"] for event in events} == {"replay"}
    assert events[-1]["status"] == "published"


def test_commands_on_versions_are_events_beside_what_they_print(output, capsys):
    first = helpers.version_of(output)
    assert helpers.build(output, [helpers.REAL], *UNIT_BYTES) == 0

    def versions(*arguments):
        return called(capsys, narratives, "versions", *arguments, "--output", output, *JSON)

    code, out, events = versions("list")
    assert code == 0 and "2 versions" in out and names(events) == ["run_ended"]
    code, out, events = versions("rollback", "previous")
    assert code == 0 and names(events) == ["version_changed", "run_ended"]
    assert events[0]["version"] == events[1]["version"] == first.name and events[0]["pinned"]
    assert events[0]["message"] == out.strip()
    helpers.flip_bit(next((first / "mentions").iterdir()), 999)
    code, out, events = versions("verify", "--format", "json")
    assert code == 3 and not json.loads(out)["intact"] and events[-1]["status"] == "corrupt"
    assert the(events, "file_corrupt")["version"] == first.name
    assert names(events).count("version_verified") == 2
    code, out, events = versions("prune", "--keep-last", 1, "--grace", 0)
    assert code == 0 and names(events) == ["pruned", "run_ended"] and "stays" in out
    assert events[-1]["command"] == "versions prune"


def test_other_jobs_are_events(tmp_path, capsys):
    boxes = helpers.ROOT / "samples/open_images/train/annotations-human-bbox.csv"
    code, out, events = called(
        capsys, index_annotations.main, "--boxes", boxes, "--output", tmp_path, *JSON
    )
    assert code == 0 and names(events) == ["index_building", "index_ready", "run_ended"]
    assert out.endswith(f"built {the(events, 'index_ready')['path']}\n")
    code, out, events = called(
        capsys, synthesize.main, "--output", tmp_path / "made", "--narratives", 2, *JSON
    )
    assert code == 0 and names(events) == ["narratives_generated", "run_ended"]
    assert out.strip() == events[0]["message"]


def test_a_run_with_workers_that_is_stopped_leaves_events_only(tmp_path):
    output = tmp_path / "out"
    arguments = helpers.arguments(output, SHARDS, "--unit-bytes", 20_000, "--workers", 2, *JSON)
    with jobs.started(*arguments) as run:
        pid = run.process.pid
        helpers.wait_for(lambda: helpers.descendants(pid) or run.process.poll() is not None)
        run.process.send_signal(signal.SIGTERM)
        ended = run.wait(helpers.TIMEOUT_SECONDS)
    events = parse(ended.err)
    assert (ended.code, ended.out, events[-1]["exit_code"]) == (143, "", 143)
    assert (events[-1]["status"], events[-1]["level"]) == ("stopped", "warning")
    assert events[-1]["message"].startswith("Stopped; ") and events[-1]["retryable"]
    assert {event["run"] for event in events} == runs_of(output)


PROGRAM = """
import logging, signal, sys, threading, warnings
from pipelines.cli import log, stopping
from pipelines.cli.process import run_program

def main():
    log.begin(sys.argv[1:], "narratives build")
    {work}

run_program(main)
"""


def program(work, *arguments):
    """Events and exit code of a command that does something, as a process of its own."""
    command = [sys.executable, "-c", PROGRAM.format(work=work), *arguments]
    ended = subprocess.run(command, cwd=helpers.ROOT, capture_output=True, text=True)
    return parse(ended.stderr), ended.returncode


def test_what_libraries_say_is_events_too():
    events, code = program(
        "warnings.warn('old'); logging.getLogger('lib').error('bad\\n thing')\n"
        "    logging.getLogger('lib').info('unseen'); print('raw', file=sys.stderr)\n"
        "    thread = threading.Thread(target=lambda: 1 / 0); thread.start(); thread.join()\n"
        "    sys.stderr.write('unended')",
        *JSON,
    )
    assert code == 0
    library = [event for event in events if event["event"] == "library"]
    assert [event["logger"] for event in library] == ["py.warnings", "lib"]
    assert "old" in library[0]["message"] and library[1]["message"] == "bad\n thing"
    printed = [event["message"] for event in events if event["event"] == "printed"]
    assert printed[0] == "raw" and printed[-1] == "unended"
    assert "ZeroDivisionError: division by zero" in printed


@pytest.mark.parametrize(
    ("work", "code", "status"),
    [
        ("1 / 0", 4, "failed"),
        ("raise OSError(2, 'No such file', '/nowhere')", 4, "failed"),
        ("sys.exit(2)", 2, "wrong_use"),
        ("signal.raise_signal(signal.SIGINT)", 130, "stopped"),
        ("with stopping.elsewhere(): signal.raise_signal(signal.SIGINT)", 130, "stopped"),
    ],
)
def test_every_end_is_an_event(work, code, status):
    events, ended = program(work, *JSON)
    assert ended == events[-1]["exit_code"] == code and events[-1]["status"] == status


def test_a_command_that_is_stopped_before_it_begins_knows_its_form():
    work = "log._log = log._Log(sys.argv[1:], command='none'); signal.raise_signal(signal.SIGTERM)"
    events, code = program(work, *JSON)
    assert code == 143 and names(events) == ["run_ended"]


def test_the_page_lists_the_events_that_there_are():
    page = (helpers.ROOT / "docs" / "operations.md").read_text()
    (table,) = re.findall(r"\| event \| .*\n\| --- .*\n((?:\|.*\n)+)", page)
    rows = [re.findall(r"`(\w+)`", line.split("|")[1]) for line in table.splitlines()]
    listed = [name for row in rows for name in row]
    assert sorted(listed) == sorted(typing.get_args(log.Event))


def test_every_event_is_said_somewhere():
    said = set()
    for path in (helpers.ROOT / "pipelines").rglob("*.py"):
        tree = ast.parse(path.read_text())
        for call in (
            node for node in ast.walk(tree) if isinstance(node, ast.Call | ast.FunctionDef)
        ):
            said |= {node.value for node in ast.walk(call) if isinstance(node, ast.Constant)}
    assert {*typing.get_args(log.Event)} <= said
