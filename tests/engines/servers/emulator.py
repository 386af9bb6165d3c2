"""An object store on this machine: fake-gcs-server in memory, behind our fault proxy.

`python -m tests.engines.servers.emulator` runs one as a process of its own: it prints its address
and ends with its standard input.
"""

import contextlib
import dataclasses
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

from tests.engines.servers.fault_proxy import FaultProxy
from tests.engines.servers.faults import Faults

BINARY = pathlib.Path(__file__).parents[3] / ".engines" / "bin" / "fake-gcs-server"

TRIES = 5
"""Between choosing a free port and listening there, another process may take it."""

SECONDS_TO_START = 30


class EmulatorFailed(RuntimeError):
    """The emulator is missing, or ended by itself."""


@dataclasses.dataclass(frozen=True)
class Emulator:
    """A running object store.

    Attributes:
      endpoint: Its address for clients, through the proxy.
      direct: Its address beside the proxy, where no fault is met.
      faults: The hand on the proxy.
      pid: The emulator's process.
    """

    endpoint: str
    direct: str
    faults: Faults
    pid: int


@contextlib.contextmanager
def running_emulator() -> Iterator[Emulator]:
    """Starts emulator and proxy on free ports, and ends them.

    Raises:
      EmulatorFailed: It is not installed, or does not start.
    """
    if not BINARY.exists():
        raise EmulatorFailed(f"{BINARY} is missing: `make test-engines` installs it")
    with contextlib.ExitStack() as stack:
        proxy = stack.enter_context(FaultProxy())
        for _ in range(TRIES):
            port = _free_port()
            process, log = stack.enter_context(_started(port, proxy))
            if _answers(process, port):
                break
        else:
            raise EmulatorFailed(f"{BINARY.name} does not start: {log.read_text().strip()}")
        proxy.lead_to(port)
        direct = f"http://127.0.0.1:{port}"
        yield Emulator(proxy.endpoint, direct, Faults(proxy.endpoint), process.pid)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextlib.contextmanager
def _started(port: int, proxy: FaultProxy) -> Iterator[tuple[subprocess.Popen, pathlib.Path]]:
    command = [BINARY, "-backend", "memory", "-scheme", "http", "-host", "127.0.0.1"]
    command += ["-port", str(port), "-public-host", proxy.address]
    command += ["-external-url", proxy.endpoint, "-log-level", "warn"]
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield process, pathlib.Path(log.name)
        finally:
            process.kill()
            process.wait()


def _answers(process: subprocess.Popen, port: int) -> bool:
    """Waits until the emulator answers, or has ended."""
    end = time.monotonic() + SECONDS_TO_START
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(OSError, urllib.error.URLError):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_internal/healthcheck"):
                return process.poll() is None
        time.sleep(0.05)
    return False


def main() -> None:
    """Runs an emulator until standard input ends."""
    with running_emulator() as emulator:
        print(emulator.endpoint, flush=True)
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
