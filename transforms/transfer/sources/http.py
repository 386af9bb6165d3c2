"""Files of HTTP(S) servers: ranges, redirects, proxies, and what each refusal means.

Proxies, certificates and logins are those of the usual variables and files (`HTTPS_PROXY`,
`NO_PROXY`, `REQUESTS_CA_BUNDLE`, `.netrc`), as the library `requests` reads them.
"""

import contextlib
import dataclasses
import functools
import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import requests
import urllib3

from transforms.core.base.errors import option, shown
from transforms.transfer.outcomes import Failure, Reason
from transforms.transfer.pacing.gates import SYSTEM, Clock, Gates, TooLong
from transforms.transfer.pacing.rates import retry_after
from transforms.transfer.sources.answers import (
    Answer,
    Validator,
    content_range,
    md5_of,
    validator_of,
)

REDIRECTS = 10
"""Redirects that are followed for one request."""

_BLOCK = 1 << 18
"""Bytes that are read at a time, at most."""


@dataclasses.dataclass(frozen=True)
class Manners:
    """How servers are asked.

    Attributes:
      user_agent: What requests say of who sends them.
      timeout: Seconds without a byte after which a request is given up.
      rate: Requests a second and host.
      connections: Requests at a time and host.
      max_wait: Seconds that are waited for a host that asks for a rest (`Retry-After`).
    """

    user_agent: str = "localized-narratives-beam"
    timeout: float = 60.0
    rate: float = 100.0
    connections: int = 8
    max_wait: float = 600.0


class HttpSource:
    """Files of HTTP(S) servers.

    Args:
      manners: How they are asked.
      clock: The time.
    """

    def __init__(self, manners: Manners | None = None, clock: Clock = SYSTEM) -> None:
        self._manners = manners or Manners()
        limits = self._manners.rate, self._manners.connections, self._manners.max_wait
        self._gates, self._local = Gates(*limits, clock), threading.local()

    @contextlib.contextmanager
    def open(self, address: str, start: int, validator: Validator) -> Iterator[Answer]:
        """Asks for a file, as `Source.open`."""
        with _explained(address):
            gate = self._gates.of(_host_of(address))
            with gate.passing(), self._get(address, _headers(start, validator)) as response:
                try:
                    answer = _answer_of(address, response)
                except Failure as failure:
                    gate.rest(failure.wait or 0)
                    raise
                yield answer

    def _get(self, address: str, headers: dict[str, str]) -> requests.Response:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.max_redirects = REDIRECTS
        usual = {"User-Agent": self._manners.user_agent, "Accept-Encoding": "identity"}
        timeout = self._manners.timeout
        return self._local.session.get(
            address, headers=usual | headers, stream=True, timeout=timeout
        )


def _host_of(address: str) -> str:
    """Host and port.

    Raises:
      Failure: There is none.
    """
    try:
        parts = urlsplit(address)
        if parts.scheme in ("http", "https") and parts.hostname:
            return f"{parts.hostname}:{parts.port or parts.scheme}"
    except ValueError:
        pass
    raise Failure(Reason.BAD_ADDRESS, f"{shown(address)!r} is no http:// or https:// address")


def _headers(start: int, validator: Validator) -> dict[str, str]:
    """What asks for the rest of the same version, and for all of another one (RFC 9110, 13.1.5)."""
    if not start:
        return {}
    condition = validator.etag or validator.modified
    return {"Range": f"bytes={start}-"} | ({"If-Range": condition} if condition else {})


def _answer_of(address: str, response: requests.Response) -> Answer:
    if response.status_code not in (200, 206):
        raise _refusal(address, response)
    chain = [answer.url for answer in response.history] + [response.url]
    if chain[0].startswith("https:") and not all(url.startswith("https:") for url in chain):
        raise Failure(
            Reason.TLS, f"{address} leads from https to {shown(chain[-1])}, which anyone between "
            "could change; name a mirror that is https throughout",
        )  # fmt: skip
    _refuse_encoding(address, response)
    start, size = 0, _length_of(response)
    if response.status_code == 206:
        place = content_range(response.headers.get("Content-Range", ""))
        if place is None:
            said = shown(response.headers.get("Content-Range", "none"))
            raise Failure(Reason.BAD_ANSWER, f"{address}: a part came without its place ({said})")
        start, size = place
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    headers = response.headers
    read = functools.partial(response.raw.read1, _BLOCK)
    return Answer(start, size, validator_of(headers), md5_of(headers), kind, read)


def _refuse_encoding(address: str, response: requests.Response) -> None:
    """Refuses bytes that were compressed on the way, which nobody has asked for.

    Raises:
      Failure: They were. Of a file that is compressed itself, some servers say the same.
    """
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding != "identity" and not urlsplit(address).path.endswith((".gz", ".tgz")):
        said = f"it came compressed ({shown(encoding)}), which its bytes are not; use a mirror"
        raise Failure(Reason.REFUSED, f"{address}: {said}")


