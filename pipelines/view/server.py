"""A server on loopback for one version: reads only, and only what the manifest lists.

Paths are looked up in tables made beforehand, never joined to a folder, so that no path leads
out of it. Ranges are those of RFC 9110, section 14: one of `bytes`.
"""

import dataclasses
import errno
import http.server
import io
import mimetypes
import pathlib
import re
import sys
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, BinaryIO

from pipelines.view.images import LocalImages
from pipelines.view.pages import SETTINGS, encode_settings, page_files
from pipelines.view.versions import ShownVersion
from transforms import storage
from transforms.core.base.errors import UsageError, option
from transforms.core.model import layout

LOOPBACK = "127.0.0.1"
_HOSTS = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?", re.IGNORECASE)
"""Names by which a browser on this machine asks; another one is a page elsewhere that has its name
lead here (DNS rebinding)."""

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")
_PIECE = 1 << 18

_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet",
}


@dataclasses.dataclass(frozen=True)
class Resource:
    """What is served under a path.

    Attributes:
      size: Bytes.
      open: Opens it for reading from its beginning.
      kind: Its media type.
    """

    size: int
    open: Callable[[], BinaryIO]
    kind: str


class ShownFiles:
    """All that the server has, by path."""

    def __init__(self, version: ShownVersion, images: LocalImages | None) -> None:
        self._images = images
        self._page = page_files()
        self._resources = {
            f"/view/{SETTINGS}": _settings(images),
            f"/version/{layout.MANIFEST}": _manifest(version),
            **dict(_of_version(version)),
        }

    def find(self, path: str) -> Resource | None:
        """What is under a path as it stands in a request; None where nothing is."""
        parts = [urllib.parse.unquote(part) for part in path.split("/")]
        if self._images and len(parts) == 4 and parts[1] == "images":
            return _of_path(self._images.find(parts[2], parts[3]))
        if parts[:2] == ["", "view"] and (name := "/".join(parts[2:])) != SETTINGS:
            return _of_path(self._page.get(name or "index.html"))
        return self._resources.get("/".join(parts))


def _settings(images: LocalImages | None) -> Resource:
    settings = encode_settings(version="../version/", images="../images/" if images else None)
    return _of_bytes(settings, SETTINGS)


def _manifest(version: ShownVersion) -> Resource:
    path = storage.join(version.folder, layout.MANIFEST)
    return _of_bytes(storage.read_bytes(path), layout.MANIFEST)


def _of_version(version: ShownVersion) -> Iterator[tuple[str, Resource]]:
    for path, size in version.sizes.items():
        opened = _opener(storage.join(version.folder, path))
        yield f"/version/{path}", Resource(size, opened, _kind_of(path))


def _opener(path: str) -> Callable[[], BinaryIO]:
    return lambda: storage.open_binary(path)


def _of_bytes(data: bytes, name: str) -> Resource:
    return Resource(len(data), lambda: io.BytesIO(data), _kind_of(name))


def _of_path(path: pathlib.Path | None) -> Resource | None:
    if path is None:
        return None
    try:
        return Resource(path.stat().st_size, lambda: path.open("rb"), _kind_of(path.name))
    except OSError:
        return None


def _kind_of(name: str) -> str:
    ending = pathlib.PurePosixPath(name).suffix.lower()
    return _TYPES.get(ending) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """The half-open range of bytes that a request wants; None: all of them.

    What is no single range of bytes is ignored, as RFC 9110 allows.

    Raises:
      ValueError: It begins behind the end, which is to be answered by 416.

    >>> parse_range("bytes=2-4", 10), parse_range("bytes=-3", 10), parse_range("bytes=8-", 10)
    ((2, 5), (7, 10), (8, 10))
    """
    found = _RANGE.fullmatch((header or "").strip())
    if not found or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= size or start >= end:
        raise ValueError(header)
    return start, end


class _Handler(http.server.BaseHTTPRequestHandler):
    """Sends resources, in full or a range of them."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "narratives-view", ""
    timeout = 60
    files: ShownFiles

    def do_GET(self) -> None:
        self._respond()

    def do_HEAD(self) -> None:
        self._respond()

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self._refuse_method
        raise AttributeError(name)

    def _refuse_method(self) -> None:
        self.close_connection = True  # what it may have sent is not read
        self._send_text(HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": "GET, HEAD"})

    def _respond(self) -> None:
        if not _HOSTS.fullmatch(self.headers.get("Host", "")):
            return self._send_text(HTTPStatus.MISDIRECTED_REQUEST)
        path = self.path.partition("?")[0]
        if path in ("/", "/view"):
            return self._send_text(HTTPStatus.FOUND, {"Location": "/view/"})
        resource = self.files.find(path)
        if resource is None:
            return self._send_text(HTTPStatus.NOT_FOUND)
        try:
            wanted = parse_range(self.headers.get("Range"), resource.size)
        except ValueError:
            size = {"Content-Range": f"bytes */{resource.size}"}
            return self._send_text(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, size)
        self._send(resource, wanted)

    def _send(self, resource: Resource, wanted: tuple[int, int] | None) -> None:
        start, end = wanted or (0, resource.size)
        try:
            source = resource.open()
        except (OSError, UsageError):
            return self._send_text(HTTPStatus.NOT_FOUND)
        with source:
            self.send_response(HTTPStatus.PARTIAL_CONTENT if wanted else HTTPStatus.OK)
            if wanted:
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{resource.size}")
            self._send_heads(resource.kind, end - start)
            if self.command == "GET":
                self._copy(source, start, end)

    def _copy(self, source: BinaryIO, start: int, end: int) -> None:
        source.seek(start)
        left = end - start
        while left:
            piece = source.read(min(left, _PIECE))
            if not piece:  # shorter than the manifest says: the reader sees that bytes are missing
                self.close_connection = True
                return
            self.wfile.write(piece)
            left -= len(piece)

    def _send_text(self, status: HTTPStatus, heads: Mapping[str, str] | None = None) -> None:
        text = f"{status.value} {status.phrase}\n".encode()
        self.send_response(status)
        for name, value in (heads or {}).items():
            self.send_header(name, value)
        self._send_heads("text/plain; charset=utf-8", len(text))
        if self.command != "HEAD":
            self.wfile.write(text)

    def _send_heads(self, kind: str, length: int) -> None:
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing: the page says what does not work."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reader that goes in the middle of a file is nothing to report."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


def make_server(
    version: ShownVersion, images: LocalImages | None, port: int
) -> http.server.ThreadingHTTPServer:
    """A server that listens on loopback; `serve_forever` runs it.

    Args:
      version: What it shows.
      images: Local images.
      port: 0 takes any that is free.

    Raises:
      UsageError: The port is taken, or not this user's to take.
    """
    handler = type("Handler", (_Handler,), {"files": ShownFiles(version, images)})
    try:
        return _Server((LOOPBACK, port), handler)
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        why = "is taken" if error.errno == errno.EADDRINUSE else "is not yours to take"
        raise UsageError(
            f"port {port} {why}: name another one, or 0 for any that is free, with {option('port')}"
        ) from error
