"""An output whose run has rejected lines."""

import shutil

import pytest

from tests import build_helpers as helpers
from tests.pipelines.replay.helpers import SHARD, SMALL


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The odd and bad sample in several units, as the run that rejected lines left it."""
    folder = tmp_path_factory.mktemp("built")
    shutil.copy(helpers.ODD_AND_BAD, folder / SHARD)
    assert helpers.build(folder / "out", [folder / SHARD], *SMALL) == 0
    return folder
