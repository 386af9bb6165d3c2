"""What a run keeps in a temporary folder is gone after it, or after the next one."""

import signal
import time

import pytest

from pipelines.cli.engines.temporary import PREFIX, run_folder
from tests import build_helpers as helpers
from tests.engines import jobs


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.soak
def test_the_folder_of_a_run_that_was_killed_goes_with_the_next_run(tmp_path):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = {"TMPDIR": str(temporary)}
    command = helpers.arguments(tmp_path / "output", helpers.SHARDS, "--unit-bytes", 5_000)
    with jobs.started(*command, environment=environment) as run:
        until = time.monotonic() + 60
        while not list(tmp_path.glob("output/units/*/record")) and time.monotonic() < until:
            time.sleep(0.01)
        run.process.send_signal(signal.SIGKILL)
        run.process.wait()
    (left,) = names_in(temporary)
    assert left.startswith(PREFIX)
    assert jobs.run(*command, environment=environment).code == 0
    assert names_in(temporary) == []


def test_the_folder_of_a_run_that_goes_on_stays(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    abandoned = tmp_path / f"{PREFIX}0123456789ab"
    (abandoned / "below").mkdir(parents=True)
    link = tmp_path / f"{PREFIX}link"
    link.symlink_to(tmp_path)
    with run_folder(str(tmp_path / "one")) as one, run_folder(str(tmp_path / "other")) as other:
        assert {str(path) for path in tmp_path.iterdir()} == {one, other, str(link)}
    assert names_in(tmp_path) == [link.name]
