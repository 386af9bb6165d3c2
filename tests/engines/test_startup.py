"""What a run does before its work: no network without need, and no wait for what cannot come."""

import contextlib
import json
import subprocess
import sys
import time

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests import build_helpers as helpers
from tests.build_helpers import ROOT
from tests.engines.jobs import SAMPLES, inputs, run
from tests.engines.servers.bucket import without_credentials
from tests.engines.servers.faults import Fault
from tests.engines.servers.metadata import running_metadata_server, running_silent_server

pytestmark = pytest.mark.engines

GUARD = ROOT / "tests" / "engines" / "guard"

SECONDS = 10
"""Within which a sentence must come; half of it is Python's start on a busy machine."""


@pytest.fixture
def guard(tmp_path):
    """(variables that put the guard into a process and its children, what they tried)."""
    log = tmp_path / "network_calls"
    log.touch()
    return {"PYTHONPATH": str(GUARD), "NETWORK_CALLS": str(log)}, log


def offline_run(output):
    """Arguments of a run that needs no network: the sample with everything that it can."""
    return ["--config", "configs/local.yaml", *inputs(SAMPLES), "--output", output]


def test_an_offline_run_makes_no_network_call(guard, tmp_path):
    environment, log = guard
    ended = run(*offline_run(tmp_path / "out"), environment=environment)
    assert ended.code == 0, ended.err
    assert log.read_text() == ""
    helpers.assert_whole(helpers.version_of(tmp_path / "out"))
    assert run(*offline_run(tmp_path / "out"), environment=environment).out.startswith("Nothing")
    assert log.read_text() == ""


@pytest.mark.parametrize(
    ("way", "noted"),
    [
        ("urllib.request.urlopen('http://127.0.0.1:9')", "create_connection"),
        ("socket.getaddrinfo('metadata.google.internal', 80)", "getaddrinfo"),
        ("socket.socket().connect(('127.0.0.1', 9))", "connect (('127.0.0.1', 9),)"),
        ("google.auth.default()", ""),
    ],
)
def test_the_guard_would_notice(guard, way, noted):
    environment, log = guard
    code = f"import google.auth, socket, urllib.request\n{way}"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=without_credentials() | environment,
        stderr=subprocess.PIPE,
    )
    assert ended.returncode == 1
    assert log.read_text().startswith(noted) and log.read_text()


def in_namespace(*command):
    """Runs Python where there is no network; returns its exit code, the counts, its errors."""
    python = [sys.executable, "-m", "tests.engines.counted", sys.executable]
    ended = subprocess.run(
        ["unshare", "--map-root-user", "--net", *python, *map(str, command)],
        cwd=ROOT,
        env=without_credentials(),
        capture_output=True,
        text=True,
    )
    if ended.stderr.startswith("unshare:"):
        pytest.skip(f"this machine makes no network namespace: {ended.stderr.strip()}")
    return ended.returncode, json.loads(ended.stdout.splitlines()[-1]), ended.stderr


def test_no_library_asks_the_kernel_for_the_network(tmp_path):
    """What the guard cannot see: libraries that are not written in Python."""
    probe = "import socket; socket.socket().connect(('192.0.2.1', 80))"
    code, counts, _ = in_namespace("-c", probe)
    assert (code, counts) == (1, {"IPv4": 1, "IPv6": 0})
    job = ["-m", "pipelines.build", *offline_run(tmp_path / "out")]
    code, counts, error = in_namespace(*job)
    assert code == 0, error
    assert counts == {"IPv4": 0, "IPv6": 0}


def test_an_offline_run_waits_for_nobody(tmp_path):
    """Not even a server that is there and would let it wait."""
    with running_silent_server() as server:
        address = f"http://{server.address}"
        environment = server.environment | {
            "STORAGE_EMULATOR_HOST": address,
            "http_proxy": address,
            "https_proxy": address,
        }
        ended = run(*offline_run(tmp_path / "out"), environment=environment)
        assert ended.code == 0, ended.err
        assert server.connections() == 0


@contextlib.contextmanager
def silent():
    with running_silent_server() as server:
        yield server.environment


@contextlib.contextmanager
def nobody():
    """A metadata server's address at which nobody listens."""
    with running_silent_server() as server:
        environment = server.environment
    yield environment


def test_without_credentials_and_network_both_are_said(tmp_path):
    nowhere = {"API_ENDPOINT_OVERRIDE": "http://127.0.0.1:1"}
    arguments = ("--input", "gs://some-bucket/a.jsonl", "--output", tmp_path, "--tagger", "none")
    with nobody() as environment:
        ended = run(*arguments, environment=environment | nowhere)
    assert ended.code == 2 and ended.err.count("\n") == 1
    assert (
        "and without them http://127.0.0.1:1 does not answer either (is this machine offline, or "
        "does it need a proxy?); log in with"
    ) in ended.err


