"""A server on loopback that gives files in every way in which servers do, and a clock for tests."""

import contextlib
import email.utils
import http.server
import re
import ssl
import threading
import time

MODIFIED = "Wed, 01 Jan 2020 00:00:00 GMT"


class Clock:
    """A clock on which waiting takes no time."""

    def __init__(self):
        self.now, self.slept = 1000.0, []
        self._lock = threading.Lock()

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        with self._lock:
            self.slept.append(seconds)
            self.now += seconds


class File:
    """A file as a server has it, and what the server can.

    Attributes:
      data: Its bytes.
      etag: Its version.
      ranges: Whether parts can be asked for.
      heeds: Whether conditions of parts are heeded.
      cut: After how many bytes of an answer the connection ends; None for not at all.
      pause: Seconds between blocks of `block` bytes.
      headers: More of them.
    """

    def __init__(self, data, etag='"1"', **settings):
        self.data, self.etag = data, etag
        self.ranges = self.heeds = True
        self.cut, self.pause, self.block, self.headers = None, 0.0, 1 << 16, {}
        self.before = lambda handler, count: None
        vars(self).update(settings)

    def __call__(self, handler, count):
        self.before(handler, count)
        start, status = self._start(handler), 200
        headers = {"ETag": self.etag, **self.headers} if self.etag else dict(self.headers)
        if start is not None and start >= len(self.data):
            return handler.reply(416, b"", {"Content-Range": f"bytes */{len(self.data)}"})
        if start is not None:
            status = 206
            headers["Content-Range"] = f"bytes {start}-{len(self.data) - 1}/{len(self.data)}"
        body = self.data[start or 0 :]
        handler.send_response(status)
        for name, value in ({"Content-Length": len(body)} | headers).items():
            if value is not None:
                handler.send_header(name, str(value))
        handler.end_headers()
        self._send(handler, body)

    def _start(self, handler):
        found = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        condition = handler.headers.get("If-Range")
        if not found or not self.ranges or (self.heeds and condition not in (None, self.etag)):
            return None
        return int(found[1])

    def _send(self, handler, body):
        cut = len(body) if self.cut is None else self.cut
        for at in range(0, min(cut, len(body)), self.block):
            handler.wfile.write(body[at : min(cut, at + self.block)])
            time.sleep(self.pause)
        if cut < len(body):
            handler.close_connection = True


def status(code, body=b"no", **headers):
    """A behaviour: this answer."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler, count: handler.reply(code, body, given)


def in_turn(*behaviours):
    """A behaviour for each request in turn; the last one stays."""
    return lambda handler, count: behaviours[min(count, len(behaviours)) - 1](handler, count)


def silent(seconds):
    """Nothing comes for a time."""
    return lambda handler, count: time.sleep(seconds)


def close(handler, count):
    """The connection ends without an answer."""
    handler.close_connection = True


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        with self.server.lock:
            self.server.requests.append((self.path, dict(self.headers)))
            count = sum(path == self.path for path, _ in self.server.requests)
        with contextlib.suppress(OSError):
            return self.server.files.get(self.path, status(404))(self, count)
        self.close_connection = True

    def do_CONNECT(self):
        self.server.requests.append((self.path, dict(self.headers)))
        self.reply(403, b"", {})

    def reply(self, code, body, headers):
        self.send_response(code)
        for name, value in {"Content-Length": len(body), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def date_time_string(self, timestamp=None):
        return email.utils.formatdate(timestamp, usegmt=True)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    """Attributes: `files` by path, and `requests` as (path, headers)."""

    daemon_threads = True

    def __init__(self, certificate=None):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lock, self.files, self.requests = threading.Lock(), {}, []
        self.scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
            self.scheme = "https"

    def handle_error(self, *_):
        """A client that went away is no error of the test."""

    def url(self, path):
        return f"{self.scheme}://127.0.0.1:{self.server_port}{path}"

    def ranges(self, path):
        """What was asked for of a file, in turn."""
        return [headers.get("Range") for asked, headers in self.requests if asked == path]


@contextlib.contextmanager
def serving(certificate=None):
    """A server until the block ends."""
    server = Server(certificate)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def make_certificate(path):
    """A self-signed certificate for loopback, with its key, in one file."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8
    private = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    path.write_bytes(built.public_bytes(serialization.Encoding.PEM) + private)
    return str(path)
