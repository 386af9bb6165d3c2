"""What the server sends, and what it refuses; what is written; wrong use."""

import contextlib
import http.client
import json
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading

import msgspec
import pytest

from pipelines.view import job
from pipelines.view.images import LocalImages
from pipelines.view.pages import PAGE
from pipelines.view.server import make_server, parse_range
from pipelines.view.versions import find_shown
from tests import build_helpers as helpers
from transforms.core.base.errors import UsageError
from transforms.core.model.manifest import encode_manifest
from transforms.units.publishing.read_version import read_manifest

RECORDINGS = "https://storage.googleapis.com/localized-narratives/voice-recordings/"


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    output = tmp_path_factory.mktemp("view") / "out"
    assert helpers.build(output, [helpers.REAL]) == 0
    (output / "secret").write_text("not of the version")
    (helpers.version_of(output) / "secret").write_text("not in the manifest")
    return output


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    for name in ("abc.jpg", "coco-139-0123abcd.png", "000000000042.JPG", "notes.txt"):
        (folder / name).write_bytes(name.encode())
    return folder


@pytest.fixture(scope="module")
def port(output, images):
    with serving(find_shown(str(output), "current"), LocalImages(str(images))) as port:
        yield port


@contextlib.contextmanager
def serving(version, images):
    server = make_server(version, images, 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def request(port, path, method="GET", **heads):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers={key.replace("_", "-"): heads[key] for key in heads})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def narratives_path(output):
    return next((helpers.version_of(output) / "narratives").iterdir())


def test_files_of_the_version_are_sent_in_full_and_by_range(port, output):
    path = narratives_path(output)
    data, address = path.read_bytes(), f"/version/narratives/{path.name}"
    response, body = request(port, address)
    assert response.status == 200 and body == data
    assert response.headers["Accept-Ranges"] == "bytes"
    for header, part, said in (
        ("bytes=0-3", data[:4], f"bytes 0-3/{len(data)}"),
        ("bytes=-8", data[-8:], f"bytes {len(data) - 8}-{len(data) - 1}/{len(data)}"),
        (
            f"bytes={len(data) - 1}-",
            data[-1:],
            f"bytes {len(data) - 1}-{len(data) - 1}/{len(data)}",
        ),
        ("bytes=5-99999999", data[5:], f"bytes 5-{len(data) - 1}/{len(data)}"),
    ):
        response, body = request(port, address, Range=header)
        assert (response.status, body, response.headers["Content-Range"]) == (206, part, said)
    response, body = request(port, address, "HEAD", Range="bytes=0-3")
    assert (response.status, body, response.headers["Content-Length"]) == (206, b"", "4")


@pytest.mark.parametrize(
    "header", [None, "bytes=0-1,3-4", "bytes=4-2", "lines=0-1", "bytes=-", "x"]
)
def test_other_ranges_are_ignored(header):
    assert parse_range(header, 10) is None


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-12", "bytes=-0"])
def test_ranges_behind_the_end_are_not_satisfiable(port, output, header):
    with pytest.raises(ValueError):
        parse_range(header, 10)
    path = narratives_path(output)
    size = path.stat().st_size
    response, _ = request(port, f"/version/narratives/{path.name}", Range=f"bytes={size}-")
    assert response.status == 416 and response.headers["Content-Range"] == f"bytes */{size}"


def test_the_page_and_its_settings(port):
    response, _ = request(port, "/?field=class")
    assert (response.status, response.headers["Location"]) == (302, "/view/")
    response, body = request(port, "/view/?field=class")
    assert response.status == 200 and body == (PAGE / "index.html").read_bytes()
    response, body = request(port, "/view/data/parquet.js")
    assert response.headers["Content-Type"].startswith("text/javascript") and b"Parquet" in body
    _, body = request(port, "/view/settings.json")
    assert json.loads(body) == {"version": "../version/", "images": "../images/"}


@pytest.mark.parametrize(
    "path",
    [
        "/version/secret",
        "/version/../secret",
        "/version/../../../secret",
        "/version/%2e%2e/%2e%2e/secret",
        "/version/..%2f..%2fsecret",
        "/version/narratives/",
        "/version/",
        "/view/../job.py",
        "/view/%2e%2e/job.py",
        "//etc/passwd",
        "/view//etc/passwd",
        "/images/coco/..%2f..%2fnotes",
        "/images/coco/notes",
        "/images/coco/none",
        "/nothing",
        "/version/\\..\\secret",
        "/version/%00",
    ],
)
def test_nothing_else_is_there(port, path):
    for method in ("GET", "HEAD"):
        assert request(port, path, method)[0].status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_only_reading_is_allowed(port, method):
    response, _ = request(port, "/version/manifest.json", method)
    assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")


def test_a_page_elsewhere_whose_name_leads_here_gets_nothing(port):
    assert request(port, "/version/manifest.json", Host="evil.example")[0].status == 421
    assert request(port, "/version/manifest.json", Host="localhost:8000")[0].status == 200


