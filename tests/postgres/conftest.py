"""Fixtures of the tests in a real PostgreSQL."""

import itertools

import pytest

from pipelines.open_images import job as open_images
from tests import build_helpers as helpers
from tests.postgres.versions import LISTS, V1, V3

_numbers = itertools.count()


@pytest.fixture(scope="session")
def server():
    """A PostgreSQL at work."""
    from tests.postgres.server import a_server

    with a_server() as server:
        yield server


@pytest.fixture
def database(server):
    """A new database of it, with a connection."""
    name = f"test_{next(_numbers)}"
    with server.connect() as connection:
        connection.execute(f"CREATE DATABASE {name}")
    with server.connect(name) as connection:
        connection.dsn = server.dsn(name)
        connection.database = name
        yield connection


@pytest.fixture(scope="session")
def releases(tmp_path_factory):
    """An output with a version of real rows of V1 and V3."""
    folder = tmp_path_factory.mktemp("releases")
    files = []
    for source, place in [*V1.items(), *V3.items()]:
        path = folder / "in" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.read_bytes())
        files.append(path)
    for name, data in LISTS.items():
        files.append(folder / "in" / "2017_11" / name)
        files[-1].write_bytes(data)
    assert open_images.main(["--output", str(folder / "out"), "--allow-partial", "--unit-bytes",
                             "65536", "--input", *map(str, files)]) == 0  # fmt: skip
    return folder / "out"


@pytest.fixture(scope="session")
def narratives(tmp_path_factory):
    """An output with a version of narratives, good, odd and bad."""
    output = tmp_path_factory.mktemp("narratives") / "out"
    assert helpers.build(output, helpers.SHARDS) == 0
    return output
