"""A server on loopback that answers by path, in every way in which servers of pictures do."""

import contextlib
import http.server
import io
import threading
import time

from PIL import Image


def picture(number=0, size=(40, 30), kind="JPEG", **options):
    """A real picture, another one for each number."""
    image = Image.new("RGB", size, (number % 256, number // 256 % 256, 90))
    image.putpixel((1, 1), (255, number % 7 * 30, 0))
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def answer(body=b"", status=200, **headers):
    """A behaviour: this answer, each time."""

    def behave(handler, _):
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        handler.reply(status, body, {"Content-Type": "image/jpeg", **given})

    return behave


def in_turn(*behaviours):
    """A behaviour for each request in turn; the last one stays."""
    return lambda handler, count: behaviours[min(count, len(behaviours)) - 1](handler, count)


def cut(body, at):
    """The connection ends after some bytes of the body."""

    def behave(handler, _):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[:at])
        handler.close_connection = True

    return behave


def silent(seconds):
    """Nothing comes for a time."""
    return lambda handler, _: time.sleep(seconds)


def trickle(body, pause):
    """A byte comes at a time."""

    def behave(handler, _):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        with contextlib.suppress(OSError):
            for byte in body:
                handler.wfile.write(bytes([byte]))
                time.sleep(pause)

    return behave


def unannounced(body):
    """A body whose length no header says."""

    def behave(handler, _):
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.close_connection = True
        with contextlib.suppress(OSError):
            handler.wfile.write(body)

    return behave


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        with self.server.lock:
            self.server.requests.append((time.monotonic(), self.path, dict(self.headers)))
            count = sum(path == self.path for _, path, _ in self.server.requests)
        try:
            behave = self.server.behaviours.get(self.path, answer(b"none", 404))
            behave(self, count)
        except OSError:
            self.close_connection = True

    def reply(self, status, body, headers):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lock = threading.Lock()
        self.behaviours, self.requests = {}, []
        self.host = f"127.0.0.1:{self.server_port}"

    def handle_error(self, *_):
        """A client that went away is no error of the test."""

    def url(self, path):
        return f"http://{self.host}{path}"

    def paths(self):
        return [path for _, path, _ in self.requests]


@contextlib.contextmanager
def serving():
    """A server until the block ends."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
