"""The lease: one run at a time works on an output.

It is a small file below the output that names the run and says until when it is held. Its holder
renews it while it works. One whose process on this machine has ended holds nothing any more; of
others the lease runs out. Taking, renewing and letting go are compare-and-swaps, so that of many
one has it. Nothing that is published rests on it: who works without one loses time, not data.
"""

import contextlib
import threading
import time
from typing import Self

import msgspec

from transforms import storage
from transforms.core.base.errors import UNREADABLE, EngineError, UsageError
from transforms.core.model import layout
from transforms.units.runs import CLOCKS_APART, Begun, is_gone, is_here

SECONDS = 120.0
"""How long a lease is held from its last renewal."""

DETACHED_SECONDS = 3600.0
"""How long one is held by a job for which no process waits, unless it publishes before."""

_RENEWAL = 30.0
"""Seconds from one renewal to the next."""


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """What the file holds.

    Attributes:
      holder: The run that has it.
      until: Seconds since 1970, until when.
    """

    holder: Begun
    until: float


def lease_path(output: str) -> str:
    """The file."""
    return storage.join(output, layout.LEASE)


def take_lease(output: str, begun: Begun, seconds: float = SECONDS) -> Lease | Begun:
    """Takes the lease for a run, unless another one has it.

    Args:
      output: The output folder.
      begun: The run.
      seconds: How long it is held if it is not renewed.

    Returns:
      The lease, or the run that has it.
    """
    own = Lease(holder=begun, until=time.time() + seconds)
    data, path = msgspec.json.encode(own), lease_path(output)
    while not storage.swap_pointer(path, None, data):
        held = _read(path)
        if held is None:  # it was let go in between
            continue
        lease = _decode(held)
        if lease and not _is_over(lease):
            return lease.holder
        if storage.swap_pointer(path, held, data):
            break
    return own


def _read(path: str) -> bytes | None:
    try:
        return storage.read_bytes(path) if storage.exists(path) else None
    except UsageError:
        if storage.exists(path):
            raise
        return None  # let go in between


def _decode(data: bytes) -> Lease | None:
    """A lease; None for what is none, which nobody can hold."""
    with contextlib.suppress(*UNREADABLE):
        return msgspec.json.decode(data, type=Lease)
    return None


def _is_over(lease: Lease) -> bool:
    """Whether nobody holds the lease any more."""
    if is_here(lease.holder):
        return is_gone(lease.holder)
    left = lease.until - time.time()  # more than anybody takes is a number that was changed
    return not -CLOCKS_APART <= left <= DETACHED_SECONDS + CLOCKS_APART


def let_go(output: str, run: str) -> None:
    """Lets a run's lease go, from wherever its job is at work; leaves another run's alone."""
    path = lease_path(output)
    with contextlib.suppress(OSError, EngineError, UsageError):
        held = _read(path)
        lease = held and _decode(held)
        if held and lease and lease.holder.run == run:
            storage.remove_pointer(path, held)


class Holding:
    """A lease that is renewed until the block ends, and then let go.

    Args:
      output: The output folder.
      lease: What was taken.
      is_left: Whether it is left to a job that goes on by itself.
    """

    def __init__(self, output: str, lease: Lease, is_left: bool = False) -> None:
        self._output, self._lease = output, lease
        self._ends, self.is_left = threading.Event(), is_left
        self._thread = threading.Thread(target=self._renew, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ends.set()
        self._thread.join()
        if self.is_left:
            return
        path, held = lease_path(self._output), msgspec.json.encode(self._lease)
        with contextlib.suppress(OSError, EngineError, UsageError):
            if not storage.remove_pointer(path, held):  # the answer to a renewal may have been lost
                let_go(self._output, self._lease.holder.run)

    def _renew(self) -> None:
        while not self._ends.wait(_RENEWAL):
            try:
                if not self._renew_once():
                    return
            except KeyboardInterrupt:  # the process is stopping
                return
            except (OSError, EngineError, UsageError):  # the store may answer the next time
                continue

    def _renew_once(self) -> bool:
        """Renews the lease; returns whether it is still this run's."""
        path, held = lease_path(self._output), msgspec.json.encode(self._lease)
        until = max(self._lease.until, time.time() + SECONDS)
        renewed = msgspec.structs.replace(self._lease, until=until)
        if not storage.swap_pointer(path, held, msgspec.json.encode(renewed)):
            return False
        self._lease = renewed
        return True
