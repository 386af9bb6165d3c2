"""What the Flink cluster is made of: its configuration, Java, downloads and builds."""

import contextlib
import http.server
import socket
import sys
import threading
import time
import zipfile
from xml.etree import ElementTree

import pytest
import yaml

from engines.flink import jobs
from engines.flink.cluster import settings
from engines.flink.parts import job_server, store
from engines.flink.parts.collect import FLINK
from engines.flink.parts.java import find_java
from engines.flink.parts.job_server import POM, download, find_job_server
from transforms.core.base.errors import EngineError, UsageError

pytestmark = pytest.mark.engines

KUBERNETES = POM.parents[1] / "kubernetes"
CONSTRAINTS = store.ROOT / "constraints.txt"


def pom_values(*names):
    root = ElementTree.parse(POM).getroot()
    space = {"m": "http://maven.apache.org/POM/4.0.0"}
    return [[found.text for found in root.iterfind(f".//m:{name}", space)] for name in names]


def test_the_pom_is_of_the_clusters_flink():
    (flink,), (beam,), main_class, artifacts, versions = pom_values(
        "flink.version", "beam.version", "mainClass", "artifactId", "version"
    )
    assert FLINK == f"apache-flink-libraries=={flink}"
    minor = flink.rpartition(".")[0]
    assert f"beam-runners-flink-{minor}" in artifacts
    assert f":flink:{minor}:" in job_server.GRADLE_TARGET
    assert main_class == ["org.apache.beam.runners.flink.FlinkJobServerDriver"]
    managed = [name for name in artifacts if name.startswith("flink-") and name != artifacts[0]]
    assert len(managed) >= 10 and versions.count("${flink.version}") == len(managed)
    assert beam and all(version for version in versions)


def test_settings_are_sane():
    values = settings.read_settings()
    places = [key for key in values if key.endswith((".host", "-host", ".address", "-address"))]
    assert len(places) >= 6 and {values[key] for key in places} == {"127.0.0.1"}
    assert yaml.safe_load(settings.FILE.read_text()).keys() == values.keys()
    assert values["restart-strategy.type"] == "fixed-delay"
    slots = int(values["taskmanager.numberOfTaskSlots"])
    assert slots >= int(values["parallelism.default"])  # one TaskManager can do a job alone
    assert settings.restart_delay(values) > jobs.CACHE_MARGIN
    assert settings.task_manager_flags(values)[1] == "-Xmx512m"
    assert settings.task_manager_flags(values)[2] == "-XX:MaxDirectMemorySize=896m"


@pytest.mark.parametrize(
    ("given", "milliseconds"), [("8 s", 8000), ("8s", 8000), ("500 ms", 500), ("70", 70)]
)
def test_durations(given, milliseconds):
    values = settings.read_settings([f"restart-strategy.fixed-delay.delay={given}"])
    assert settings.restart_delay(values) == milliseconds


@pytest.mark.parametrize("override", ["heartbeat.timeout", "heartbeat.timeout=", "=5"])
def test_a_setting_must_have_key_and_value(override):
    with pytest.raises(UsageError, match="give KEY=VALUE"):
        settings.read_settings([override])


def test_sizes_and_durations_of_other_forms_are_refused():
    values = settings.read_settings(["taskmanager.memory.network.max=1 lot"])
    with pytest.raises(UsageError, match="'1 lot': give sizes"):
        settings.task_manager_flags(values)
    values = settings.read_settings(["restart-strategy.fixed-delay.delay=a while"])
    with pytest.raises(UsageError, match="'a while'"):
        settings.restart_delay(values)


def fake_java(folder, version):
    path = folder / "bin" / "java"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("version", ["11.0.22", "17.0.15", "17"])
def test_java_of_java_home_comes_first(tmp_path, monkeypatch, version):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(fake_java(tmp_path / "other", "17.0.1").parent), prepend=":")
    own = fake_java(tmp_path / "home", version)
    assert find_java() == str(own)


@pytest.mark.parametrize("version", ["1.8.0_402", "21.0.2", "not a number"])
def test_another_java_is_refused(tmp_path, monkeypatch, version):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    fake_java(tmp_path, version)
    with pytest.raises(UsageError, match="openjdk-17-jdk-headless and maven"):
        find_java()


def test_no_java_is_a_clear_sentence(tmp_path, monkeypatch):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="needs Java 11 or 17, and none is here"):
        find_java()


# --- Downloads and builds.


def test_what_was_interrupted_is_made_again(tmp_path):
    def fail(folder):
        (folder / "half").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.make_once(tmp_path / "part", fail)
    assert not (tmp_path / "part").exists()
    made = store.make_once(tmp_path / "part", lambda folder: (folder / "whole").write_text("whole"))
    assert [path.name for path in made.iterdir()] == ["whole"]
    store.make_once(made, fail)  # not made twice
    assert [path.name for path in tmp_path.iterdir()] == ["part"]


def test_a_command_that_fails_tells_its_last_words(tmp_path):
    command = [sys.executable, "-c", "raise SystemExit('no such artifact')"]
    with pytest.raises(EngineError, match="building it failed: .*\n  no such artifact"):
        store.call(command, tmp_path, "building it")


