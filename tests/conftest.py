"""Settings of all tests."""

import os
import pathlib

import hypothesis
import pytest

from pipelines.cli import log

# A process that has gRPC loaded may else abort between fork and exec, as tests do.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

ROOT = pathlib.Path(__file__).parents[1]

# No deadline: the first example of a test may compile a kernel. The same examples every time.
hypothesis.settings.register_profile("tests", deadline=None, derandomize=True, max_examples=200)
hypothesis.settings.load_profile("tests")


@pytest.fixture(autouse=True)
def log_of_its_own(monkeypatch):
    """Lines that a test asked for as JSON are text again in the next one."""
    monkeypatch.setattr(log, "_log", log._Log([]))


@pytest.fixture(scope="session")
def samples() -> pathlib.Path:
    """The sample that the repository ships."""
    return ROOT / "samples"


@pytest.fixture(scope="session")
def shared_data() -> pathlib.Path:
    """The data that development machines have beside the repository."""
    path = ROOT.parent / "shared" / "data"
    if not path.is_dir():
        pytest.skip("needs ../shared/data")
    return path
