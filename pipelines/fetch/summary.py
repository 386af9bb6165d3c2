"""What is said of a plan and of its outcomes: as text, or as JSON for programs."""

from collections import Counter
from collections.abc import Iterator, Sequence

from pipelines.fetch.planning import Plan, Planned
from transforms.core.report.page.formats import plural
from transforms.transfer.outcomes import RETRYABLE, Outcome, Reason

DONE, NOT_ALL, AGAIN = 0, 3, 4
"""Exit codes: all files are there; some are not; some are not, but another attempt may do it."""


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """What the outcomes are for a scheduler."""
    reasons = {outcome.reason for outcome in outcomes if outcome.reason is not None}
    if not reasons:
        return DONE
    return AGAIN if reasons <= RETRYABLE | {Reason.NOT_WRITTEN} else NOT_ALL


def plan_as_text(plan: Plan) -> Iterator[str]:
    """A dry run, in lines."""
    for planned in plan.files:
        yield f"{planned.state.replace('_', ' '):<8} {_size(planned):>15}  {planned.wanted.path}"
    for planned in plan.in_state("by_hand"):
        yield f"by hand: {planned.file.by_hand} as {plan.destination.place(planned.wanted)}"
    yield from _totals(plan)


def _size(planned: Planned) -> str:
    return "unknown" if planned.file.bytes is None else f"{planned.file.bytes:,}"


def _totals(plan: Plan) -> Iterator[str]:
    pending, unknown = plan.in_state("pending"), plan.of_unknown_size
    begun = sum(planned.begun for planned in pending)
    more = f" and {plural(unknown, 'file')} of unknown size" if unknown else ""
    yield (
        f"{plural(len(plan.files), 'file')} asked for: {len(plan.in_state('there'))} there, "
        f"{len(pending)} to fetch, {len(plan.in_state('by_hand'))} to get by hand"
    )
    yield f"{plan.pending_bytes:,} bytes to fetch{more}"
    if begun:
        yield f"{begun:,} bytes of them have come already"


def plan_as_json(plan: Plan) -> dict:
    """A dry run, for programs."""
    return {
        "to": plan.destination.folder,
        "files": [_file(planned) | {"state": planned.state} for planned in plan.files],
        "files_there": len(plan.in_state("there")),
        "files_pending": len(plan.in_state("pending")),
        "files_by_hand": len(plan.in_state("by_hand")),
        "bytes_pending": plan.pending_bytes,
        "files_of_unknown_size": plan.of_unknown_size,
    }


def _file(planned: Planned) -> dict:
    file = planned.file
    return {
        "path": file.path,
        "addresses": list(planned.wanted.request.addresses),
        "by_hand": file.by_hand,
        "bytes": file.bytes,
        "md5": file.md5,
        "licence": file.licence,
        "what": file.what,
    }


def outcomes_as_text(plan: Plan, outcomes: Sequence[Outcome]) -> Iterator[str]:
    """The end of a run, in lines; what failed was told before."""
    kinds = Counter(outcome.status for outcome in outcomes)
    received = sum(outcome.received for outcome in outcomes)
    yield (
        f"{plural(len(outcomes), 'file')} in {plan.destination.folder}: {kinds['fetched']} fetched "
        f"({received:,} bytes came), {kinds['kept']} there before, {kinds['failed']} failed"
    )
    reasons = Counter(str(outcome.reason) for outcome in outcomes if outcome.reason is not None)
    if reasons:
        counts = ", ".join(f"{number} {reason}" for reason, number in sorted(reasons.items()))
        resumable = sum(outcome.is_resumable for outcome in outcomes)
        kept = f"; of {resumable} a part is kept, which is resumed" if resumable else ""
        yield f"failed: {counts}{kept}"


def outcomes_as_json(plan: Plan, outcomes: Sequence[Outcome]) -> dict:
    """The end of a run, for programs."""
    kinds = Counter(outcome.status for outcome in outcomes)
    return {
        "to": plan.destination.folder,
        "exit_code": exit_code(outcomes),
        "files_fetched": kinds["fetched"],
        "files_kept": kinds["kept"],
        "files_failed": kinds["failed"],
        "bytes_received": sum(outcome.received for outcome in outcomes),
        "files": [
            _file(planned) | _outcome(outcome)
            for planned, outcome in zip(plan.files, outcomes, strict=True)
        ],
    }


def _outcome(outcome: Outcome) -> dict:
    """What replaces, in the row of a file, what is known of it beforehand."""
    row = {
        "status": outcome.status,
        "place": outcome.path,
        "reason": outcome.reason,
        "message": outcome.message or None,
        "address": outcome.address or None,
        "attempts": outcome.attempts,
    }
    found = {"bytes": outcome.size, "md5": outcome.md5}
    return row if outcome.reason is not None else row | found
