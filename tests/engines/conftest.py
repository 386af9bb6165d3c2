"""Fixtures of the tests of engines and stores."""

import contextlib
import os
import pathlib
import shutil
import time
import uuid
from collections.abc import Iterator

import pytest

from tests.engines import jobs
from tests.engines.flink_fixtures import flink_cluster as flink_cluster
from tests.engines.servers.bucket import Bucket
from tests.engines.servers.emulator import Emulator, running_emulator

MARK = "LOCALIZED_NARRATIVES_TESTS"
"""Variable that every process which the tests start inherits, and what it started."""

SECONDS_TO_END = 20


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    """Whatever was started has ended when the tests have."""
    os.environ[MARK] = uuid.uuid4().hex
    yield
    mark, end = f"{MARK}={os.environ.pop(MARK)}", time.monotonic() + SECONDS_TO_END
    while (left := _marked(mark)) and time.monotonic() < end:
        time.sleep(0.1)
    assert not left, f"still running: {left}"


def _marked(mark: str) -> dict[int, str]:
    """Command lines of running processes that have a variable from their start."""
    found = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended, or is another user's
            if mark in (folder / "environ").read_text(errors="replace").split("\0"):
                found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
    return found


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """An object store on this machine."""
    with running_emulator() as emulator:
        yield emulator


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> dict[str, pathlib.Path]:
    """The folder of each data set: the sample, and four generated shards."""
    folder = tmp_path_factory.mktemp("generated")
    ended = jobs.run(
        *("--output", folder / "narratives", "--shards", 4, "--narratives", 200, "--seed", 11),
        module="synthesize",
    )
    assert ended.code == 0, ended.err
    shutil.copytree(jobs.SAMPLES / "open_images", folder / "open_images")
    return {"sample": jobs.SAMPLES, "generated": folder}


@pytest.fixture
def bucket(emulator, monkeypatch, tmp_path) -> Iterator[Bucket]:
    """A new bucket, which this process and those that it starts reach as `gs://`."""
    bucket = Bucket(emulator)
    bucket.environment["LOCALIZED_NARRATIVES_CACHE"] = str(tmp_path / "cache")
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    bucket.faults.clear()
    yield bucket
    bucket.faults.clear()


@pytest.fixture(params=["disk", "bucket"])
def root(request, tmp_path):
    """A folder of each store, not there yet."""
    if request.param == "disk":
        return str(tmp_path / "root")
    return f"{request.getfixturevalue('bucket').url}/root"
