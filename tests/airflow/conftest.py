"""Fixtures of the tests in a real Airflow."""

import pytest

from pipelines.build.job import main
from tests import build_helpers as helpers
from tests.airflow.server import Airflow, write_config


@pytest.fixture
def idle_airflow(tmp_path):
    """An Airflow that nobody has started."""
    return Airflow(tmp_path / "airflow", {})


@pytest.fixture(scope="session")
def airflow(tmp_path_factory):
    """An Airflow at work, which makes versions of `nightly` by itself and retries at once."""
    home = tmp_path_factory.mktemp("airflow")
    shard = helpers.write_lines(home / "nightly" / "a.jsonl", helpers.lines_of(helpers.REAL))
    changes = {
        "CONFIG": repr(str(write_config(home / "nightly.yaml", [shard]))),
        "OUTPUT": repr(str(home / "nightly" / "out")),
        "RETRY_DELAY": "datetime.timedelta(seconds=1)",
        "POKE_SECONDS": "1",
    }
    with Airflow(home, changes).running() as airflow:
        yield airflow


@pytest.fixture
def case(tmp_path):
    """A shard with its configuration, and what a run needs to know of them."""
    return Case(tmp_path)


class Case:
    """An input of one shard, and an output.

    Attributes:
      shard: The input.
      output: The output, not there yet.
      params: Parameters of a run over them.
    """

    def __init__(self, folder):
        self.shard = helpers.write_lines(folder / "a.jsonl", helpers.lines_of(helpers.REAL))
        self.output = folder / "out"
        config = write_config(folder / "build.yaml", [self.shard])
        self.params = {"config": str(config), "output": str(self.output)}

    def publish(self):
        """Makes a version, not by Airflow."""
        assert main(["--config", self.params["config"], "--output", self.params["output"]]) == 0

    def cut(self, lines):
        """Leaves so many lines of the shard."""
        helpers.write_lines(self.shard, helpers.lines_of(helpers.REAL)[:lines])

    @property
    def current(self):
        """The current version's name."""
        return helpers.version_of(self.output).name

    @property
    def versions(self):
        """Names of all versions."""
        return {path.name for path in (self.output / "versions").iterdir()}
