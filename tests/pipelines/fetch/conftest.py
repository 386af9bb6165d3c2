"""A server with some files, and a catalog of them."""

import hashlib
import json
import random

import pytest
import yaml

from pipelines.fetch.job import main
from tests.transforms.transfer.servers import File, serving

DATA = {name: random.Random(name).randbytes(30_000 + 1000 * ord(name)) for name in "abc"}
MD5 = {name: hashlib.md5(data).hexdigest() for name, data in DATA.items()}


@pytest.fixture(scope="session")
def _server():
    with serving() as server:
        yield server


@pytest.fixture
def web(_server, monkeypatch):
    """The server, with all files below `/data`."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    _server.requests.clear()
    _server.files = {f"/data/{name}": File(data) for name, data in DATA.items()}
    return _server


@pytest.fixture
def catalog(web, tmp_path):
    """A catalog: `known` has sizes and checksums, `unknown` has none; `both` has both of them."""
    content = {
        "publisher": "tests",
        "source": web.url("/data"),
        "folder": "things",
        "licence": "CC0",
        "groups": {
            "known": {
                "what": "what is known",
                "folder": "one",
                "files": [
                    {"file": name, "bytes": len(DATA[name]), "md5": MD5[name]} for name in "ab"
                ],
            },
            "unknown": {"what": "what is not", "files": [{"file": "c"}]},
            "person": {
                "what": "what a person gets",
                "files": [{"file": "p", "by_hand": "https://example.invalid/p", "md5": MD5["a"]}],
            },
        },
        "bundles": {"both": {"what": "both", "of": ["known", "unknown"]}},
    }
    path = tmp_path / "catalog.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture
def data(tmp_path):
    """Where files go."""
    return tmp_path / "data"


@pytest.fixture
def fetch(catalog, data, capsys):
    """Calls the job; returns its exit code, what it prints, and what it says."""

    def fetch(*arguments, code=0):
        given = [*arguments, "--catalog", catalog, "--to", data, "--attempts", 1]
        found = main([str(argument) for argument in given])
        said = capsys.readouterr()
        assert found == code, said.err
        return json.loads(said.out) if "--summary" in arguments else said.out, said.err

    return fetch


def files_of(folder):
    """Files below a folder but records, by their paths."""
    paths = (path for path in folder.rglob("*") if path.is_file() and ".fetched" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}
