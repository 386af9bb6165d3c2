"""What a terminal shows and a pipe does not: bars and colours; and how much is said."""

import io
import json
import os
import pty
import subprocess
import sys
import threading

import pytest

from pipelines.build.job import main
from pipelines.cli import log
from pipelines.cli.options import parse_command_line
from pipelines.cli.progress import showing as progress
from pipelines.versions.options import VerifyOptions
from tests import build_helpers as helpers
from tests.pipelines.cli.test_progress import UNITS, Shown, finish, unit
from transforms.core.base.errors import UsageError

ESCAPE = "\x1b"

PROGRAM = """
import sys, time
from pipelines.cli import log
from pipelines.cli.progress import counting
from pipelines.cli.progress import showing as progress
log.choose_volume(sys.argv[1])
progress.BAR_SECONDS = 0.05
tally = counting.Tally(4_000_000)
with progress.show_bytes("Reading", tally):
    for _ in range(4):
        tally.add(500_000)
        time.sleep(0.3)
log.tell("warning", "something is odd", "warning")
log.tell("error", "something is wrong", "error")
"""
"""A long step, and what goes wrong behind it."""


def on_terminal(*command, **more):
    """Runs a program whose standard error is a terminal of 100 columns; what that has shown."""
    ours, its = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", **more}
    environment = {name: value for name, value in environment.items() if value is not None}
    shown = []

    def read():
        try:
            while piece := os.read(ours, 1 << 16):
                shown.append(piece)
        except OSError:  # the other end is closed
            pass

    reader = threading.Thread(target=read)
    reader.start()
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=its, env=environment,
                           cwd=helpers.ROOT, check=True)  # fmt: skip
    os.close(its)
    reader.join(60)
    os.close(ours)
    return ended.stdout.decode(), b"".join(shown).decode()


def step(volume, **more):
    return on_terminal(sys.executable, "-c", PROGRAM, volume, **more)[1]


def test_a_terminal_shows_a_bar_with_rate_and_time_left():
    shown = step("usual", NO_COLOR=None)
    assert "Reading" in shown and "/4.0 MB" in shown and "MB/s" in shown
    assert "0:00:0" in shown  # time elapsed and left
    assert f"{ESCAPE}[33mwarning: something is odd{ESCAPE}[0m" in shown
    assert f"{ESCAPE}[31merror: something is wrong{ESCAPE}[0m" in shown


@pytest.mark.long
def test_no_colour_is_honoured():
    shown = step("usual", NO_COLOR="1")
    assert "Reading" in shown and "warning: something is odd\r\n" in shown
    assert not any(f"{ESCAPE}[{code}m" in shown for code in (31, 33))


@pytest.mark.long
def test_a_quiet_command_shows_errors_alone_and_no_bar():
    assert step("quiet", NO_COLOR="1") == "error: something is wrong\r\n"


def test_a_pipe_gets_plain_text():
    environment = {**os.environ, "TERM": "xterm-256color"}
    ended = subprocess.run([sys.executable, "-c", PROGRAM, "usual"], capture_output=True,
                           text=True, cwd=helpers.ROOT, env=environment, check=True)  # fmt: skip
    assert ended.stderr == "warning: something is odd\nerror: something is wrong\n"
    assert ended.stdout == ""


@pytest.mark.parametrize(("environment", "terminal", "coloured"), [
    ({}, True, True),
    ({"NO_COLOR": "1"}, True, False),
    ({"TERM": "dumb"}, True, False),
    ({}, False, False),
])  # fmt: skip
def test_errors_are_red_where_colours_are_shown(monkeypatch, environment, terminal, coloured):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    log.tell("error", "it failed", "error", stream=(shown := Shown(terminal)))
    log.tell("notice", "it is done", stream=shown)
    red = (f"{ESCAPE}[31m", f"{ESCAPE}[0m") if coloured else ("", "")
    assert shown.getvalue() == f"{red[0]}error: it failed{red[1]}\nit is done\n"


@pytest.mark.long
def test_a_run_has_a_bar_on_a_terminal_and_a_plain_summary_in_a_pipe(tmp_path):
    arguments = helpers.arguments(tmp_path / "out", [helpers.REAL])
    command = [sys.executable, "-m", "pipelines.build", *arguments]
    printed, shown = on_terminal(*command)
    assert "Units" in shown and "/466.0 kB" in shown and ESCAPE in shown  # kB of the shard
    assert "Lines = narratives" in printed and ESCAPE not in printed


