"""Stand-ins for the metadata server from which a machine of Google's cloud has its credentials."""

import contextlib
import dataclasses
import http.server
import json
import socket
import threading
from collections.abc import Iterator

TOKEN = "token-of-the-tests"

_ACCOUNT = {
    "aliases": ["default"],
    "email": "tests",  # for an address, Google's client would ask a server of Google's about it
    "scopes": ["https://www.googleapis.com/auth/cloud-platform"],
}
_ANSWERS = {
    "/token": {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"},
    "/project/project-id": "test-project",
    "/universe/universe-domain": "googleapis.com",
    "/service-accounts/default/": _ACCOUNT,
}
"""What is answered to paths that end so; any other path gets `ok`."""


@dataclasses.dataclass(frozen=True)
class MetadataServer:
    """A metadata server and token endpoint.

    Attributes:
      address: Host and port.
      asked: The paths that clients asked for.
    """

    address: str
    asked: list[str]

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which Google's libraries ask this one."""
        return {"GCE_METADATA_HOST": self.address, "GCE_METADATA_IP": self.address}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append(path)
        self._send(next((_ANSWERS[end] for end in _ANSWERS if path.endswith(end)), "ok"))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append(self.path)
        self._send(_ANSWERS["/token"])

    def _send(self, answer: str | dict) -> None:
        is_text = isinstance(answer, str)
        body = (answer if is_text else json.dumps(answer)).encode()
        self.send_response(200)
        self.send_header("Metadata-Flavor", "Google")
        self.send_header("Content-Type", "application/text" if is_text else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args) -> None:
        pass


@contextlib.contextmanager
def running_metadata_server() -> Iterator[MetadataServer]:
    """A metadata server that gives a token which is worth nothing."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield MetadataServer(f"127.0.0.1:{server.server_port}", server.asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclasses.dataclass(frozen=True)
class SilentServer:
    """A server that takes connections and never says a word.

    Attributes:
      address: Host and port.
    """

    address: str
    _socket: socket.socket
    _taken: list[socket.socket]

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which Google's libraries take it for the metadata server."""
        return {"GCE_METADATA_HOST": self.address, "GCE_METADATA_IP": self.address}

    def connections(self) -> int:
        """How many connections were made so far."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self._taken.append(self._socket.accept()[0])  # kept, so that clients go on waiting
        return len(self._taken)


@contextlib.contextmanager
def running_silent_server() -> Iterator[SilentServer]:
    """A server to which one can only wait for an answer in vain."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        server.setblocking(False)
        try:
            yield SilentServer(f"127.0.0.1:{server.getsockname()[1]}", server, taken)
        finally:
            for connection in taken:
                connection.close()
