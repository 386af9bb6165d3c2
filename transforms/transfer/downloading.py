"""One file from its addresses: attempts, mirrors, resuming and verifying; every end is a value."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping

from transforms.core.base.errors import describe_os_error, shown
from transforms.transfer.outcomes import Failure, Outcome, Reason, Request
from transforms.transfer.pacing.gates import SYSTEM, Clock
from transforms.transfer.pacing.rates import Backoff, TokenBucket
from transforms.transfer.partial import Partial, State, locked
from transforms.transfer.sources.answers import Answer, Source
from transforms.transfer.sources.http import HttpSource, Manners
from transforms.transfer.sources.stored import StoredSource

PROGRESS_BYTES = 1 << 20
"""An attempt that brings so many bytes more is no failure in a row, however it ends."""

RESTARTS = 3
"""How often a file is begun again since it is another one by now, or its bytes do not fit."""


@dataclasses.dataclass(frozen=True)
class Persistence:
    """When a file is given up.

    Attributes:
      attempts: Failures in a row after which an address is given up.
      max_wait: Seconds that are waited for a server that asks for a rest.
      backoff: The pauses between attempts.
    """

    attempts: int = 6
    max_wait: float = 600.0
    backoff: Backoff = dataclasses.field(default_factory=Backoff)


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What all files of a run share.

    Attributes:
      clock: The time, and waiting.
      limit: A rate for all together, None for none.
      observe: Called with a file's place and how many of its bytes have come, again and again.
    """

    clock: Clock = SYSTEM
    limit: TokenBucket | None = None
    observe: Callable[[str, int], object] = lambda *_: None


class Delivery:
    """What is done with a file, while nobody else is at it."""

    def found(self) -> Outcome | None:
        """What there is already, for instance since another one has brought it meanwhile."""
        return None

    def deliver(self, partial: Partial, address: str) -> None:  # noqa: ARG002
        """Puts a complete and verified file in its place."""
        partial.finish()


class Downloader:
    """Brings files, from any number of threads.

    Args:
      persistence: When a file is given up.
      surroundings: What all files share.
      sources: Where files of each scheme come from; by default servers, buckets and disks.
    """

    def __init__(
        self,
        persistence: Persistence | None = None,
        surroundings: Surroundings | None = None,
        sources: Mapping[str, Source] | None = None,
    ) -> None:
        self._persistence = persistence or Persistence()
        self._shared = surroundings or Surroundings()
        manners = Manners(max_wait=self._persistence.max_wait)
        self._sources = sources or usual_sources(manners, self._shared.clock)

    def fetch(self, request: Request, path: str, delivery: "Delivery | None" = None) -> Outcome:
        """Brings a file to a path of this machine; a complete one there is replaced.

        Waits while another thread or process is at the same path.

        Args:
          request: What is wanted.
          path: The file's place.
          delivery: What is done before and after; by default the file gets its name.

        Raises:
          UsageError, EngineError: It cannot be delivered.
        """
        delivery = delivery or Delivery()
        try:
            with locked(path, self._shared.clock) as partial:
                found = delivery.found()
                return found or _Fetching(request, partial, self, delivery).run()
        except OSError as error:
            return Outcome(path, Reason.NOT_WRITTEN, describe_os_error(error, path))

    def ask(self, request: Request) -> Answer:
        """What the first address that answers says of a file, without its bytes.

        Raises:
          Failure: None of them answers with it; the first one's reason.
        """
        failures = []
        for address in request.addresses:
            try:
                with self.source_of(address).open(address, 0, State().validator) as answer:
                    return answer
            except Failure as failure:
                failures.append(failure)
        raise failures[0]

    def source_of(self, address: str) -> Source:
        """Where an address leads.

        Raises:
          Failure: Nowhere.
        """
        scheme = address.partition(":")[0].lower()
        if scheme in self._sources:
            return self._sources[scheme]
        known = ", ".join(f"{name}:" for name in self._sources)
        raise Failure(Reason.BAD_ADDRESS, f"{shown(address)!r}: write one of {known}")

    @property
    def persistence(self) -> Persistence:
        """When a file is given up."""
        return self._persistence

    @property
    def surroundings(self) -> Surroundings:
        """What all files share."""
        return self._shared