def test_a_compressed_shard_has_a_bar_without_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "BAR_SECONDS", 0.01)
    shown = Shown(terminal=True)
    with progress.show_progress([unit(0, 0, "b.jsonl.gz")], str(tmp_path), shown):
        shown.wait_for("Units")
    plain = Shown(terminal=False)
    with progress.show_progress([unit(0, 0, "b.jsonl.gz")], str(tmp_path), plain):
        pass
    assert plain.getvalue() == ""


@pytest.mark.parametrize("show", [progress.show_files, progress.show_step])
def test_steps_that_count_files_or_nothing_show_on_terminals_only(show, tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "BAR_SECONDS", 0.01)
    monkeypatch.setenv("COLUMNS", "120")
    more = [[str(tmp_path / "a"), str(tmp_path / "b")]] if show is progress.show_files else []
    terminal, pipe = Shown(terminal=True), Shown(terminal=False)
    with show("Shards", *more, stream=terminal), show("Shards", *more, stream=pipe):
        (tmp_path / "a").touch()
        terminal.wait_for("1/2" if more else "Shards")
    assert pipe.getvalue() == ""


def test_a_quiet_run_prints_its_folder_and_nothing_else(tmp_path, capsys):
    shards = [helpers.ODD_AND_BAD, helpers.REAL]
    for _ in range(2):  # also where there is nothing to do
        assert main([*helpers.arguments(tmp_path / "out", shards), "--quiet"]) == 0
        printed = capsys.readouterr()
        assert printed.out == f"{helpers.version_of(tmp_path / 'out')}\n" and printed.err == ""
    assert main([*helpers.arguments(tmp_path / "out", shards), "--quiet", "--max-bad-share", "0",
                 "--min-words", "2"]) == 3  # fmt: skip
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.startswith("error: 7 of 42 lines are bad")


def test_a_verbose_run_tells_units_stages_and_times(tmp_path, capsys):
    flags = ("--unit-bytes", "200000", "--verbose")
    assert helpers.build(tmp_path / "out", [helpers.REAL], *flags) == 0
    printed = capsys.readouterr()
    units = [entry["key"] for entry in helpers.manifest_of(tmp_path / "out")["units"]]
    assert len(units) == 3
    assert all(f"Finished unit {key}." in printed.err for key in units)
    assert f"{helpers.REAL.name}: 3 units pending" in printed.err
    assert "Stages: ReadNarratives, Align," in printed.err and "all stages" in printed.err


@pytest.mark.long
def test_a_verbose_run_tells_what_is_reused(tmp_path, capsys):
    flags = ("--unit-bytes", "200000", "--verbose")
    assert helpers.build(tmp_path / "out", [helpers.REAL], *flags) == 0
    units = [entry["key"] for entry in helpers.manifest_of(tmp_path / "out")["units"]]
    capsys.readouterr()
    shards = [helpers.REAL, helpers.ODD_AND_BAD]
    assert helpers.build(tmp_path / "out", shards, *flags) == 0
    printed = capsys.readouterr().err
    assert all(f"Reused: unit {key}" in printed for key in units)


@pytest.mark.long
def test_events_of_a_quiet_command_are_errors_and_its_end(tmp_path, capsys):
    flags = ("--quiet", "--log-format", "json")
    assert helpers.build(tmp_path / "out", [helpers.REAL], *flags) == 0
    log.end(0)
    events = [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]
    assert events == ["run_ended"]


def test_quiet_and_verbose_exclude_each_other():
    arguments = ["--output", "o", "--quiet", "--verbose"]
    with pytest.raises(UsageError, match="only one of --quiet and --verbose"):
        parse_command_line(VerifyOptions, arguments, "verify", "")


def test_units_found_while_a_bar_is_drawn_are_told_above_it(tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "BAR_SECONDS", 0.01)
    monkeypatch.setattr(sys, "stderr", said := io.StringIO())
    log.choose_volume("verbose")
    shown = Shown(terminal=True)
    with progress.show_progress(UNITS[:3], str(tmp_path), shown):
        finish(UNITS[0], str(tmp_path))
    assert f"Finished unit {UNITS[0].key}." in said.getvalue() + shown.getvalue()
