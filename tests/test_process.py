"""A command as a process: exit codes and interrupts."""

import signal
import subprocess
import sys

import pytest

from tests import build_helpers as helpers

PROGRAM = """
import atexit
from pipelines.process import run_program
from transforms.core.errors import EngineError, UsageError

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
        ("1 / 0", 1, "ZeroDivisionError: division by zero"),
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


STUCK = """
import contextlib
import threading
from pipelines import process, stopping

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
    assert error.startswith("Stopped; the same command goes on") and error.count("\n") == 1
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
    program = "import signal\nfrom pipelines import stopping\n" \
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\nstopping.heed_signals()\n" \
        "signal.raise_signal(signal.SIGHUP)\nprint('on')"  # fmt: skip
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=helpers.ROOT, capture_output=True, text=True
    )
    assert (said.stdout, said.stderr) == ("on\n", "")


HELD = """
import os, signal
from pipelines import stopping
from transforms.core import unfinished

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
