"""How fast, and how often: a rate that threads share, pauses between attempts, `Retry-After`."""

import datetime
import email.utils
import random
import threading

from transforms.transfer.pacing.gates import SYSTEM, Clock

BURST_SECONDS = 0.25
"""How much of a rate may come at once after a pause."""


class TokenBucket:
    """A rate that all threads share.

    Bytes are taken after they have come, so that one who takes more than there is waits for it
    and the next ones wait behind.

    Args:
      rate: Bytes a second.
      clock: The time.
    """

    def __init__(self, rate: float, clock: Clock = SYSTEM) -> None:
        self._rate, self._clock = rate, clock
        self._lock = threading.Lock()
        self._free_at = clock.monotonic()

    def take(self, count: int) -> None:
        """Waits until so many bytes are within the rate."""
        with self._lock:
            now = self._clock.monotonic()
            self._free_at = max(self._free_at, now - BURST_SECONDS) + count / self._rate
            wait = self._free_at - now
        if wait > 0:
            self._clock.sleep(wait)


class Backoff:
    """Pauses that double from attempt to attempt, each cut by chance so that clients scatter.

    Args:
      first: Seconds before the second attempt.
      longest: Seconds that no pause exceeds.
      chance: Numbers in [0, 1).
    """

    def __init__(
        self, first: float = 1.0, longest: float = 60.0, chance: random.Random | None = None
    ) -> None:
        self._first, self._longest = first, longest
        self._chance = chance or random.Random()

    def pause(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row, at least one.

        >>> 2.0 <= Backoff(1.0, 60.0, random.Random(1)).pause(3) <= 4.0
        True
        """
        usual = min(self._longest, self._first * 2.0 ** (failures - 1))
        return usual * (0.5 + 0.5 * self._chance.random())


def retry_after(value: str) -> float | None:
    """Seconds of a `Retry-After` header, a number or a date (RFC 9110, 10.2.3).

    >>> retry_after("7"), retry_after("soon"), retry_after("")
    (7.0, None, None)
    >>> retry_after("Fri, 31 Dec 1999 23:59:59 GMT")
    0.0
    """
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return max(0.0, (moment - datetime.datetime.now(datetime.UTC)).total_seconds())
