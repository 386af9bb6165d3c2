"""Asking a server for a picture: redirects, limits, repeated attempts; every end is a value."""

import dataclasses
import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urljoin

import msgspec
import requests
import urllib3

from transforms.core.base.errors import shown
from transforms.core.stages.fetch.addresses import are_of_one_site, host_of
from transforms.core.stages.fetch.judging import Answer, Judged, is_placeholder
from transforms.core.stages.fetch.reasons import REASONS
from transforms.transfer.pacing.gates import SYSTEM, Clock, Gates, TooLong
from transforms.transfer.pacing.rates import retry_after

REDIRECTS = 5
"""Redirects that are followed for one picture."""

_BLOCK = 1 << 16
_MESSAGE_CHARACTERS = 200
_FIRST_PAUSE = 1.0
"""Seconds before the second attempt; before each further one twice as many."""


@dataclasses.dataclass(frozen=True)
class Manners:
    """How servers are asked.

    Attributes:
      user_agent: What the requests say of who sends them.
      rate: Requests a second and host.
      connections: Requests at a time and host.
      timeout: Seconds without a byte after which a request is given up.
      deadline: Seconds after which a request is given up that brings bytes all the time.
      attempts: Requests for one picture before it counts as failed.
      max_wait: Seconds that are waited for a host that asks for a rest (`Retry-After`).
      max_bytes: Bytes of a picture that are accepted.
      follow: Hosts to which redirects are followed, beside those of the same site.
    """

    user_agent: str = "localized-narratives-beam"
    rate: float = 10.0
    connections: int = 4
    timeout: float = 30.0
    deadline: float = 300.0
    attempts: int = 4
    max_wait: float = 120.0
    max_bytes: int = 100 << 20
    follow: tuple[str, ...] = ()


class Downloader:
    """Asks for pictures, from any number of threads.

    Args:
      manners: How servers are asked.
      clock: The time.
    """

    def __init__(self, manners: Manners, clock: Clock = SYSTEM) -> None:
        self._manners, self._clock = manners, clock
        self._gates = Gates(manners.rate, manners.connections, manners.max_wait, clock)
        self._local = threading.local()

    def fetch(self, url: str, judge: Callable[[Answer], Judged]) -> tuple[Answer, Judged]:
        """Asks for a picture until it is there, is known not to be there, or attempts are over.

        Args:
          url: Its address.
          judge: Says what an answer is.
        """
        pause = _FIRST_PAUSE
        for attempt in range(1, self._manners.attempts + 1):
            asked = self._ask(url)
            answer = msgspec.structs.replace(asked, attempts=attempt - 1 + asked.attempts)
            judged = judge(answer)
            if judged.reason is None or not (REASONS[judged.reason].retryable and asked.attempts):
                break
            if attempt < self._manners.attempts:
                self._clock.sleep(pause)
                pause *= 2
        return answer, judged

    def _ask(self, url: str) -> Answer:
        """One request, with those that it is sent on to; no attempt where nobody may ask."""
        asked: list[str] = []
        target, host = url, host_of(url)
        if host is None:
            return Answer(url, reason="bad_address", message=f"{shown(url)} is not http or https")
        while len(asked) <= REDIRECTS:
            answer = self._request(url, target, tuple(asked))
            location = answer.message if answer.reason == _REDIRECTED else None
            if location is None:
                return answer
            target = urljoin(target, location)
            asked.append(target)
            if refused := self._refuse(url, host, tuple(asked)):
                return refused
        text = f"more than {REDIRECTS} redirects, the last to {shown(target)}"
        return Answer(url, redirects=tuple(asked), reason="too_many_redirects", message=text)

    def _refuse(self, url: str, host: str, asked: tuple[str, ...]) -> Answer | None:
        """Why a redirect is not followed, None where it is."""
        if is_placeholder(Answer(url, redirects=asked)):
            return Answer(url, status=302, redirects=asked)
        target = host_of(asked[-1])
        if target and (are_of_one_site(host, target) or target in self._manners.follow):
            return None
        text = f"sent to {shown(asked[-1])}"
        return Answer(url, status=302, redirects=asked, reason="other_host", message=text)

    def _request(self, url: str, target: str, asked: tuple[str, ...]) -> Answer:
        """One request to one host; a redirect is a reason of its own, with where to."""
        gate = self._gates.of(host_of(target) or "")
        try:
            with gate.passing(), self._open(target) as response:
                if (seconds := _rest_of(response)) is not None:
                    gate.rest(seconds)
                location = response.headers.get("Location")
                if response.is_redirect and location:
                    return Answer(url, reason=_REDIRECTED, message=location, redirects=asked)
                return self._read(url, response, asked)
        except TooLong as error:
            text = str(error)
            return Answer(url, redirects=asked, reason="rate_limited", message=text, attempts=0)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            reason, text = reason_of(error), shown(error, _MESSAGE_CHARACTERS)
            return Answer(url, redirects=asked, reason=reason, message=text)

    def _open(self, target: str) -> requests.Response:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.headers.update(
                {"User-Agent": self._manners.user_agent, "Accept-Encoding": "identity"}
            )
        timeout = self._manners.timeout
        return self._local.session.get(target, stream=True, allow_redirects=False, timeout=timeout)

    def _read(self, url: str, response: requests.Response, asked: tuple[str, ...]) -> Answer:
        answer = Answer(
            url,
            status=response.status_code,
            content_type=response.headers.get("Content-Type", ""),
            redirects=asked,
        )
        if response.status_code != 200:
            return answer
        limit = self._manners.max_bytes
        announced = response.headers.get("Content-Length", "")
        if announced.isdigit() and int(announced) > limit:
            return _too_large(answer, f"{int(announced):,}", limit)
        data, until = bytearray(), self._clock.monotonic() + self._manners.deadline
        while block := response.raw.read1(_BLOCK):  # what has come: not all of a block
            data += block
            if len(data) > limit:
                return _too_large(answer, f"more than {limit:,}", limit)
            if self._clock.monotonic() > until:
                text = f"not all of it within {self._manners.deadline:g} s"
                return msgspec.structs.replace(answer, reason="timeout", message=text)
        return msgspec.structs.replace(answer, data=bytes(data))


_REDIRECTED = "redirected"


def _too_large(answer: Answer, size: str, limit: int) -> Answer:
    text = f"{size} bytes, above {limit:,}"
    return msgspec.structs.replace(answer, reason="too_large", message=text)


def _rest_of(response: requests.Response) -> float | None:
    """Seconds for which the server wants to be left alone, None where it does not say."""
    if response.status_code not in (429, 503):
        return None
    return retry_after(response.headers.get("Retry-After", ""))


def reason_of(error: BaseException) -> str:
    """Why a request failed (`REASONS`), by what was raised and what is behind it."""
    causes = list(_causes(error))
    for reason, kinds in _KINDS.items():
        if any(isinstance(cause, kinds) for cause in causes):
            return reason
    return "unreachable"


_KINDS = {
    "unknown_host": (socket.gaierror,),
    "tls": (requests.exceptions.SSLError,),
    "timeout": (requests.exceptions.Timeout, TimeoutError),
    "bad_address": (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema),
    "cut": (ConnectionResetError, BrokenPipeError, http.client.HTTPException,
            urllib3.exceptions.IncompleteRead),
}  # fmt: skip
"""What is raised, or behind what is raised, by reason; the first that fits holds."""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
