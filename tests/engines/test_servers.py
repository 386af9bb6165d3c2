"""The servers that the other tests lean on: the proxy repairs and breaks as it says."""

import http.client
import json
import subprocess
import sys
import threading
import urllib.request

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from tests.build_helpers import ROOT, is_running
from tests.engines.servers.calls import read_call
from tests.engines.servers.emulator import running_emulator
from tests.engines.servers.fault_proxy import PAGE, add_content_ids
from tests.engines.servers.faults import Fault
from tests.engines.servers.metadata import TOKEN, running_metadata_server, running_silent_server

pytestmark = pytest.mark.engines

MULTIPART = b'--x\r\ncontent-type: application/json\r\n\r\n{"name": "out/CURRENT"}\r\n--x\r\n\r\nv1'


@pytest.mark.parametrize(
    ("method", "target", "body", "kind", "name"),
    [
        ("GET", "/storage/v1/b/b/o?prefix=a%2Fb&fields=x", b"", "list", "b/a/b"),
        ("GET", "/storage/v1/b/b/o/a%2Fb%20c?projection=noAcl", b"", "stat", "b/a/b c"),
        ("GET", "/download/storage/v1/b/b/o/a%2Fb?alt=media", b"", "read", "b/a/b"),
        ("GET", "/storage/v1/b/b/o/a?alt=media", b"", "read", "b/a"),
        ("GET", "/b/a/c", b"", "read", "b/a/c"),
        ("HEAD", "/b/a/c", b"", "stat", "b/a/c"),
        ("DELETE", "/storage/v1/b/b/o/a", b"", "delete", "b/a"),
        ("POST", "/storage/v1/b/b/o/a/rewriteTo/b/c/o/d%2Fe", b"", "copy", "c/d/e"),
        ("POST", "/storage/v1/b/b/o/a/compose", b"", "compose", "b/a"),
        ("POST", "/upload/storage/v1/b/b/o?uploadType=multipart", MULTIPART, "upload",
         "b/out/CURRENT"),
        ("POST", "/upload/storage/v1/b/b/o?uploadType=resumable", b'{"name": "a"}', "start", "b/a"),
        ("PUT", "/upload/storage/v1/b/b/o?uploadType=resumable&name=a&upload_id=1", b"{}", "part",
         "b/a"),
        ("POST", "/batch/storage/v1", b"--x\n\nDELETE /storage/v1/b/b/o/a HTTP/1.1\n", "batch",
         "/storage/v1/b/b/o/a"),
        ("GET", "/storage/v1/b/b", b"", "other", ""),
    ],
)  # fmt: skip
def test_calls_are_understood(method, target, body, kind, name):
    call = read_call(method, target, body)
    assert (call.kind, call.name) == (kind, name)


def test_parts_of_a_batch_are_numbered_where_they_are_not():
    parts = [b"\r\nContent-Type: a\r\n\r\nGET /1\r\n", b"\r\nContent-ID: <b>\r\n\r\nGET /2\r\n"]
    body = b"--=x=".join([b"", *parts, b"--"])
    found = add_content_ids(body, 'multipart/mixed; boundary="=x="')
    assert found == body.replace(b"\r\nContent-Type", b"\r\nContent-ID: <part+1>\r\nContent-Type")


@pytest.fixture
def ask(bucket):
    """Asks for a path of the emulator through the proxy; returns status and body."""

    def ask(path, method="GET", body=None, headers=None):
        address = bucket.faults.endpoint.removeprefix("http://")
        connection = http.client.HTTPConnection(address, timeout=20)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()

    return ask


def path_of(bucket, name):
    return f"/storage/v1/b/{bucket.name}/o/{name}"


def test_objects_pass_unchanged(bucket, ask):
    bucket.put("a", b"data")
    assert ask(path_of(bucket, "a?alt=media")) == (200, b"data")
    assert ask(path_of(bucket, "a?alt=media"), headers={"Range": "bytes=1-2"}) == (206, b"at")
    assert ask(path_of(bucket, "b"))[0] == 404
    assert ask(path_of(bucket, "a"), "DELETE")[0] in (200, 204) and bucket.names() == []


def test_a_batch_is_carried_out(bucket):
    for name in ("a", "b", "c"):
        bucket.put(name, b"data")
    client = storage.Client(project="test-project", credentials=AnonymousCredentials())
    with client.batch():
        for name in ("a", "b"):
            client.bucket(bucket.name).blob(name).delete()
    assert bucket.names() == ["c"] and len(bucket.faults.seen("batch", f"{bucket.name}/o/b")) == 1


