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
import threading
from pipelines import process

def main():
    held = threading.Lock()
    held.acquire()
    print("waiting", flush=True)
    while True:
        try:
            held.acquire()  # of a library that does not let itself be interrupted
        except KeyboardInterrupt:
            print("interrupted", flush=True)

process.STOP_SECONDS = 1
process.run_program(main)
"""


def test_an_interrupt_ends_a_program_whatever_it_waits_for():
    with subprocess.Popen(
        [sys.executable, "-c", STUCK], cwd=helpers.ROOT, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
        preexec_fn=helpers.heed_interrupts,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        said, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said == "interrupted\n"
    assert error.startswith("Stopped; the same command goes on") and error.count("\n") == 1
