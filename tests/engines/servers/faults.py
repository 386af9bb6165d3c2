"""Faults of an object store: which calls they meet, and a hand on the proxy that injects them."""

import contextlib
import dataclasses
import json
import random
import re
import threading
import time
import urllib.request
from collections.abc import Iterator

from tests.engines.servers.calls import Call

CONTROL = "/_faults"
"""Path below which the proxy itself answers."""

KINDS = ("read", "stat", "list", "upload", "copy", "delete")
"""Kinds of call that our code makes. Google's client adds some of its own, about the bucket, in the
background and without a word when they fail."""

TIMEOUT_SECONDS = 120
"""Seconds after which a call is held no longer, and a test gives up waiting."""


@dataclasses.dataclass(frozen=True)
class Fault:
    """What happens to some calls.

    Attributes:
      kind: Regular expression that the call's whole kind must match; empty for any.
      name: Regular expression to be found in the call's name.
      status: The answer is an error of this status.
      reset: The connection is reset in place of an answer.
      cut: The answer's body ends after so many bytes (at the latest one before its end), and the
        connection with it.
      carried_out: The call is carried out before `status` or `reset` strike: what is lost is its
        acknowledgement.
      delay: Seconds that the call waits first.
      hold: The call waits until `Faults.release`; it is dropped if its caller ended meanwhile.
      anonymous: Only calls without credentials are met.
      skip: So many calls pass unharmed first.
      times: So many calls are met then, None for all.
    """

    kind: str = ""
    name: str = ""
    status: int | None = None
    reset: bool = False
    cut: int | None = None
    carried_out: bool = False
    delay: float = 0.0
    hold: bool = False
    anonymous: bool = False
    skip: int = 0
    times: int | None = 1

    def concerns(self, call: Call) -> bool:
        """Whether the call is of those that this fault is for."""
        if self.anonymous and call.authorized:
            return False
        return bool(re.fullmatch(self.kind or ".*", call.kind) and re.search(self.name, call.name))

    @property
    def loses_answer(self) -> bool:
        """Whether the caller gets something else in place of the answer."""
        return self.reset or self.status is not None


SCATTERED = {
    "unavailable": Fault(status=503),
    "too many": Fault(status=429),
    "reset": Fault(reset=True),
    "cut at once": Fault(cut=0),
    "cut": Fault(cut=5_000),
    "lost to an error": Fault(status=503, carried_out=True),
    "lost to a reset": Fault(reset=True, carried_out=True),
}
"""Kinds of fault that a client should get over, whatever the call."""


@dataclasses.dataclass
class Seen:
    """A call that came by.

    Attributes:
      call: What was asked.
      fault: What it met.
      status: What the emulator answered, None where it was not asked.
      ended: Whether the proxy is through with it.
    """

    call: Call
    fault: Fault | None = None
    status: int | None = None
    ended: bool = False


@dataclasses.dataclass
class _Rule:
    """A fault, and what is left of its counts."""

    fault: Fault
    skip: int
    times: int | None

    def takes(self, call: Call) -> bool:
        if self.times == 0 or not self.fault.concerns(call):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class FaultPlan:
    """The proxy's side: decides what each call meets. Safe for threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self._released = threading.Event()
        self.clear()

    def clear(self) -> None:
        """Forgets faults and calls; held calls go on."""
        with self._lock:
            self._rules: list[_Rule] = []
            self._scatter: tuple[int, float] | None = None
            self._counts: dict[str, int] = {}
            self._seen: list[Seen] = []
            self._let_go()

    def release(self) -> None:
        """Lets held calls go on."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        self._released.set()
        self._released = threading.Event()

    def add(self, fault: Fault) -> None:
        """Adds a fault; of several that concern a call, the one added first is taken."""
        with self._lock:
            self._rules.append(_Rule(fault, fault.skip, fault.times))

    def scatter(self, seed: int, share: float) -> None:
        """Lets a share of all calls meet a fault by chance.

        The n-th call of a kind always draws the same, so that a run can be repeated.
        """
        with self._lock:
            self._scatter = seed, share

    def meet(self, call: Call) -> tuple[Seen, threading.Event]:
        """Decides on a call; returns also the event that ends a hold."""
        with self._lock:
            seen = Seen(call, self._by_rule(call) or self._by_chance(call))
            self._seen.append(seen)
            return seen, self._released

    def _by_rule(self, call: Call) -> Fault | None:
        return next((rule.fault for rule in self._rules if rule.takes(call)), None)

    def _by_chance(self, call: Call) -> Fault | None:
        if self._scatter is None:
            return None
        seed, share = self._scatter
        number = self._counts[call.kind] = self._counts.get(call.kind, 0) + 1
        chance = random.Random(f"{seed} {call.kind} {number}")
        return chance.choice(list(SCATTERED.values())) if chance.random() < share else None

    def seen(self) -> list[Seen]:
        """The calls so far, in order of arrival."""
        with self._lock:
            return list(self._seen)


class Faults:
    """The tests' side: a hand on a proxy, in whichever process it runs.

    Attributes:
      endpoint: The proxy's address, such as `http://127.0.0.1:4443`.
    """

    def __init__(self, endpoint: str):
        self.endpoint = endpoint

    def add(self, *faults: Fault) -> None:
        """Injects faults from now on."""
        self._ask("POST", "", [dataclasses.asdict(fault) for fault in faults])

    def scatter(self, seed: int, share: float = 0.1) -> None:
        """Injects faults of all kinds by chance, into a share of all calls."""
        self._ask("POST", "/scatter", [seed, share])

    def clear(self) -> None:
        """Forgets faults and calls; held calls go on."""
        self._ask("DELETE", "")

    def release(self) -> None:
        """Lets held calls go on."""
        self._ask("POST", "/release")

    def seen(self, kind: str = "", name: str = "") -> list[Seen]:
        """The calls so far, those of a kind and name (regular expressions as in `Fault`)."""
        wanted = Fault(kind=kind, name=name)
        found = [
            Seen(
                Call(**row["call"]),
                row["fault"] and Fault(**row["fault"]),
                row["status"],
                row["ended"],
            )
            for row in self._ask("GET", "")
        ]
        return [seen for seen in found if wanted.concerns(seen.call)]

    def hits(self) -> list[Seen]:
        """The calls that met a fault."""
        return [seen for seen in self.seen() if seen.fault]

    def wait_for_hits(self, number: int, ended: bool = False) -> list[Seen]:
        """Waits until so many calls have met a fault, or are through with it."""
        end = time.monotonic() + TIMEOUT_SECONDS
        while len(hits := [hit for hit in self.hits() if hit.ended >= ended]) < number:
            assert time.monotonic() < end, f"{len(hits)} calls met a fault, not {number}"
            time.sleep(0.05)
        return hits

    @contextlib.contextmanager
    def injected(self, *faults: Fault) -> Iterator[None]:
        """Injects faults into a block, which must meet each of them at least once."""
        self.clear()
        self.add(*faults)
        try:
            yield
            met = {seen.fault for seen in self.hits()}
            assert met == set(faults), f"never met: {set(faults) - met}"
        finally:
            self.clear()

    def _ask(self, method: str, path: str, value: object = None):
        data = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(self.endpoint + CONTROL + path, data, method=method)
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            return json.loads(answer.read())
