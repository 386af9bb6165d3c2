"""How files are brought, as values that can be sent to workers."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from transforms.transfer.destinations import Destination, Wanted
from transforms.transfer.downloading import (
    Downloader,
    Persistence,
    Surroundings,
    usual_sources,
)
from transforms.transfer.outcomes import Outcome
from transforms.transfer.pacing.gates import SYSTEM, Clock
from transforms.transfer.pacing.rates import TokenBucket
from transforms.transfer.sources.http import Manners

Observe = Callable[[str, int], object]


@dataclasses.dataclass(frozen=True)
class Settings:
    """How files are brought.

    Attributes:
      connections: Files at a time, and requests at a time and host.
      limit_rate: Bytes a second of all together, None for no limit.
      timeout: Seconds without a byte after which a request is given up.
      attempts: Failures in a row after which an address is given up.
      max_wait: Seconds that are waited for a server that asks for a rest.
    """

    connections: int = 4
    limit_rate: float | None = None
    timeout: float = 60.0
    attempts: int = 6
    max_wait: float = 600.0

    def downloader(self, observe: Observe | None = None, clock: Clock = SYSTEM) -> Downloader:
        """What brings files so.

        Args:
          observe: As of `Surroundings`.
          clock: The time, and waiting.
        """
        limit = TokenBucket(self.limit_rate, clock) if self.limit_rate else None
        surroundings = Surroundings(clock, limit)
        if observe:
            surroundings = dataclasses.replace(surroundings, observe=observe)
        manners = Manners(
            timeout=self.timeout, connections=self.connections, max_wait=self.max_wait
        )
        persistence = Persistence(self.attempts, self.max_wait)
        return Downloader(persistence, surroundings, usual_sources(manners, clock))


def bring_all(
    wanted: Sequence[Wanted], destination: Destination, downloader: Downloader, threads: int
) -> Iterator[tuple[int, Outcome]]:
    """Brings files by threads; yields the number of each and its outcome, as they end."""
    with ThreadPoolExecutor(threads, thread_name_prefix="fetch") as pool:
        running = {
            pool.submit(destination.bring, one, downloader): number
            for number, one in enumerate(wanted)
        }
        for future in as_completed(running):
            yield running[future], future.result()