def test_a_part_that_is_sent_twice_counts_once(bucket, ask):
    target = f"/upload/storage/v1/b/{bucket.name}/o?uploadType=resumable"
    address = bucket.faults.endpoint.removeprefix("http://")
    connection = http.client.HTTPConnection(address)
    connection.request("POST", target, b'{"name": "a"}', {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    place = answer.headers["Location"].removeprefix(bucket.faults.endpoint)
    first = {"Content-Range": "bytes 0-262143/262150"}
    for _ in range(2):
        assert ask(place, "PUT", b"a" * 262_144, first)[0] == 308
    assert ask(place, "PUT", b"b" * 6, {"Content-Range": "bytes 262144-262149/262150"})[0] == 200
    assert bucket.get("a") == b"a" * 262_144 + b"b" * 6


def test_reading_keeps_its_precondition(bucket, ask):
    bucket.put("a", b"data")
    generation = json.loads(ask(path_of(bucket, "a"))[1])["generation"]
    path = path_of(bucket, "a?alt=media&ifGenerationMatch=")
    assert ask(path + generation) == (200, b"data")
    bucket.put("a", b"other")
    assert ask(path + generation)[0] == 412


def test_lists_come_in_pages(bucket, ask):
    for number in range(PAGE + 2):
        bucket.put(f"a/{number:02}", b"")
    first = json.loads(ask(f"/storage/v1/b/{bucket.name}/o")[1])
    assert len(first["items"]) == PAGE
    token = first["nextPageToken"]
    rest = json.loads(ask(f"/storage/v1/b/{bucket.name}/o?prefix=a&pageToken={token}")[1])
    assert len(rest["items"]) == 2 and "nextPageToken" not in rest


def test_faults_meet_the_calls_that_they_are_for(bucket, ask):
    bucket.put("a", b"data")
    bucket.put("b", b"data")
    bucket.faults.add(Fault(kind="read", name="/a$", status=503, skip=1, times=2))
    statuses = [ask(path_of(bucket, "a?alt=media"))[0] for _ in range(4)]
    assert statuses == [200, 503, 503, 200]
    assert ask(path_of(bucket, "b?alt=media"))[0] == ask(path_of(bucket, "a"))[0] == 200
    assert [seen.status for seen in bucket.faults.seen("read", "/a$")] == [200, None, None, 200]
    assert len(bucket.faults.hits()) == 2


def test_connections_are_reset_and_bodies_cut(bucket, ask):
    bucket.put("a", b"data")
    path = path_of(bucket, "a?alt=media")
    bucket.faults.add(Fault(reset=True))
    with pytest.raises(ConnectionResetError):
        ask(path)
    bucket.faults.add(Fault(cut=2), Fault(cut=100))
    for left in (b"da", b"dat"):
        with pytest.raises(http.client.IncompleteRead) as cut:
            ask(path)
        assert cut.value.partial == left
    assert ask(path) == (200, b"data")


def test_an_acknowledgement_is_lost_and_the_call_carried_out(bucket, ask):
    for name, fault in (("a", Fault(status=503, carried_out=True)), ("b", Fault(status=503))):
        bucket.put(name, b"data")
        bucket.faults.add(fault)
        assert ask(path_of(bucket, name), "DELETE")[0] == 503
    assert bucket.names() == ["b"]


def test_a_call_is_held_until_it_is_released(bucket, ask):
    bucket.put("a", b"data")
    bucket.faults.add(Fault(hold=True))
    answers = []
    asking = threading.Thread(target=lambda: answers.append(ask(path_of(bucket, "a?alt=media"))))
    asking.start()
    bucket.faults.wait_for_hits(1)
    assert ask(path_of(bucket, "a"))[0] == 200 and answers == []
    bucket.faults.release()
    asking.join()
    assert answers == [(200, b"data")]


def test_a_held_call_whose_caller_is_gone_is_dropped(bucket):
    bucket.put("a", b"data")
    bucket.faults.add(Fault(hold=True))
    connection = http.client.HTTPConnection(bucket.faults.endpoint.removeprefix("http://"))
    connection.request("DELETE", path_of(bucket, "a"))
    bucket.faults.wait_for_hits(1)
    connection.close()
    bucket.faults.release()
    bucket.faults.wait_for_hits(1, ended=True)
    assert bucket.names() == ["a"]


def test_chance_repeats_itself(bucket, ask):
    bucket.put("a", b"data")

    def met():
        bucket.faults.clear()
        bucket.faults.scatter(seed=5, share=0.3)
        for _ in range(60):
            try:
                ask(path_of(bucket, "a?alt=media"))
            except (OSError, http.client.HTTPException):
                pass
        return [seen.fault for seen in bucket.faults.seen()]

    first = met()
    assert first == met() and 8 <= sum(fault is not None for fault in first) <= 30
    assert len(set(first)) >= 5


def test_an_emulator_ends_with_its_block():
    with running_emulator() as emulator:
        assert is_running(emulator.pid)
    assert not is_running(emulator.pid)


def test_an_emulator_in_a_process_of_its_own():
    command = [sys.executable, "-m", "tests.engines.servers.emulator"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    endpoint = process.stdout.readline().strip()
    with urllib.request.urlopen(f"{endpoint}/storage/v1/b?project=p") as answer:
        assert answer.status == 200
    process.communicate()
    assert process.returncode == 0


def test_the_metadata_server_gives_a_token():
    with running_metadata_server() as server:
        path = "computeMetadata/v1/instance/service-accounts/default/token"
        with urllib.request.urlopen(f"http://{server.address}/{path}") as answer:
            assert json.load(answer)["access_token"] == TOKEN
        assert server.asked == [f"/{path}"]


def test_the_silent_server_counts_who_waits():
    with running_silent_server() as server:
        with pytest.raises(TimeoutError):
            urllib.request.urlopen(f"http://{server.address}", timeout=0.2)
        assert server.connections() == server.connections() == 1