def usual_sources(manners: Manners, clock: Clock = SYSTEM) -> dict[str, Source]:
    """Servers, buckets and disks."""
    web, stored = HttpSource(manners, clock), StoredSource()
    return {"https": web, "http": web, "gs": stored, "file": stored}


class _Fetching:
    """One file on its way.

    Args:
      request: What is wanted.
      partial: What has come of it.
      downloader: Who brings it.
      delivery: What is done with it.
    """

    def __init__(
        self, request: Request, partial: Partial, downloader: Downloader, delivery: Delivery
    ) -> None:
        self._request, self._partial, self._downloader = request, partial, downloader
        self._delivery = delivery
        self._shared = downloader.surroundings
        self._received = self._attempts = self._restarts = 0

    def run(self) -> Outcome:
        """Tries all addresses in their order."""
        failures: list[Failure] = []
        for address in self._request.addresses:
            try:
                self._fetch_from(address)
                return self._end(address=address, size=self._partial.have, md5=self._partial.md5)
            except Failure as failure:
                failures.append(failure)
                if failure.reason is Reason.NOT_WRITTEN:
                    break
        text = "; then ".join(str(failure) for failure in failures)
        kept = self._partial.state.synced > 0
        return self._end(reason=failures[0].reason, message=text, is_resumable=kept)

    def _end(self, **known: object) -> Outcome:
        outcome = Outcome(str(self._partial.path), received=self._received, attempts=self._attempts)
        return dataclasses.replace(outcome, **known)  # type: ignore[arg-type]

    def _fetch_from(self, address: str) -> None:
        """Brings the file from one address.

        Raises:
          Failure: It was given up.
        """
        failed = best = self._restarts = 0
        while True:
            try:
                self._attempt(address)
                return
            except Failure as failure:
                self._keep_or_forget(failure)
                if self._partial.have >= best + PROGRESS_BYTES:
                    failed, best = 0, self._partial.have
                failed += 1
                if self._is_final(failure, failed):
                    raise
                self._shared.clock.sleep(self._downloader.persistence.backoff.pause(failed))

    def _keep_or_forget(self, failure: Failure) -> None:
        if failure.reason in _OTHER_BYTES:
            self._restarts += 1
            self._forget()
        else:
            with _writing(self._partial):
                self._partial.checkpoint()

    def _is_final(self, failure: Failure, failed: int) -> bool:
        persistence = self._downloader.persistence
        return (
            not (failure.is_retryable or failure.reason is Reason.WRONG_MD5)
            or failed >= persistence.attempts
            or self._restarts > RESTARTS
            or (failure.wait or 0) > persistence.max_wait
            or (failure.reason is Reason.WRONG_MD5 and not _was_joined(failure))
        )

    def _attempt(self, address: str) -> None:
        """One request, what comes of it, and the file under its name if that is all of it."""
        self._attempts += 1
        start = self._partial.resume_at(address)
        if not self._is_complete(start):
            source = self._downloader.source_of(address)
            with source.open(address, start, self._partial.state.validator) as answer:
                self._accept(address, start, answer)
                self._read(answer)
        self._verify(address)
        with _writing(self._partial):
            self._delivery.deliver(self._partial, address)

    def _is_complete(self, start: int) -> bool:
        return start > 0 and start == self._partial.state.size

    def _accept(self, address: str, start: int, answer: Answer) -> None:
        """Whether an answer is of the file, and goes on where the part ends; else all of it."""
        self._judge(address, answer)
        before = self._partial.state.validator
        if answer.start == 0:
            self._restarts += bool(start) and not answer.validator.matches(before)
            if self._restarts > RESTARTS:
                raise Failure(Reason.CHANGED, f"{address}: {_CHANGED}")
            state = State(address, answer.validator, answer.size, answer.md5)
            with _writing(self._partial):
                self._partial.restart(state)
        elif answer.start != start:
            self._forget()
            text = f"{address}: bytes from {answer.start:,} came in place of those from {start:,}"
            raise Failure(Reason.BAD_ANSWER, text)
        elif not answer.validator.matches(before):
            raise Failure(Reason.CHANGED, f"{address}: {_CHANGED}")
        self._partial.begin_piece()

    def _judge(self, address: str, answer: Answer) -> None:
        wanted, found = self._request.size, answer.size
        if wanted is not None and found is not None and wanted != found:
            raise Failure(Reason.WRONG_SIZE, f"{address}: {_SIZE.format(found, wanted)}")
        known, md5 = self._request.md5, answer.md5
        if known is not None and md5 is not None and known != md5:
            raise _WrongMd5(f"{address}: {_MD5.format(md5, known)}", is_joined=False)
        if self._request.judge and (text := self._request.judge(answer.head_of(address))):
            raise Failure(Reason.PLACEHOLDER, f"{address}: {text}")

    def _read(self, answer: Answer) -> None:
        wanted = self._request.size
        while block := answer.read():
            self._received += len(block)
            if self._shared.limit:
                self._shared.limit.take(len(block))
            with _writing(self._partial):
                self._partial.write(block)
            self._shared.observe(str(self._partial.path), self._partial.have)
            if wanted is not None and self._partial.have > wanted:
                return  # as long as it likes: `_verify` refuses it

    def _verify(self, address: str) -> None:
        """Compares what has come with what is known of the file; what cannot be it goes."""
        have, state, request = self._partial.have, self._partial.state, self._request
        expected = state.size if request.size is None else request.size
        if expected is not None and have < expected:
            raise Failure(Reason.TRUNCATED, f"{address}: {_CUT.format(have, expected)}")
        if expected is not None and have > expected:
            raise Failure(Reason.WRONG_SIZE, f"{address}: {_LONG.format(expected)}")
        md5 = request.md5 or state.md5
        if md5 is not None and self._partial.md5 != md5:
            text = f"{address}: {_MD5.format(self._partial.md5, md5)}"
            raise _WrongMd5(text, is_joined=state.pieces > 1)

    def _forget(self) -> None:
        with _writing(self._partial):
            self._partial.restart(State())


