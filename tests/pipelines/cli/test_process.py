"""A command as a process: exit codes and interrupts."""

import os
import re
import signal
import subprocess
import sys

import pytest

from tests import build_helpers as helpers

PROGRAM = """
import atexit
from pipelines.cli.process import run_program
from transforms.core.base.errors import EngineError, UsageError

def main():
    atexit.register(print, "exit function")
    print("main")
    {end}

run_program(main)
"""


@pytest.mark.parametrize(
    ("end", "code", "error"),
    [
        ("return 0", 0, ""),
        ("return 3", 3, ""),
        ("raise SystemExit", 0, ""),
        ("raise SystemExit(5)", 5, ""),
        ("raise UsageError('wrong')", 2, "error: wrong"),
        ("raise EngineError('failed')", 4, "error: failed"),
    ],
)
def test_a_program_ends_with_its_code_after_its_exit_functions(end, code, error):
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(end=end)], cwd=helpers.ROOT, capture_output=True,
        text=True, check=False
    )  # fmt: skip
    assert ended.returncode == code
    assert ended.stdout.split("\n") == ["main", "exit function", ""]
    assert ended.stderr.strip().endswith(error) and bool(ended.stderr) is bool(error)


def ended_in_shell(end, redirection, **environment):
    """How a program that prints much ends, with its standard output redirected by a shell."""
    program = PROGRAM.replace('print("main")', 'print("main " * 100_000)').format(end=end)
    command = ["bash", "-c", f'"$0" -c "$1" {redirection}; exit ${{PIPESTATUS[0]}}']
    return subprocess.run(
        [*command, sys.executable, program], cwd=helpers.ROOT, capture_output=True, text=True,
        env=os.environ | environment,
    )  # fmt: skip


@pytest.mark.parametrize("redirection", ["| head -c 5", ">&-"])
@pytest.mark.parametrize("code", [0, 3])
def test_a_reader_that_goes_changes_nothing(redirection, code):
    ended = ended_in_shell(f"return {code}", redirection)
    assert (ended.returncode, ended.stderr) == (code, "")


def test_output_that_cannot_be_written_ends_with_a_sentence():
    ended = ended_in_shell("return 0", "> /dev/full")
    assert ended.returncode == 4
    assert ended.stderr == "error: cannot write to stdout: No space left on device\n"


def test_an_error_of_the_system_is_a_sentence_that_names_the_path():
    ended = ended_in_shell("open('/nowhere/file')", "> /dev/null")
    assert ended.returncode == 4
    assert ended.stderr == "error: '/nowhere/file': No such file or directory\n"
    full = "raise OSError(28, 'No space left on device', '/nowhere/file')"
    ended = ended_in_shell(full, "> /dev/null")
    assert ended.returncode == 4 and ended.stderr.count("\n") == 1
    assert re.search(
        r"'/nowhere/file': No space left on device, [\d,]+ bytes are free", ended.stderr
    )


def test_any_other_error_is_a_sentence_and_a_log(tmp_path):
    ended = ended_in_shell("1 / 0", "> /dev/null", TMPDIR=str(tmp_path))
    (log,) = tmp_path.iterdir()
    assert ended.returncode == 4
    assert ended.stderr == (
        f"error: unexpectedly, ZeroDivisionError: division by zero; the traceback is in {log}\n"
    )
    assert "1 / 0" in log.read_text() or "ZeroDivisionError" in log.read_text()


STUCK = """
import contextlib
import threading
from pipelines.cli import process, stopping

def main():
    held = threading.Lock()
    held.acquire()
    with {engine}:
        for _ in range(100):
            try:
                print("waiting", flush=True)
                held.acquire()  # of a library that does not let itself be interrupted
            except KeyboardInterrupt:
                print("interrupted", flush=True)

stopping.STOP_SECONDS = 6
process.run_program(main)
"""


def stopped(engine, number):
    """A program that swallows interrupts, in a block, ended by a signal."""
    with subprocess.Popen(
        [sys.executable, "-c", STUCK.format(engine=engine)], cwd=helpers.ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=helpers.heed_interrupts,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(number)
        said, error = process.communicate(timeout=60)
    assert error.startswith("Stopped; the same command resumes") and error.count("\n") == 1
    return process.returncode, said, error


SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_signal_ends_a_program_at_once(number, code):
    ended, said, error = stopped("contextlib.nullcontext()", number)
    assert (ended, said) == (code, "")
    assert "cluster" not in error  # there is none


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_signal_ends_a_program_whose_job_is_elsewhere_whatever_it_waits_for(number, code):
    ended, said, error = stopped("stopping.elsewhere()", number)
    assert ended == code and said.startswith("interrupted\n")
    assert "A job that is on a cluster already runs on there" in error


def test_a_signal_that_is_ignored_stays_so():
    program = "import signal\nfrom pipelines.cli import stopping\n" \
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\nstopping.heed_signals()\n" \
        "signal.raise_signal(signal.SIGHUP)\nprint('on')"  # fmt: skip
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=helpers.ROOT, capture_output=True, text=True
    )
    assert (said.stdout, said.stderr) == ("on\n", "")


HELD = """
import os, signal
from pipelines.cli import stopping
from transforms.core.base import unfinished

stopping.heed_signals()
with unfinished.removed_at_stop("{path}"):
    with stopping.held():
        signal.raise_signal(signal.SIGTERM)
        os.mkdir("{path}")
        open("{path}/file", "w").close()
        print("made", os.path.exists("{path}"), flush=True)
    print("not reached", flush=True)
"""


def test_a_signal_waits_for_what_is_not_to_be_cut_and_takes_what_is_unfinished(tmp_path):
    path = tmp_path / "folder"
    ended = subprocess.run(
        [sys.executable, "-c", HELD.format(path=path)], cwd=helpers.ROOT, capture_output=True,
        text=True
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (143, "made True\n")
    assert ended.stderr.startswith("Stopped;") and not path.exists()


PROBED = """
import os, signal, tempfile
from pipelines.cli import process, stopping

unlink = os.unlink

def interrupted(path, *args, **options):
    signal.raise_signal(signal.SIGTERM)
    unlink(path, *args, **options)

os.unlink = interrupted
process.run_program(lambda: print("not reached"))
"""


def test_a_signal_while_python_tries_the_temporary_folder_leaves_no_file(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", PROBED], cwd=helpers.ROOT, capture_output=True, text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (143, "")
    assert ended.stderr.startswith("Stopped;") and not list(tmp_path.iterdir())
