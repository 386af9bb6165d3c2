"""A loopback stand-in of the Dataflow service: records what it is asked, runs nothing by itself.

It answers the methods of the REST API that Beam and Google's client call, in the service's words:
https://cloud.google.com/dataflow/docs/reference/rest
"""

import dataclasses
import http.server
import json
import re
import threading
from collections.abc import Callable

RUNNING, DONE, FAILED = "JOB_STATE_RUNNING", "JOB_STATE_DONE", "JOB_STATE_FAILED"

_TARGET = re.compile(
    r"/v1b3/projects/(?P<project>[^/:]+)(/locations/(?P<region>[^/:]+))?/"
    r"(?P<kind>jobs|templates|flexTemplates)(?P<verb>:launch)?(/(?P<job>[^/?]+))?(/(?P<part>\w+))?"
)
_TIME = "2026-01-02T03:04:05.000000Z"


@dataclasses.dataclass(frozen=True)
class Recorded:
    """A request that makes a job.

    Attributes:
      kind: `jobs` (a graph is submitted), `templates` or `flexTemplates` (one is launched).
      project: Of the target.
      region: Of the target.
      body: As it was sent.
      job_id: Of the job that the stub answered with.
    """

    kind: str
    project: str
    region: str
    body: dict
    job_id: str


@dataclasses.dataclass
class _Job:
    """What the service tells of a job, and the error that ended it."""

    described: dict
    error: str = ""


class DataflowStub:
    """A running stub; a context manager, whose end waits for what `on_create` began.

    Attributes:
      endpoint: Its address. Beam takes an endpoint for a local one only where it says localhost.
      recorded: What has made jobs, in order.
    """

    def __init__(self, on_create: Callable[["DataflowStub", Recorded], None] | None = None):
        """Makes a stub.

        Args:
          on_create: Called in a thread of its own with every job. Jobs are running until somebody
            says otherwise.
        """
        self.recorded: list[Recorded] = []
        self._jobs: dict[str, _Job] = {}
        self._on_create = on_create
        self._begun: list[threading.Thread] = []
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.stub = self
        self.endpoint = f"http://localhost:{self._server.server_port}"

    def __enter__(self) -> "DataflowStub":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error) -> None:
        for thread in self._begun:
            thread.join()
        self._server.shutdown()
        self._server.server_close()

    def set_state(self, job_id: str, state: str, error: str = "") -> None:
        """Says how a job stands from now on, and the message of the error that ended it."""
        self._jobs[job_id].error = error
        self._jobs[job_id].described["currentState"] = state

    def answer(self, method: str, path: str, body: dict) -> dict | None:
        """What a request is answered with; None where there is no such job or method."""
        target = _TARGET.fullmatch(path.partition("?")[0])
        if target and method == "POST" and not target["job"]:
            return self._create(target, body)
        job = target and self._jobs.get(target["job"])
        if not job:
            return None
        if method == "PUT":
            job.described["currentState"] = body["requestedState"]
        parts = {"messages": _messages(job.error), "metrics": {"metrics": []}}
        return parts.get(target["part"]) if target["part"] else job.described

    def _create(self, target: re.Match, body: dict) -> dict:
        launch = body.get("launchParameter", body)
        job = {
            "id": f"2026-01-02_03_04_05-{len(self.recorded) + 1}",
            "name": launch.get("jobName") or launch["name"],
            "projectId": target["project"],
            "location": target["region"],
            "type": "JOB_TYPE_BATCH",
            "currentState": RUNNING,
            "currentStateTime": _TIME,
            "createTime": _TIME,
            "clientRequestId": body.get("clientRequestId", ""),
        }
        self._jobs[job["id"]] = _Job(dict(job))  # a copy: it is running when it is answered
        recorded = Recorded(target["kind"], target["project"], target["region"], body, job["id"])
        self.recorded.append(recorded)
        if self._on_create:
            self._begun.append(threading.Thread(target=self._on_create, args=(self, recorded)))
            self._begun[-1].start()
        return {"job": job} if target["verb"] else job


def _messages(error: str) -> dict:
    importance = {"messageImportance": "JOB_MESSAGE_ERROR", "time": _TIME}
    return {"jobMessages": [{"id": "1", "messageText": error, **importance}] if error else []}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_any(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.server.stub.answer(self.command, self.path, json.loads(data or b"{}"))
        unknown = {"error": {"code": 404, "message": f"nothing at {self.path}"}}
        body = json.dumps(unknown if answer is None else answer).encode()
        self.send_response_only(404 if answer is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_any

    def log_message(self, format: str, *args) -> None:
        pass