def _length_of(response: requests.Response) -> int | None:
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


_BY_STATUS = {
    401: (Reason.FORBIDDEN, "asks for a login; accept its terms there and fetch it by hand"),
    403: (Reason.FORBIDDEN, "refuses it; see whether its terms must be accepted first"),
    404: (Reason.NOT_FOUND, "has no such file; look for a newer address of it"),
    407: (Reason.REFUSED, "is behind a proxy that asks for a login; put it into HTTPS_PROXY"),
    408: (Reason.TIMEOUT, "waited too long for the request; run the same command again"),
    410: (Reason.GONE, "has removed the file for good; look for a mirror of it"),
    416: (Reason.CHANGED, "has another file by now; run the same command again"),
    429: (Reason.RATE_LIMITED, "wants fewer requests; run the same command again later"),
}


def _refusal(address: str, response: requests.Response) -> Failure:
    status = response.status_code
    wait = retry_after(response.headers.get("Retry-After", ""))
    if status in _BY_STATUS:
        reason, text = _BY_STATUS[status]
    elif status >= 500:
        reason, text = Reason.UNAVAILABLE, "is not available; run the same command again later"
    else:
        reason, text = Reason.REFUSED, "does not give it; check the address"
    if 200 <= status < 400:
        reason, text = Reason.BAD_ANSWER, "does not answer with the file; check the address"
    return Failure(reason, f"{address}: the server {text} (status {status})", wait)


@contextlib.contextmanager
def _explained(address: str) -> Iterator[None]:
    """Turns what the library raises, also in the course of reading, into failures."""
    try:
        yield
    except TooLong as error:
        text = f"{address}: {error}; run the same command again later"
        raise Failure(Reason.RATE_LIMITED, text, error.seconds) from error
    except requests.exceptions.TooManyRedirects as error:
        text = f"{address}: more than {REDIRECTS} redirects; look for a newer address of it"
        raise Failure(Reason.REDIRECTS, text) from error
    except _RAISED as error:
        raise failure_of(address, error) from error


_RAISED = (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException,
           ConnectionError, TimeoutError, ssl.SSLError, socket.gaierror)  # fmt: skip

_UNTRUSTED = (
    "the server's certificate is not trusted ({}); if a proxy of your network has signed it, name "
    "its certificates in REQUESTS_CA_BUNDLE"
)


def failure_of(address: str, error: BaseException) -> Failure:
    """What a request failed by, from what was raised and what is behind it."""
    causes = list(_causes(error))
    detail = shown(_detail(causes), 120)
    for kinds, reason, text in _KINDS:
        if any(isinstance(cause, kinds) for cause in causes):
            return Failure(reason, f"{address}: {text.format(detail)}")
    return Failure(Reason.UNREACHABLE, f"{address}: {_UNREACHABLE.format(detail)}")


def _detail(causes: Sequence[BaseException]) -> str:
    """What is to the point: the others say it too, between names of classes and connections."""
    texts = [getattr(cause, "verify_message", "") or str(cause) for cause in causes]
    return min(filter(None, texts), key=len, default="no more is known")


_SILENT = f"nothing came for too long; run the same command again, or raise {option('timeout')}"
_UNREACHABLE = "the server cannot be reached ({}); check the network, run the same command again"
_KINDS: tuple[tuple[tuple[type[BaseException], ...], Reason, str], ...] = (
    ((ssl.SSLCertVerificationError,), Reason.TLS, _UNTRUSTED),
    ((requests.exceptions.ProxyError, urllib3.exceptions.ProxyError), Reason.PROXY,
     "the proxy does not let it through ({}); check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"),
    ((socket.gaierror,), Reason.UNREACHABLE,
     "there is no such server, or no network ({}); check both"),
    ((urllib3.exceptions.NewConnectionError,), Reason.UNREACHABLE, _UNREACHABLE),
    ((urllib3.exceptions.IncompleteRead, urllib3.exceptions.InvalidChunkLength,
      http.client.IncompleteRead), Reason.TRUNCATED,
     "the answer was cut short ({}); run the same command again"),
    ((requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError),
     Reason.TIMEOUT, _SILENT),
    ((requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema,
      requests.exceptions.MissingSchema, urllib3.exceptions.LocationParseError),
     Reason.BAD_ADDRESS, "it or what it leads to is no address ({}); look for a newer one"),
    ((ssl.SSLError, requests.exceptions.SSLError), Reason.UNREACHABLE,
     "the encrypted connection failed ({}); run the same command again"),
)  # fmt: skip


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, those that it holds, and those behind it."""
    while error is not None:
        yield error
        yield from (held for held in error.args if isinstance(held, BaseException))
        held = getattr(next(iter(error.args), None), "reason", None)
        if isinstance(held, BaseException):
            yield held
            yield from (arg for arg in held.args if isinstance(arg, BaseException))
        error = error.__cause__ or error.__context__
