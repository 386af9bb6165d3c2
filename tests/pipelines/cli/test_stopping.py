"""Stopping the main job at a few random moments; `python -m tests.soak.stopping` tries many."""

import random
import signal
import subprocess
import sys

import pytest

from tests import build_helpers as helpers
from tests.soak import stopping

SECONDS = 6.0
"""How long a run takes where nothing else runs: a moment later than its end proves nothing."""


@pytest.mark.soak
@pytest.mark.parametrize("form", stopping.FORMS, ids=str)
def test_a_run_that_is_stopped_ends_in_order(form):
    source = random.Random(str(form))
    for early, late in ((0, 1), (1, SECONDS)):
        moment = source.uniform(early, late)
        assert stopping.stop(form, moment) == [], f"at {moment:.2f} s"


def test_a_run_that_is_tried_heeds_signals_that_are_ignored_here():
    """As when the tests are run with `nohup`, or behind a shell's `&`."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        code = (
            f"import signal; print(signal.SIG_IGN in map(signal.getsignal, {[*map(int, numbers)]}))"
        )
        command, begin = [sys.executable, "-c", code], helpers.heed_interrupts
        assert subprocess.check_output(command, preexec_fn=begin, text=True) == "False\n"
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


PRINTING = """
import signal
from pipelines.build import job
from pipelines.cli.process import run_program

job.show = lambda *_: signal.raise_signal(signal.SIGTERM)
run_program(job.main)
"""


def test_a_run_that_is_stopped_while_it_prints_says_that_it_has_published(tmp_path):
    arguments = helpers.arguments(tmp_path / "out", [helpers.REAL])
    ended = subprocess.run(
        [sys.executable, "-c", PRINTING, *arguments], cwd=helpers.ROOT, capture_output=True,
        text=True,
    )  # fmt: skip
    version = helpers.version_of(tmp_path / "out").name
    assert ended.returncode == 143
    assert ended.stderr.endswith(f" Before that, version {version} became current.\n")
