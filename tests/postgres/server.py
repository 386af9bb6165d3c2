"""A PostgreSQL server of its own for tests: on loopback, by a user that is not root, stopped by
its own process id."""

import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import psycopg

TIMEOUT_SECONDS = 30
PASSWORD = "p4ss-w0rd"


def programs():
    """The folder of the server's programs."""
    found = shutil.which("initdb")
    if found:
        return pathlib.Path(found).parent
    return max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parts[-2])


def as_user():
    """What begins a command, and who owns its files: the server refuses root."""
    if os.getuid():
        return [], None
    user = pwd.getpwnam("postgres")
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"], user


class Server:
    """A server.

    Attributes:
      port: Where it listens on 127.0.0.1.
      folder: Its data.
    """

    def __init__(self, folder):
        self.folder = folder
        self._prefix, self._user = as_user()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def dsn(self, database="postgres", user="postgres", password=PASSWORD):
        """A connection string of it."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def connect(self, database="postgres", **more):
        """A connection, each of whose statements is a transaction."""
        return psycopg.connect(self.dsn(database, **more), autocommit=True)

    @contextlib.contextmanager
    def running(self):
        """The server at work."""
        data = self.folder / "data"
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        if self._user:
            os.chmod(self.folder, 0o755)
            for path in (self.folder, secret):
                os.chown(path, self._user.pw_uid, self._user.pw_gid)
        self._run("initdb", "-D", data, "-U", "postgres", "--auth=scram-sha-256", "-E", "UTF8",
                  "--locale=C.UTF-8", f"--pwfile={secret}", "--no-sync")  # fmt: skip
        settings = {"listen_addresses": "127.0.0.1", "port": self.port, "fsync": "off",
                    "unix_socket_directories": "", "shared_buffers": "64MB"}  # fmt: skip
        command = [*self._prefix, str(programs() / "postgres"), "-D", str(data)]
        command += [f"--{name}={value}" for name, value in settings.items()]
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/")
        try:
            self._wait(process)
            yield self
        finally:
            process.send_signal(signal.SIGINT)  # ends connections, and then itself
            process.wait(TIMEOUT_SECONDS)

    def _run(self, name, *arguments):
        command = [*self._prefix, str(programs() / name), *map(str, arguments)]
        subprocess.run(command, check=True, capture_output=True, cwd="/")

    def _wait(self, process):
        until = time.monotonic() + TIMEOUT_SECONDS
        while True:
            try:
                self.connect().close()
                return
            except psycopg.OperationalError:
                assert process.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < until
                time.sleep(0.05)


@contextlib.contextmanager
def a_server():
    """A server in a folder that its user can reach, which goes with it."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="narratives-postgres-", dir="/tmp"))
    try:
        with Server(folder).running() as server:
            yield server
    finally:
        shutil.rmtree(folder)
