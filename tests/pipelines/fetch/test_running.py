"""What a run says of how far it is."""

import io
import json

import pytest

from pipelines.cli.progress import showing as progress
from pipelines.fetch.options import FetchOptions
from pipelines.fetch.planning import make_plan
from pipelines.fetch.running import Received
from tests.pipelines.fetch.conftest import DATA


@pytest.fixture
def received(catalog, data):
    """Of a run that finds 1,000 certain bytes of one file."""
    part = data / "things" / "one" / "a.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(DATA["a"][:1500])
    state = {"synced": 1000, "validator": {"etag": "x"}}
    part.with_name("a.part.json").write_text(json.dumps(state))
    options = FetchOptions(names=["both", "person"], catalog=[str(catalog)], to=str(data))
    return Received(make_plan(options))


def test_bytes_that_came_are_counted_and_those_of_before_are_not(received, data):
    known = len(DATA["a"]) - 1000 + len(DATA["b"])
    assert (received.count(), received.total) == (0, known)
    received.observe(f"{data}/things/one/a", 5000)
    received.observe(f"{data}/things/one/b", 70)
    received.observe(f"{data}/things/one/b", 80)
    assert (received.count(), received.total) == (4080, known)
    received.observe(f"{data}/things/c", 7)  # of unknown size: counted when it has come
    assert (received.count(), received.total) == (4087, known + 7)


def test_progress_has_rate_and_time_left(received, data, monkeypatch):
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.01)
    stream = io.StringIO()
    received.observe(f"{data}/things/one/a", len(DATA["a"]))
    with progress.show_bytes("Files", received, stream):
        while stream.getvalue().count("\n") < 2:
            pass
    assert " MB/s, " in stream.getvalue() and " left.\n" in stream.getvalue()