_OTHER_BYTES = frozenset({Reason.CHANGED, Reason.WRONG_SIZE, Reason.WRONG_MD5})
"""Reasons for which what has come is not of the file, or not of the file as it is now."""

_CHANGED = "the file was changed while it came; run the same command again"
_SIZE = "the file has {:,} bytes there and should have {:,}; it was published again, or is another"
_CUT = "the answer was cut short, {:,} of {:,} bytes have come; run the same command again"
_LONG = "more than the {:,} bytes came that the file should have; it is another one"
_MD5 = "the bytes have the MD5 {} and should have {}; it was published again, or is another"


class _WrongMd5(Failure):
    """The bytes are not those of the file.

    Attributes:
      is_joined: Whether they came in several answers, which may not have been of one version.
    """

    def __init__(self, message: str, is_joined: bool) -> None:
        super().__init__(Reason.WRONG_MD5, message)
        self.is_joined = is_joined


def _was_joined(failure: Failure) -> bool:
    return isinstance(failure, _WrongMd5) and failure.is_joined


@contextlib.contextmanager
def _writing(partial: Partial) -> Iterator[None]:
    """A block that writes to the disk, which may refuse it."""
    try:
        yield
    except OSError as error:
        raise Failure(Reason.NOT_WRITTEN, describe_os_error(error, str(partial.path))) from error
