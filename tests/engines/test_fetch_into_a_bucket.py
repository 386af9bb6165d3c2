"""Fetching into a bucket and from one, by threads and by worker processes."""

import hashlib
import json
import random

import pytest
import yaml

from pipelines.fetch.job import main
from tests.transforms.transfer.servers import File, serving
from transforms import storage

pytestmark = pytest.mark.engines

DATA = {name: random.Random(name).randbytes(400_000) for name in "abc"}


@pytest.fixture
def web():
    with serving() as server:
        server.files = {f"/{name}": File(data) for name, data in DATA.items()}
        yield server


def catalog_of(tmp_path, source):
    files = [
        {"file": "a", "bytes": len(DATA["a"]), "md5": hashlib.md5(DATA["a"]).hexdigest()},
        {"file": "b"},
    ]
    content = {
        "publisher": "tests",
        "source": source,
        "licence": "CC0",
        "groups": {"some": {"what": "files", "folder": "f", "files": files}},
    }
    path = tmp_path / "catalog.yaml"
    path.write_text(yaml.safe_dump(content))
    return str(path)


def fetch(capsys, catalog, to, *more, code=0):
    arguments = ["some", "--catalog", catalog, "--to", to, "--summary", "json", "--attempts", "1"]
    assert main([*arguments, *more]) == code
    return json.loads(capsys.readouterr().out)


def test_a_bucket_is_filled_and_resumed(bucket, web, tmp_path, capsys):
    catalog, spool = catalog_of(tmp_path, web.url("")), tmp_path / "spool"
    to, options = f"{bucket.url}/deep", ("--spool", str(spool))
    web.files["/a"] = File(DATA["a"], cut=100_000)
    found = fetch(capsys, catalog, to, *options, code=4)
    assert [row["status"] for row in found["files"]] == ["failed", "fetched"]
    assert storage.list_dir(f"{to}/f") == [".fetched", "b"]
    web.files["/a"] = File(DATA["a"])
    fetch(capsys, catalog, to, *options)
    assert web.ranges("/a") == [None, "bytes=100000-"]  # of the part in the spool
    assert bucket.get("deep/f/a") == DATA["a"] and bucket.get("deep/f/b") == DATA["b"]
    assert list(spool.iterdir()) == []
    web.requests.clear()
    assert fetch(capsys, catalog, to, *options, "--verify")["files_kept"] == 2
    assert web.requests == []
    bucket.put("deep/f/a", b"x" * len(DATA["a"]))
    assert fetch(capsys, catalog, to, *options)["files_fetched"] == 1
    assert bucket.get("deep/f/a") == DATA["a"]


def test_objects_that_were_there_are_recognised(bucket, web, tmp_path, capsys):
    for name in "ab":
        bucket.put(f"f/{name}", DATA[name])
    assert fetch(capsys, catalog_of(tmp_path, web.url("")), bucket.url)["files_kept"] == 2
    assert web.ranges("/a") == []


def test_objects_are_a_source(bucket, tmp_path, capsys):
    for name in "ab":
        bucket.put(f"from/{name}", DATA[name])
    to = tmp_path / "data"
    found = fetch(capsys, catalog_of(tmp_path, f"{bucket.url}/from"), str(to))
    assert found["files_fetched"] == 2
    assert {name: (to / "f" / name).read_bytes() for name in "ab"} == {n: DATA[n] for n in "ab"}
    bucket.put("from/b", DATA["c"])
    (to / "f" / "b").unlink()
    fetch(capsys, catalog_of(tmp_path, f"{bucket.url}/from"), str(to))
    assert (to / "f" / "b").read_bytes() == DATA["c"]


def test_worker_processes_fill_a_bucket(bucket, web, tmp_path, capsys):
    catalog = catalog_of(tmp_path, web.url(""))
    found = fetch(capsys, catalog, bucket.url, "--workers", "2", "--spool", str(tmp_path / "spool"))
    assert found["files_fetched"] == 2 and bucket.get("f/a") == DATA["a"]
    assert storage.list_dir(bucket.url) == ["f"]
