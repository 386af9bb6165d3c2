"""Beam's job server for Flink: the one that Beam downloads, else one that Maven builds."""

import contextlib
import hashlib
import pathlib
import shutil
import socket
import threading
import urllib.request
import zipfile
from collections.abc import Callable, Iterator

from engines.flink.parts.store import call, make_once
from transforms.core.base.errors import UsageError

POM = pathlib.Path(__file__).with_name("pom.xml")
GRADLE_TARGET = ":runners:flink:1.19:job-server:shadowJar"

TIMEOUT_SECONDS = 5
"""Seconds within which the place of Beam's download must answer, and go on answering."""


def find_job_server(store: pathlib.Path, say: Callable[[str], None]) -> tuple[pathlib.Path, str]:
    """The job server's jar and what it is: found, downloaded or built, whichever comes first.

    Args:
      store: Folder of downloads and builds, which the caller holds alone.
      say: Told what takes long.

    Raises:
      UsageError: It must be built, and there is no Maven.
      EngineError: The build failed.
    """
    from apache_beam.utils.subprocess_server import JavaJarServer

    url = JavaJarServer.path_to_beam_jar(GRADLE_TARGET)
    name = url.rpartition("/")[2]
    downloads, built = store / "downloads", store / f"job-server-{_fingerprint(POM)}"
    for folder in (pathlib.Path(JavaJarServer.JAR_CACHE), downloads):
        if zipfile.is_zipfile(folder / name):
            return folder / name, f"Beam's own download, {name}"
    if not built.exists() and (jar := download(url, downloads, say)):
        return jar, f"Beam's own download, {name}"
    make_once(built, lambda folder: _build(folder, say))
    return built / "job-server.jar", f"built by Maven from {POM.name}"


def _fingerprint(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def download(
    url: str,
    folder: pathlib.Path,
    say: Callable[[str], None],
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> pathlib.Path | None:
    """Downloads a jar as Beam does; None where its place does not answer or it comes cut short.

    Args:
      url: Where it is.
      folder: Where it goes.
      say: Told that a download begins.
      timeout_seconds: Seconds of silence after which it is given up.
    """
    from apache_beam.utils.subprocess_server import JavaJarServer

    if not _answers(url, timeout_seconds):
        return None
    say("Downloading Beam's job server for Flink (once) …")
    try:
        with _default_timeout(timeout_seconds):
            jar = pathlib.Path(JavaJarServer.local_jar(url, str(folder)))
    except (OSError, RuntimeError):  # Beam's error when it has tried all places is the latter
        return None
    if zipfile.is_zipfile(jar):  # the list of what is in it stands at the end
        return jar
    jar.unlink()
    return None


def _answers(url: str, timeout_seconds: float) -> bool:
    """Whether a place has a file. Asked in a thread, as no time limit holds for names' look-up."""
    found = []

    def ask() -> None:
        request = urllib.request.Request(url, method="HEAD")
        with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=timeout_seconds):
            found.append(True)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(timeout_seconds)
    return bool(found)


@contextlib.contextmanager
def _default_timeout(seconds: float) -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _build(folder: pathlib.Path, say: Callable[[str], None]) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise UsageError(
            "Beam's job server for Flink could not be downloaded, and building it needs Maven: "
            "install it (Debian's package is maven) or put the jar into Beam's cache, see "
            "docs/engines.md"
        )
    say("Building Beam's job server for Flink with Maven (once; some minutes) …")
    shutil.copy(POM, folder)
    call([maven, "--batch-mode", "--quiet", "clean", "package"], folder, "building the job server")
    shutil.move(folder / "target" / "job-server.jar", folder)
    shutil.rmtree(folder / "target")
