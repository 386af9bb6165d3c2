"""Fetching what was planned: by threads of this process, or by the workers of an engine."""

import contextlib
import threading
import uuid
from collections.abc import Sequence
from typing import Any

from pipelines.cli import log
from pipelines.cli.beam_options import DATAFLOW, LOCAL, engine_of
from pipelines.cli.engines.runners import create_pipeline, is_detached
from pipelines.cli.options import with_flags
from pipelines.cli.progress.showing import show_bytes, show_step
from pipelines.fetch.options import FetchOptions
from pipelines.fetch.planning import Plan
from transforms import storage
from transforms.core.base.errors import EngineError, UsageError, option
from transforms.transfer.destinations import RECORDS
from transforms.transfer.outcomes import Outcome, Reason
from transforms.transfer.settings import Settings, bring_all


class Received:
    """Bytes that have come, of those pending; of files of unknown size, those that have come."""

    def __init__(self, plan: Plan) -> None:
        self._lock, self._have = threading.Lock(), dict[str, int]()
        self._begun = {plan.destination.place(one.wanted): one.begun for one in plan.files}
        self._sizes = {place: one.file.bytes for place, one in zip(self._begun, plan.files,
                                                                  strict=True)}  # fmt: skip
        self._known = plan.pending_bytes

    def observe(self, path: str, have: int) -> None:
        """Notes that so many bytes of a file have come."""
        with self._lock:
            self._have[path] = have

    def count(self) -> int:
        with self._lock:
            return sum(max(0, have - self._begun.get(path, 0)) for path, have in self._have.items())

    @property
    def total(self) -> int:
        with self._lock:
            unknown = {p: have for p, have in self._have.items() if self._sizes.get(p) is None}
            return self._known + sum(unknown.values())


def is_engines(options: FetchOptions) -> bool:
    """Whether workers of an engine fetch, and not threads of this process."""
    return engine_of(options.runner) != LOCAL or options.workers > 1


def settings_of(options: FetchOptions) -> Settings:
    """How files are brought."""
    return Settings(
        connections=options.connections,
        limit_rate=options.limit_rate,
        timeout=options.timeout,
        attempts=options.attempts,
        max_wait=options.max_wait,
    )


def fetch_by_threads(options: FetchOptions, plan: Plan) -> list[Outcome]:
    """Brings the files by threads of this process; says what becomes of each."""
    received = Received(plan)
    downloader = settings_of(options).downloader(received.observe)
    wanted = [planned.wanted for planned in plan.files]
    outcomes: dict[int, Outcome] = {}
    is_shown = plan.in_state("pending")
    with show_bytes("Files", received) if is_shown else contextlib.nullcontext():
        for number, outcome in bring_all(wanted, plan.destination, downloader, options.connections):
            outcomes[number] = outcome
            tell(outcome)
    return [outcomes[number] for number in range(len(wanted))]


def fetch_by_engine(
    options: FetchOptions, plan: Plan, beam_args: Sequence[str]
) -> list[Outcome] | None:
    """Brings the files by the workers of an engine; None where nobody waits for them.

    Raises:
      UsageError: Workers elsewhere cannot reach the folder.
      EngineError: The engine failed.
    """
    import apache_beam as beam

    from transforms.transfer.fetch_files import FetchFiles, read_outcomes

    if engine_of(options.runner) == DATAFLOW and "://" not in options.to:
        raise UsageError(
            f"workers of Dataflow cannot write to {options.to!r} of this machine: name a bucket "
            f"with {option('to')}, gs://BUCKET/FOLDER"
        )
    folder = storage.join(options.to, RECORDS, f"run-{uuid.uuid4().hex[:12]}")
    elements = list(enumerate(planned.wanted for planned in plan.files))
    fetch = FetchFiles(plan.destination, settings_of(options), folder)
    with show_step("Fetching"), create_pipeline(options, beam_args) as pipeline:
        _ = pipeline | "CreateFiles" >> beam.Create(elements) | "FetchFiles" >> fetch
    if is_detached(options, beam_args):
        log.tell("submitted", f"The job is submitted; it leaves what becomes of files in {folder}.")
        return None
    found = read_outcomes(folder)
    storage.remove_folder(folder)
    if missing := len(elements) - len(found):
        raise EngineError(f"of {missing} files the engine did not say what became of them")
    outcomes = [found[number] for number in range(len(elements))]
    for outcome in outcomes:
        tell(outcome)
    return outcomes


def tell(outcome: Outcome) -> None:
    """Says what has become of a file; as text only where it has failed or come."""
    facts: dict[str, Any] = {"path": outcome.path, "bytes": outcome.size or None}
    if outcome.reason is Reason.BY_HAND:
        log.tell("file_by_hand", outcome.message, "warning", **facts)
    elif outcome.reason is not None:
        message = with_flags(f"{outcome.path}: {outcome.message}")
        log.tell("file_failed", message, "error", reason=str(outcome.reason), **facts)
    elif outcome.status == "fetched":
        log.tell("file_fetched", f"Fetched {outcome.path} ({outcome.size:,} bytes).", **facts)
    else:
        log.note("file_kept", f"{outcome.path} is there already.", **facts)