def test_it_listens_on_loopback_alone(port):
    with socket.socket() as other, pytest.raises(OSError):
        other.settimeout(2)
        other.connect(("127.0.0.2", port))


def test_images_are_found_by_id_by_dataset_and_id_and_as_coco_names_them(port):
    for path, body in (
        ("/images/open_images/abc", b"abc.jpg"),
        ("/images/coco/139", b"coco-139-0123abcd.png"),
        ("/images/coco/42", b"000000000042.JPG"),
    ):
        response, found = request(port, path)
        assert (response.status, found) == (200, body)
        assert response.headers["Content-Type"].startswith("image/")


def test_files_and_images_that_have_gone_are_not_found(output, images, tmp_path):
    shutil.copytree(helpers.version_of(output), tmp_path / "version")
    shutil.copytree(images, tmp_path / "images")
    local = LocalImages(str(tmp_path / "images"))
    with serving(find_shown(str(tmp_path / "version"), "current"), local) as port:
        name = narratives_path(output).name
        paths = ("/images/coco/42", f"/version/narratives/{name}")
        assert [request(port, path)[0].status for path in paths] == [200, 200]
        shutil.rmtree(tmp_path / "images")
        shutil.rmtree(tmp_path / "version")
        assert [request(port, path)[0].status for path in paths] == [404, 404]


def test_a_manifest_that_leads_out_of_its_folder_is_refused(output, tmp_path):
    manifest = read_manifest(str(helpers.version_of(output)))
    for path in ("../secret", "/etc/passwd", "a/../../b", "a//b", "..\\secret", "c:/x"):
        files = [msgspec.structs.replace(manifest.files[0], path=path), *manifest.files]
        changed = msgspec.structs.replace(manifest, files=files)
        (tmp_path / "manifest.json").write_bytes(encode_manifest(changed))
        with pytest.raises(UsageError, match="outside the version's folder"):
            find_shown(str(tmp_path), "current")


def test_a_version_is_named_by_its_output_or_its_folder(output):
    name = helpers.version_of(output).name
    of_output = find_shown(str(output), "current")
    assert (of_output.name, of_output.output, of_output.narratives) == (name, str(output), 22)
    assert find_shown(str(output), name[:6]).output is None
    assert find_shown(str(helpers.version_of(output)), "current").name == name
    with pytest.raises(UsageError):
        find_shown(str(output), "none")


def test_the_page_is_written_with_the_way_to_the_version(output, capsys):
    assert job.main([str(output), "--write", str(output / "view")]) == 0
    assert json.loads((output / "view" / "settings.json").read_text()) == {"output": "../"}
    page = {path.relative_to(PAGE) for path in PAGE.rglob("*") if path.is_file()}
    written = {path.relative_to(output / "view") for path in (output / "view").rglob("*.*")}
    assert written == page | {pathlib.Path("settings.json")}
    version = helpers.version_of(output)
    assert job.main([str(version), "--write", str(output / "pages" / "one")]) == 0
    settings = json.loads((output / "pages" / "one" / "settings.json").read_text())
    assert settings == {"version": f"../../versions/{version.name}/"}
    assert "Wrote the page of version" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--write", "."], "holds the data itself: give the page a folder of its own"),
        (["--write", "gs://bucket/view"], "write the page to the same disk or bucket"),
        (["--images", "nowhere"], "'nowhere' is no folder of images"),
        (["--write", "x", "--images", "y"], "leave --images or --write out"),
    ],
)
def test_wrong_use_is_a_sentence(output, more, message):
    more = [str(output) if one == "." else one for one in more]
    with pytest.raises(UsageError, match=message):
        job.main([str(output), *more])


def test_a_folder_without_images_and_a_port_that_is_taken(output, port, tmp_path):
    with pytest.raises(UsageError, match="has no image"):
        job.main([str(output), "--images", str(tmp_path)])
    with pytest.raises(UsageError, match=f"port {port} is taken"):
        job.main([str(output), "--port", str(port)])


def test_ctrl_c_ends_it_quietly(output):
    command = [sys.executable, "-m", "pipelines.view", str(output), "--port", "0", "--quiet"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as run:
        said = run.stdout.readline()
        port = int(re.search(r"http://127.0.0.1:([0-9]+)/view/ ", said)[1])
        assert request(port, "/view/")[0].status == 200
        run.send_signal(signal.SIGINT)
        assert run.wait(20) == 0
        assert run.stderr.read() == ""


def test_modules_of_the_page_are_all_there():
    """Imports name files of the page; nothing but recordings is on another machine."""
    for path in PAGE.rglob("*.js"):
        if path.parent.name == "vendor":
            continue
        text = path.read_text()
        for line in text.splitlines():
            if " from " in line and ('from "' in line):
                target = line.rpartition('from "')[2].rstrip('"')
                assert target.startswith(".") and (path.parent / target).is_file(), line
        assert "innerHTML" not in text and "https://" not in text.replace(RECORDINGS, "")
        assert max(map(len, text.splitlines())) <= 100, path
