"""Why an image was not fetched: codes, and whether another attempt may succeed."""

from typing import NamedTuple


class Reason(NamedTuple):
    """A reason.

    Attributes:
      retryable: Whether the same request may succeed later.
      meaning: What it says, for people.
    """

    retryable: bool
    meaning: str


REASONS = {
    "no_address": Reason(False, "neither a list nor a documented pattern says where it is"),
    "bad_address": Reason(False, "its address is not one of http or https"),
    "not_found": Reason(False, "the server has no such picture (404)"),
    "gone": Reason(False, "the server had it once (410)"),
    "forbidden": Reason(False, "the server does not let anyone have it (401, 403, 451)"),
    "refused": Reason(False, "the server refuses the request (another 4xx)"),
    "other_host": Reason(False, "the server sends to a host that is not followed"),
    "too_many_redirects": Reason(False, "the server sends from address to address"),
    "placeholder": Reason(False, "a picture that says that there is none"),
    "not_an_image": Reason(False, "other bytes than a JPEG, PNG or GIF picture"),
    "too_large": Reason(False, "more bytes than are accepted"),
    "wrong_size": Reason(False, "other bytes in number than the list says"),
    "wrong_md5": Reason(False, "other bytes than the list says"),
    "empty": Reason(True, "an answer of no bytes"),
    "truncated": Reason(True, "a picture whose end is missing"),
    "cut": Reason(True, "the connection ended before the answer did"),
    "timeout": Reason(True, "no answer, or not all of it, within the time"),
    "unknown_host": Reason(True, "the host's name has no address"),
    "unreachable": Reason(True, "no connection to the host"),
    "tls": Reason(False, "the host's certificate is not valid"),
    "rate_limited": Reason(True, "the server wants fewer requests (429)"),
    "server_error": Reason(True, "the server failed (5xx)"),
}
"""All reasons, by code. What is not retryable is final: it is not attempted again."""

_STATUSES = {404: "not_found", 410: "gone", 401: "forbidden", 403: "forbidden", 451: "forbidden",
             408: "timeout", 429: "rate_limited"}  # fmt: skip


def reason_of_status(status: int) -> str | None:
    """Why an answer of this status holds no picture; None where it may.

    >>> reason_of_status(200), reason_of_status(410), reason_of_status(418), reason_of_status(503)
    (None, 'gone', 'refused', 'server_error')
    """
    if status == 200:
        return None
    return _STATUSES.get(status) or ("server_error" if status >= 500 else "refused")