@pytest.mark.parametrize("metadata", [nobody, silent])
@pytest.mark.parametrize("flag", ["--input", "--output", "--boxes", "--annotations", "--config"])
def test_a_missing_credential_is_one_sentence_within_seconds(tmp_path, flag, metadata):
    arguments = {"--input": helpers.REAL, "--output": tmp_path / "out", "--tagger": "none"}
    arguments[flag] = "gs://some-bucket/some/thing"
    with metadata() as environment:
        begin = time.monotonic()
        ended = run(*(part for pair in arguments.items() for part in pair), environment=environment)
        seconds = time.monotonic() - begin
    assert ended.code == 2
    assert ended.err.startswith("error: gs:// needs Google credentials: Your default ")
    assert "gcloud auth application-default login" in ended.err and ended.err.count("\n") == 1
    assert seconds < SECONDS
    assert not (tmp_path / "out" / "CURRENT").exists()


def write_key(path, token_uri):
    """A service account's key file, of a key that was made just now."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    content = {
        "type": "service_account",
        "project_id": "our-project",
        "private_key_id": "0",
        "private_key": key.decode(),
        "client_email": "job@our-project.iam.gserviceaccount.com",
        "client_id": "0",
        "token_uri": token_uri,
    }
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("answers", [False, True])
def test_credentials_that_nobody_can_check_are_one_sentence_within_seconds(tmp_path, answers):
    """Where there is no network, or one that leads nowhere."""
    with running_silent_server() as server:
        address = f"http://{server.address if answers else '127.0.0.1:9'}/token"
        write_key(tmp_path / "key.json", address)
        begin = time.monotonic()
        ended = run(
            *("--input", "gs://some-bucket/*.jsonl", "--output", tmp_path / "out"),
            environment={"GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "key.json")},
        )
        seconds = time.monotonic() - begin
    assert ended.code == 4
    assert ended.err.startswith("error: Google Cloud Storage failed at 'gs://': ")
    assert ended.err.endswith("; check the network of this machine\n")
    assert ended.err.count("\n") == 1
    assert seconds < SECONDS + 10  # what the one attempt may take


def test_credentials_of_the_machine_are_used(bucket, tmp_path):
    """Those of a metadata server, with which the store is asked by its real address's rules."""
    bucket.put("a.jsonl", helpers.REAL.read_bytes())
    endpoint = bucket.environment["STORAGE_EMULATOR_HOST"]
    with running_metadata_server() as metadata:
        ended = run(
            *("--input", f"{bucket.url}/a.jsonl", "--output", tmp_path / "out"),
            *("--tagger", "none"),
            environment=metadata.environment | {"API_ENDPOINT_OVERRIDE": endpoint},
        )
        assert ended.code == 0, ended.err
        assert any(path.endswith("/token") for path in metadata.asked)
    assert bucket.faults.seen("read", "a.jsonl")


def test_public_objects_are_read_without_credentials_and_others_name_what_is_needed(
    bucket, tmp_path
):
    for name in ("public/a.jsonl", "private/a.jsonl"):
        bucket.put(name, helpers.REAL.read_bytes())
    bucket.faults.add(Fault(name="/private/", status=401, anonymous=True, times=None))

    def read(path, output=tmp_path / "out"):
        with nobody() as environment:
            endpoint = {"API_ENDPOINT_OVERRIDE": bucket.environment["STORAGE_EMULATOR_HOST"]}
            arguments = ("--input", path, "--output", output, "--tagger", "none")
            return run(*arguments, environment=environment | endpoint)

    ended = read(f"{bucket.url}/public/*.jsonl")
    assert ended.code == 0, ended.err
    assert len(helpers.rows_of(tmp_path / "out", "narratives")) == len(
        helpers.lines_of(helpers.REAL)
    )
    private = f"{bucket.url}/private/a.jsonl"
    for path, output, needed in (
        (private, tmp_path / "other", f"'{private}' is not public"),
        (helpers.REAL, f"{bucket.url}/out", f"to write to '{bucket.url}/out' takes them"),
    ):
        ended = read(path, output)
        assert ended.code == 2
        assert ended.err.startswith("error: gs:// needs Google credentials: Your default ")
        assert needed in ended.err and "gcloud auth application-default login" in ended.err
        assert ended.err.count("\n") == 1
    assert bucket.names("out") == []
