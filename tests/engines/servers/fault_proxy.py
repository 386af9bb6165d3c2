"""A loopback proxy in front of an object store emulator: repairs what it lacks, injects faults.

Repairs, since real stores do better than the emulator:
- Parts of a batch request get a Content-ID, without which the emulator drops them.
- A part of an upload that is sent again is answered from memory; the emulator would append it
  once more.
- Reading keeps the precondition on the generation, which the emulator ignores there.
- Lists come in pages.
"""

import contextlib
import dataclasses
import http.client
import http.server
import json
import re
import select
import socket
import struct
import threading
import time
from collections.abc import Iterator

from tests.engines.servers.calls import Call, read_call
from tests.engines.servers.faults import CONTROL, TIMEOUT_SECONDS, Fault, FaultPlan, Seen

PAGE = 50
"""Objects that a list has at most; the service's have 1,000, or fewer as it likes."""

_GENERATION = re.compile(r"[?&]ifGenerationMatch=(\d+)")
_OF_ONE_HOP = {"connection", "content-length", "keep-alive", "transfer-encoding"}


@dataclasses.dataclass(frozen=True)
class _Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The value of a header; `name` in small letters."""
        return next((value for key, value in self.headers if key.lower() == name), None)


def add_content_ids(body: bytes, content_type: str) -> bytes:
    """Numbers those parts of a batch request that have no Content-ID."""
    found = re.search(r'boundary="?([^";]+)', content_type)
    if not found:
        return body
    mark = b"--" + found[1].encode()
    head, *parts, tail = body.split(mark)
    numbered = [
        part
        if re.search(rb"^content-id:", part, re.IGNORECASE | re.MULTILINE)
        else re.sub(rb"^(\r?\n)", rb"\1Content-ID: <part+%d>\1" % number, part, count=1)
        for number, part in enumerate(parts, 1)
    ]
    return mark.join([head, *numbered, tail])


class _Handler(http.server.BaseHTTPRequestHandler):
    """One connection of a client. `self.server` is the `_Server`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_any(self) -> None:
        body = self._read_body()
        if self.path.startswith(CONTROL):
            self._send(self.server.control(self.command, self.path.removeprefix(CONTROL), body))
            return
        call = read_call(self.command, self.path, body)
        call = dataclasses.replace(call, authorized="Authorization" in self.headers)
        seen, released = self.server.plan.meet(call)
        try:
            self._meet(seen, released, body)
        finally:
            seen.ended = True

    do_DELETE = do_GET = do_HEAD = do_PATCH = do_POST = do_PUT = do_any

    def _meet(self, seen: Seen, released: threading.Event, body: bytes) -> None:
        fault = seen.fault or Fault()
        time.sleep(fault.delay)
        if fault.hold and not (released.wait(TIMEOUT_SECONDS) and self._has_caller()):
            self._reset()
            return
        if fault.loses_answer and not fault.carried_out:
            self._fail(fault)
            return
        answer = self._forward(seen.call, body)
        seen.status = answer.status
        if fault.loses_answer:
            self._fail(fault)
        elif fault.cut is not None:
            self._cut(answer, fault.cut)
        else:
            self._send(answer)

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return b"".join(self._chunks())
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers

    def _has_caller(self) -> bool:
        """Whether the client still waits: a connection that it closed can be read, and is empty."""
        if not select.select([self.connection], [], [], 0)[0]:
            return True
        try:
            return bool(self.connection.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def _forward(self, call: Call, body: bytes) -> _Answer:
        if call.kind == "batch":
            body = add_content_ids(body, self.headers["Content-Type"])
        if call.kind == "list" and "maxResults=" not in self.path:
            mark = "&" if "?" in self.path else "?"
            return self._ask_upstream(body, f"{mark}maxResults={PAGE}")
        if call.kind == "part":
            return self._forward_part(body)
        answer = self._ask_upstream(body)
        wanted = _GENERATION.search(self.path) if call.kind == "read" else None
        if (
            answer.status in (200, 206)
            and wanted
            and wanted[1] != answer.header("x-goog-generation")
        ):
            return _error(412)
        return answer

    def _forward_part(self, body: bytes) -> _Answer:
        key = self.path, self.headers.get("Content-Range", "")
        if key not in self.server.parts:
            answer = self._ask_upstream(body)
            if key[1].startswith("bytes */"):  # a question, whose answer changes
                return answer
            self.server.parts[key] = answer
        return self.server.parts[key]

    def _ask_upstream(self, body: bytes, more: str = "") -> _Answer:
        upstream = http.client.HTTPConnection(
            "127.0.0.1", self.server.upstream, timeout=TIMEOUT_SECONDS
        )
        with contextlib.closing(upstream):
            upstream.putrequest(
                self.command, self.path + more, skip_host=True, skip_accept_encoding=True
            )
            for name, value in self._passed_on(self.headers.items()):
                upstream.putheader(name, value)
            upstream.putheader("Content-Length", str(len(body)))
            upstream.endheaders(body)
            answer = upstream.getresponse()
            return _Answer(answer.status, self._passed_on(answer.getheaders()), answer.read())

    @staticmethod
    def _passed_on(headers) -> list[tuple[str, str]]:
        return [(name, value) for name, value in headers if name.lower() not in _OF_ONE_HOP]

    def _send(self, answer: _Answer, end: int | None = None) -> None:
        """Sends an answer, or its head and the first bytes of its body."""
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body[:end])

    def _fail(self, fault: Fault) -> None:
        if fault.status is None:
            self._reset()
        else:
            self._send(_error(fault.status))

    def _cut(self, answer: _Answer, size: int) -> None:
        if answer.body:
            self._send(answer, min(size, len(answer.body) - 1))
            self.connection.shutdown(socket.SHUT_WR)
            self.close_connection = True
        else:
            self._reset()

    def _reset(self) -> None:
        """Ends the connection with a TCP reset: what closing without lingering does."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()
        self.close_connection = True

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:  # the client ended first
            self.close_connection = True

    def log_message(self, format: str, *args) -> None:
        pass


def _error(status: int) -> _Answer:
    text = {"error": {"code": status, "message": f"error {status} of the proxy"}}
    return _Answer(status, [("Content-Type", "application/json")], json.dumps(text).encode())


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.plan = FaultPlan()
        self.upstream = 0
        self.parts: dict[tuple[str, str], _Answer] = {}

    def control(self, method: str, path: str, body: bytes) -> _Answer:
        """Answers the tests: see `Faults`."""
        value = json.loads(body) if body else None
        if method == "DELETE":
            self.plan.clear()
        elif path == "/release":
            self.plan.release()
        elif path == "/scatter":
            self.plan.scatter(*value)
        elif method == "POST":
            for fault in value:
                self.plan.add(Fault(**fault))
        seen = [dataclasses.asdict(seen) for seen in self.plan.seen()]
        return _Answer(200, [("Content-Type", "application/json")], json.dumps(seen).encode())


class FaultProxy:
    """A running proxy; a context manager.

    Attributes:
      endpoint: Its address.
    """

    def __init__(self):
        self._server = _Server()
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def address(self) -> str:
        """Host and port."""
        return self.endpoint.removeprefix("http://")

    def lead_to(self, port: int) -> None:
        """Says on which port of this machine the emulator listens."""
        self._server.upstream = port

    def __enter__(self) -> "FaultProxy":
        self._thread.start()
        return self

    def __exit__(self, *error) -> None:
        self._server.plan.clear()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
