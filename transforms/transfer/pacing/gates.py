"""A gate a host: requests a second, connections at a time, and rests that a server asks for."""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Protocol


class Clock(Protocol):
    """What time it is, and waiting."""

    def monotonic(self) -> float:
        """Seconds since some moment."""

    def sleep(self, seconds: float) -> None:
        """Waits."""


SYSTEM: Clock = time
"""This machine's clock."""


class TooLong(Exception):
    """A host is to be left alone for longer than anyone wants to wait.

    Attributes:
      seconds: How much longer.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the host asks for a rest of {seconds:,.0f} s")
        self.seconds = seconds


class Gate:
    """The gate of one host.

    Requests begin at least `1 / rate` seconds apart, at most `connections` are under way, and none
    begins during a rest.

    Args:
      rate: Requests a second.
      connections: Requests at a time.
      max_wait: Seconds of rest that are waited for.
      clock: The time.
    """

    def __init__(
        self, rate: float, connections: int, max_wait: float, clock: Clock = SYSTEM
    ) -> None:
        self._spacing, self._max_wait, self._clock = 1 / rate, max_wait, clock
        self._slots = threading.BoundedSemaphore(connections)
        self._lock = threading.Lock()
        self._next = self._rests_until = clock.monotonic()

    @contextlib.contextmanager
    def passing(self) -> Iterator[None]:
        """A request, which begins when the gate lets it.

        Raises:
          TooLong: The host's rest takes longer than is waited for.
        """
        with self._slots:
            while (wait := self._take_turn()) > 0:
                self._clock.sleep(wait)
            yield

    def _take_turn(self) -> float:
        """Seconds to wait before asking again; 0 where the turn is taken now."""
        with self._lock:
            now = self._clock.monotonic()
            rest = self._rests_until - now
            if rest > self._max_wait:
                raise TooLong(rest)
            wait = max(rest, self._next - now)
            if wait <= 0:
                self._next = now + self._spacing
            return wait

    def rest(self, seconds: float) -> None:
        """Lets no request begin for some time."""
        with self._lock:
            self._rests_until = max(self._rests_until, self._clock.monotonic() + seconds)


class Gates:
    """The gates of all hosts; arguments as of `Gate`."""

    def __init__(
        self, rate: float, connections: int, max_wait: float, clock: Clock = SYSTEM
    ) -> None:
        self._limits = (rate, connections, max_wait, clock)
        self._gates: dict[str, Gate] = {}
        self._lock = threading.Lock()

    def of(self, host: str) -> Gate:
        """The gate of a host."""
        with self._lock:
            if host not in self._gates:
                self._gates[host] = Gate(*self._limits)
            return self._gates[host]
