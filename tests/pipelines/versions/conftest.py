"""An output with versions, made once and copied for each test."""

import pytest

from tests.pipelines.versions.helpers import copy_output, make_two


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Two versions and the second is current."""
    output = tmp_path_factory.mktemp("original") / "out"
    return output, make_two(output)


@pytest.fixture
def output(tmp_path, original):
    """A copy of it, whose versions are linked to its units, as a run does it."""
    return copy_output(original[0], tmp_path / "out")


@pytest.fixture
def names(original):
    """The versions' names, in the order in which they were made."""
    return original[1]
