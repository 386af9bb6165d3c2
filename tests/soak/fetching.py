"""Kills `fetch` with SIGKILL at moments that go evenly over its run, and lets another one resume.

`python -m tests.soak.fetching --trials 50` prints trials and failures of each form. After a kill no
name may be that of anything but a complete file; the same command must then end well, and ask the
server for nothing that was on the disk for certain.
"""

import contextlib
import hashlib
import json
import multiprocessing
import os
import pathlib
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence

import yaml

from tests.soak import trials
from tests.transforms.transfer.servers import File, Server, serving

CHECKPOINT_BYTES = 20_000
"""So that parts are kept of files that are small enough for a test."""

DATA = {f"file-{n}": random.Random(n).randbytes(150_000 + 10_000 * n) for n in range(4)}

_CONTEXT = multiprocessing.get_context("forkserver")


def fetch(catalog: str, folder: str) -> None:
    """A process: the command, with parts that are kept more often."""
    from pipelines.cli.process import run_command
    from pipelines.fetch.job import main
    from transforms.transfer import partial

    partial.CHECKPOINT_BYTES = CHECKPOINT_BYTES
    with open(os.devnull, "w") as nowhere:
        sys.stdout = sys.stderr = nowhere
        run_command(lambda: main(["all_of_it", "--catalog", catalog, "--to", folder]))


def start(catalog: pathlib.Path, folder: pathlib.Path):
    """Starts the command."""
    process = _CONTEXT.Process(target=fetch, args=(str(catalog), str(folder)))
    process.start()
    return process


def start_at_work(server: Server, catalog: pathlib.Path, folder: pathlib.Path):
    """Starts the command; returns when it has asked the server for something."""
    server.requests.clear()
    process = start(catalog, folder)
    while not server.requests:
        assert process.is_alive(), f"exit code {process.exitcode}"
        time.sleep(0.001)
    return process


def catalog_of(server: Server, folder: pathlib.Path) -> pathlib.Path:
    """A catalog of the files, two of them with nothing on record."""
    files = [{"file": name, "bytes": len(data), "md5": hashlib.md5(data).hexdigest()}
             for name, data in DATA.items()]  # fmt: skip
    files[2:] = [{"file": file["file"]} for file in files[2:]]
    content = {
        "publisher": "tests",
        "source": server.url(""),
        "licence": "CC0",
        "groups": {"all_of_it": {"what": "files", "folder": "f", "files": files}},
    }
    path = folder / "catalog.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def certain_bytes(folder: pathlib.Path) -> int:
    """Bytes that need not come again; no complete name may be of anything else."""
    certain = 0
    for name, data in DATA.items():
        path = folder / "f" / name
        if path.exists():
            assert path.read_bytes() == data, f"{name} is not what it should be"
            certain += len(data)
            continue
        with contextlib.suppress(FileNotFoundError):
            state = json.loads(path.with_name(f"{name}.part.json").read_text())
            part = path.with_name(f"{name}.part").read_bytes()
            assert part[: state["synced"]] == data[: state["synced"]], f"{name}.part is wrong"
            certain += state["synced"]
    return certain


def attempt(server: Server, catalog: pathlib.Path, seconds: float, share: float) -> str:
    """One trial."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        process = start_at_work(server, catalog, folder)
        time.sleep(share * seconds)
        is_killed = process.is_alive()
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        process.join()
        time.sleep(0.05)  # until the server has seen it
        certain = certain_bytes(folder)
        with server.lock:
            server.sent = 0
        again = start(catalog, folder)
        again.join()
        assert again.exitcode == 0, f"exit code {again.exitcode}"
        left = {path.name for path in (folder / "f").iterdir()} - {".fetched"}
        assert left == DATA.keys(), f"left: {sorted(left)}"
        total = sum(map(len, DATA.values()))
        assert certain_bytes(folder) == total
        assert server.sent == total - certain, f"{server.sent:,} came, {total - certain:,} lacked"
        parts = "with parts" if certain else "with nothing yet"
        return f"killed {parts}" if is_killed else "ended before"


@contextlib.contextmanager
def forms() -> Iterator[Sequence[trials.Form]]:
    """One form: the command over a slow server."""
    _CONTEXT.set_forkserver_preload(["pipelines.fetch.job", "transforms.transfer.downloading"])
    with serving() as server, tempfile.TemporaryDirectory() as scratch:
        server.sent = 0
        server.files = {f"/{n}": _Counted(d, pause=0.01, block=10_000) for n, d in DATA.items()}
        catalog = catalog_of(server, pathlib.Path(scratch))
        start(catalog, pathlib.Path(scratch)).join()  # what is loaded once
        with tempfile.TemporaryDirectory() as folder:
            process = start_at_work(server, catalog, pathlib.Path(folder))
            begin = time.monotonic()
            process.join()
        assert process.exitcode == 0
        seconds = time.monotonic() - begin
        yield [
            trials.Form("fetch", lambda _, share: attempt(server, catalog, seconds, share)),
        ]


class _Counted(File):
    """A file whose bytes are counted that are asked for."""

    def _send(self, handler, body):
        with handler.server.lock:
            handler.server.sent += len(body)
        super()._send(handler, body)


if __name__ == "__main__":
    raise SystemExit(trials.main(__doc__, forms, 50))