@contextlib.contextmanager
def repository(body, length=None):
    """A web server that has one file under every name."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(200)
            self.send_header("Content-Length", str(length or len(body)))
            self.end_headers()

        def do_GET(self):
            self.do_HEAD()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/job-server.jar"
        finally:
            server.shutdown()
            serving.join()


@pytest.fixture
def jar(tmp_path):
    path = tmp_path / "made.jar"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("META-INF/MANIFEST.MF", "Main-Class: Main\n" * 1000)
    return path.read_bytes()


def test_a_job_server_is_downloaded(tmp_path, jar):
    with repository(jar) as url:
        path = download(url, tmp_path / "jars", print)
    assert path.read_bytes() == jar


def test_a_download_that_is_cut_short_is_none(tmp_path, jar):
    with repository(jar[:500], len(jar)) as url:
        assert download(url, tmp_path / "jars", print, timeout_seconds=1) is None
    assert not list((tmp_path / "jars").glob("*.jar"))


def test_a_place_that_never_answers_is_given_up(tmp_path):
    begin = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/job-server.jar"
        assert download(url, tmp_path, print, timeout_seconds=0.5) is None
    assert time.monotonic() - begin < 5


def test_a_jar_in_beams_cache_is_taken(tmp_path, monkeypatch, jar):
    from apache_beam.utils.subprocess_server import JavaJarServer

    name = JavaJarServer.path_to_beam_jar(job_server.GRADLE_TARGET).rpartition("/")[2]
    monkeypatch.setattr(JavaJarServer, "JAR_CACHE", str(tmp_path))
    (tmp_path / name).write_bytes(jar)
    path, source = find_job_server(tmp_path / "store", print)
    assert path == tmp_path / name and source == f"Beam's own download, {name}"


@pytest.fixture
def no_download(tmp_path, monkeypatch):
    from apache_beam.utils.subprocess_server import JavaJarServer

    monkeypatch.setattr(JavaJarServer, "JAR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(job_server, "download", lambda *arguments: None)


def test_without_a_download_maven_is_needed(tmp_path, monkeypatch, no_download):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match="needs Maven: install it"):
        find_job_server(tmp_path, print)


def fake_maven(folder, monkeypatch, script):
    folder.mkdir()
    (folder / "mvn").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "mvn").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_a_build_is_kept_for_its_pom(tmp_path, monkeypatch, no_download):
    built = tmp_path / "built"
    script = f"mkdir target && cp pom.xml target/job-server.jar && echo built >> {built}"
    fake_maven(tmp_path / "bin", monkeypatch, script)
    changed = tmp_path / "pom.xml"
    changed.write_text(POM.read_text() + "\n")
    for pom in (POM, POM, changed):
        monkeypatch.setattr(job_server, "POM", pom)
        path, source = find_job_server(tmp_path / "store", print)
        assert path.read_text() == pom.read_text() and "built by Maven" in source
    assert built.read_text().split() == ["built"] * 2


def test_a_build_that_fails_says_why_and_leaves_nothing(tmp_path, monkeypatch, no_download):
    fake_maven(tmp_path / "bin", monkeypatch, "echo 'no such artifact'; exit 1")
    with pytest.raises(EngineError, match="building the job server failed: .*\n  no such artifact"):
        find_job_server(tmp_path / "store", print)
    assert [path for path in (tmp_path / "store").iterdir() if path.suffix != ".unfinished"] == []


# --- The example for Kubernetes.


def test_the_kubernetes_example_is_sane():
    cluster, job = yaml.safe_load_all((KUBERNETES / "flink.yaml").read_text())
    assert (cluster["kind"], job["kind"]) == ("FlinkDeployment", "Job")
    spec = cluster["spec"]
    (flink,) = pom_values("flink.version")[0]
    minor = flink.rpartition(".")[0]
    assert spec["image"].startswith(f"flink:{minor}-")
    assert spec["flinkVersion"] == f"v{minor.replace('.', '_')}"
    given = spec["flinkConfiguration"]
    assert all(isinstance(value, str) for value in given.values())
    ours = settings.read_settings()
    assert given.keys() <= ours.keys()
    main, workers = spec["taskManager"]["podTemplate"]["spec"]["containers"]
    assert main["name"] == "flink-main-container"
    port = workers["ports"][0]["containerPort"]

    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["image"] == workers["image"]
    flags = dict(argument[2:].partition("=")[::2] for argument in container["args"])
    assert flags["environment_config"] == f"localhost:{port}"
    assert flags["flink_master"].startswith(f"{cluster['metadata']['name']}-rest:")
    assert flags["flink_version"] == minor
    assert int(flags["environment_cache_millis"]) < settings.restart_delay(given)


def test_the_image_is_of_the_tested_beam_and_copies_what_there_is():
    lines = (KUBERNETES / "Dockerfile").read_text().splitlines()
    (base,) = [line for line in lines if line.startswith("FROM ")]
    pinned = dict(line.split("==") for line in CONSTRAINTS.read_text().split() if "==" in line)
    assert base.endswith(f":{pinned['apache-beam']}")
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY ")]
    assert all((store.ROOT / name).exists() for names in copied for name in names) and copied
