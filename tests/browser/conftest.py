"""A version of the sample, a server that shows it, and a browser."""

import contextlib
import functools
import http.server
import json
import threading

import PIL.Image
import pyarrow.parquet as pq
import pytest

from pipelines.build.job import main as build
from pipelines.view.images import LocalImages
from pipelines.view.server import make_server
from pipelines.view.versions import find_shown
from tests import build_helpers as helpers
from tests.browser.pages import Viewer

SIZE = (600, 400)
"""Width and height of local images, in pixels: no other image or frame is 3 by 2."""


@pytest.fixture(scope="session")
def output(tmp_path_factory):
    """The sample, with short narratives discarded."""
    output = tmp_path_factory.mktemp("view") / "out"
    with contextlib.chdir(helpers.ROOT):
        assert build(["--config", "configs/local.yaml", "--min-words", "12",
                      "--output", str(output)]) == 0  # fmt: skip
    return output


@pytest.fixture(scope="session")
def tables(output):
    """Rows of each table in the order of the manifest."""
    folder, rows = helpers.version_of(output), {}
    for file in json.loads((folder / "manifest.json").read_text())["files"]:
        rows.setdefault(file["table"], []).extend(helpers.read_file(folder / file["path"]))
    assert rows["discarded"] and rows["rejected"] and rows["mentions"]
    return rows


@pytest.fixture(scope="session")
def images(tmp_path_factory, tables):
    """Images of the first two narratives, by id, and by dataset and id."""
    folder = tmp_path_factory.mktemp("images")
    first, second = tables["narratives"][:2]
    PIL.Image.new("RGB", SIZE, "teal").save(folder / f"{first['image_id']}.jpg")
    (folder / "below").mkdir()
    name = f"{second['dataset']}-{second['image_id']}-0123abcd.png"
    PIL.Image.new("RGB", SIZE, "teal").save(folder / "below" / name)
    return folder


@contextlib.contextmanager
def serving(server):
    """Runs a server; its address."""
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def static(folder):
    """Python's own server, which knows no range requests."""
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    handler = functools.partial(quiet, directory=str(folder))
    return http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)


@pytest.fixture(scope="session")
def address(output, images):
    """Of the page."""
    shown = find_shown(str(output), "current")
    with serving(make_server(shown, LocalImages(str(images)), 0)) as base:
        yield f"{base}/view/"


@pytest.fixture(scope="session")
def chromium():
    from playwright.sync_api import sync_playwright

    from tests.browser.pages import launch

    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def viewer(chromium, address):
    """The page in a window in which the whole list is in sight; no error may be left at the end."""
    with a_viewer(chromium, address) as viewer:
        yield viewer
        assert viewer.errors == []


@contextlib.contextmanager
def a_viewer(chromium, address, width=1400, height=9000, **context):
    page = chromium.new_page(viewport={"width": width, "height": height}, **context)
    try:
        yield Viewer(page, address)
    finally:
        page.close()


@pytest.fixture(scope="session")
def trace_ranges(output):
    """The bytes of traces, as (file name, first, end)."""
    found = []
    for path in sorted((helpers.version_of(output) / "narratives").iterdir()):
        metadata = pq.ParquetFile(path).metadata
        for group in map(metadata.row_group, range(metadata.num_row_groups)):
            for column in map(group.column, range(group.num_columns)):
                if column.path_in_schema.startswith("trace."):
                    first = column.dictionary_page_offset or column.data_page_offset
                    found.append((path.name, first, first + column.total_compressed_size))
    return found
