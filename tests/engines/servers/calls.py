"""What a request asks of an object store, read from its bytes on the wire."""

import dataclasses
import json
import re
import urllib.parse

_NAME = re.compile(rb'"name":\s*("(?:[^"\\]|\\.)*")')
_INNER = re.compile(rb"^(?:DELETE|GET|PATCH|POST|PUT) (\S+)", re.MULTILINE)
_UPLOAD = re.compile(r"/upload/storage/v1/b/([^/]+)/o")
_COPY = re.compile(r"/storage/v1/b/.+/(?:rewriteTo|copyTo)/b/([^/]+)/o/([^/]+)")
_COMPOSE = re.compile(r"/storage/v1/b/([^/]+)/o/([^/]+)/compose")
_OBJECT = re.compile(r"(?:/download)?/storage/v1/b/([^/]+)/o/([^/]+)")
_LIST = re.compile(r"/storage/v1/b/([^/]+)/o")

_METADATA_BYTES = 65_536
"""Head of an upload's body in which the object's name stands."""


@dataclasses.dataclass(frozen=True)
class Call:
    """One request.

    Attributes:
      kind: `read` (an object's bytes), `stat` (its metadata), `list`, `upload` (a whole object in
        one request), `start` and `part` (of an upload in several), `copy`, `compose`, `delete`,
        `patch`, `batch`, or `other`.
      name: `BUCKET/OBJECT` that it reads or makes, `BUCKET/PREFIX` of a list, the inner requests'
        targets of a batch, empty for others.
      method: GET, POST …
      target: Path and query, as they were sent.
      authorized: Whether it came with credentials.
    """

    kind: str
    name: str
    method: str
    target: str
    authorized: bool = True


def read_call(method: str, target: str, body: bytes) -> Call:
    """Understands a request of the JSON API, or a plain one for an object's bytes."""
    path, _, query = target.partition("?")
    kind, name = _kind_and_name(method, path, dict(urllib.parse.parse_qsl(query)), body)
    return Call(kind, urllib.parse.unquote(name), method, target)


def _kind_and_name(method: str, path: str, query: dict[str, str], body: bytes) -> tuple[str, str]:
    if path.startswith("/batch/"):
        return "batch", b" ".join(_INNER.findall(body)).decode(errors="replace")
    if found := _UPLOAD.fullmatch(path):
        return _upload_kind(method, query), f"{found[1]}/{query.get('name') or _name_in(body)}"
    if found := _COPY.fullmatch(path):
        return "copy", f"{found[1]}/{found[2]}"
    if found := _COMPOSE.fullmatch(path):
        return "compose", f"{found[1]}/{found[2]}"
    if found := _OBJECT.fullmatch(path):
        wants_bytes = path.startswith("/download") or query.get("alt") == "media"
        return _object_kind(method, wants_bytes), f"{found[1]}/{found[2]}"
    if found := _LIST.fullmatch(path):
        return "list", f"{found[1]}/{query.get('prefix', '')}"
    if path.startswith("/storage/") or path.count("/") < 2:
        return "other", ""
    return _object_kind(method, wants_bytes=True), path[1:]


def _upload_kind(method: str, query: dict[str, str]) -> str:
    if query.get("uploadType") != "resumable":
        return "upload"
    return "part" if "upload_id" in query or method == "PUT" else "start"


def _object_kind(method: str, wants_bytes: bool) -> str:
    if method == "GET":
        return "read" if wants_bytes else "stat"
    return {"HEAD": "stat", "DELETE": "delete", "PATCH": "patch"}.get(method, "other")


def _name_in(body: bytes) -> str:
    found = _NAME.search(body[:_METADATA_BYTES])
    return json.loads(found[1]) if found else ""
