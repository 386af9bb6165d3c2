"""FiftyOne's database for tests: on loopback, its data in a folder that goes with it, ended by its
own process id."""

import contextlib
import pathlib
import socket
import subprocess
import tempfile
import time

TIMEOUT_SECONDS = 60


@contextlib.contextmanager
def a_database(program):
    """The address of a database at work.

    Args:
      program: `mongod`.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="narratives-fiftyone-") as folder:
        log = pathlib.Path(folder, "log")
        command = [program, "--dbpath", folder, "--bind_ip", "127.0.0.1", "--port", str(port),
                   "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"]  # fmt: skip
        with log.open("wb") as out:
            process = subprocess.Popen([*map(str, command)], stdout=out, stderr=out)
        try:
            wait(process, port, log)
            yield f"mongodb://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait(process, port, log):
    """Waits until it takes connections."""
    until = time.monotonic() + TIMEOUT_SECONDS
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
