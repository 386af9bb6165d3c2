"""What the cluster is made of: Java, Flink's jars, Beam's job server."""

import dataclasses
import pathlib
import sys
import zipfile
from collections.abc import Callable

from engines.flink.parts.java import find_java
from engines.flink.parts.job_server import find_job_server
from engines.flink.parts.store import STORE, alone, call, make_once

FLINK = "apache-flink-libraries==1.19.3"
"""Flink's jars, as PyPI has them. pom.xml names the same version."""


@dataclasses.dataclass(frozen=True)
class Parts:
    """Paths of the cluster's parts.

    Attributes:
      java: The `java` command.
      flink: The jars of Flink and of its logging.
      job_server: The jar of Beam's job server.
      source: What the job server is: downloaded or built.
      empty_jar: A jar with nothing in it: what a job sends to the cluster, which has Beam already.
    """

    java: str
    flink: tuple[str, ...]
    job_server: str
    source: str
    empty_jar: str

    @property
    def class_path(self) -> str:
        """The cluster's class path. The job server comes last: it has a Flink in it too."""
        return ":".join([*self.flink, self.job_server])


def gather_parts(say: Callable[[str], None]) -> Parts:
    """Finds the parts, and downloads or builds what is not there yet.

    Args:
      say: Told what takes long.

    Raises:
      UsageError: Java or Maven is missing.
      EngineError: A download or the build failed.
    """
    java = find_java()
    with alone(STORE):
        flink = make_once(STORE / FLINK.replace("==", "-"), lambda folder: _install(folder, say))
        job_server, source = find_job_server(STORE, say)
        empty = make_once(STORE / "empty", _make_empty_jar)
    jars = [*flink.rglob("flink-dist-*.jar"), *sorted(flink.rglob("log4j-*.jar"))]
    return Parts(java, tuple(map(str, jars)), str(job_server), source, str(empty / "empty.jar"))


def _install(folder: pathlib.Path, say: Callable[[str], None]) -> None:
    say("Installing Flink's jars (once; some minutes) …")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
    call([*pip, "--target", str(folder), FLINK], folder, "installing Flink's jars")


def _make_empty_jar(folder: pathlib.Path) -> None:
    with zipfile.ZipFile(folder / "empty.jar", "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
