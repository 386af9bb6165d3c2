"""What a run would do, and why: told without doing anything."""

import dataclasses
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from pipelines.cli import log
from pipelines.cli.engines.runners import is_local
from pipelines.cli.options import with_flags
from pipelines.runs.failure import EXIT_CODES
from pipelines.runs.options import RunOptions
from pipelines.runs.plan import RunPlan, describe_restored
from transforms import storage
from transforms.core.base.errors import MESSAGE_CHARACTERS, UsageError, option, shown
from transforms.core.model import layout
from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import InputRow, Provenance
from transforms.core.model.units import Unit
from transforms.core.report.page.formats import plural
from transforms.units.publishing.pin import read_pin
from transforms.units.publishing.publication import Publication
from transforms.units.publishing.read_version import read_manifest
from transforms.units.runs import read_runs

UNFINISHED = "not finished yet"
REPAIRED = "repaired lines"
NEW = "new shard"
CHANGED = "changed input"

_RUNS = 5
"""Earlier runs from which it is told how long one will take."""

_UNITS_SHOWN = 10
_VALUE_CHARACTERS = 60


@dataclasses.dataclass(frozen=True)
class Foretold:
    """What a run would do.

    Attributes:
      plan: The run.
      reasons: Why each of the pending units is to be done, in their order.
      seconds: About how long it would take; None where no earlier run tells.
      runs: Earlier runs of whose rate that is.
      pinned: The version to which the output is pinned, None for none.
    """

    plan: RunPlan
    reasons: Sequence[tuple[str, ...]]
    seconds: float | None
    runs: int
    pinned: str | None

    @property
    def bytes(self) -> int:
        """Bytes of the pending units."""
        return sum(unit.bytes for unit in self.plan.units)

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to do."""
        return self.plan.is_current and not self.plan.missing


def foretell(options: RunOptions, plan: RunPlan, publication: Publication) -> int:
    """Says what a run would do, and why; returns the exit code.

    Args:
      options: Of the job.
      plan: The run, planned without changing anything.
      publication: What the job knows of its versions.
    """
    before = _current_manifest(options.output, plan.base, publication.manifest)
    changes = _changes(publication.provenance, before, options.results) if before else []
    rows = {row.shard: row for row in before.inputs} if before else {}
    seconds, runs = _estimate(options, sum(unit.bytes for unit in plan.units))
    found = Foretold(
        plan=plan,
        reasons=[_why(unit, rows, changes) for unit in plan.units],
        seconds=seconds,
        runs=runs,
        pinned=read_pin(options.output),
    )
    if options.summary == "json":
        print(json.dumps(as_json(found), indent=1))
    else:
        for line in as_text(found):
            print(shown(with_flags(line), MESSAGE_CHARACTERS), flush=True)
    unchanged = found.is_nothing and options.if_changed
    log.ending("dry_run", "Nothing was done (--dry-run).")
    return EXIT_CODES["unchanged" if unchanged else "dry_run"]


def _current_manifest(output: str, base: str | None, kind: type[Manifest]) -> Manifest | None:
    """The current version's manifest, whatever its files are; None where it cannot be read."""
    if base is None or not layout.is_version(base):
        return None
    try:
        return read_manifest(storage.join(output, layout.version_folder(base)), kind)
    except UsageError:
        return None


def _changes(provenance: Provenance, before: Manifest, results: Collection[str]) -> list[str]:
    """What is other than in the current version, of what concerns all units."""
    found = []
    for name in results:
        was, now = (_value(made.configuration.get(name)) for made in (before, provenance))
        if was != now:
            found.append(f"changed {option(name)}: {was}, now {now}")
    for name, title in (("annotations", "annotations"), ("transcripts", "transcriptions")):
        old, new = _both(before, provenance, name)
        if (old and old.fingerprint) != (new and new.fingerprint):
            found.append(_changed_index(title, old, new))
    old, new = _both(before, provenance, "threshold")
    if old != new and not found:  # else it is the option's
        found.append(f"changed threshold of D: {old and old.value}, now {new and new.value}")
    if before.code != provenance.code:
        found.append("changed code")
    names = sorted({*before.packages, *provenance.packages})
    for name in names:
        was, now = str(before.packages.get(name)), str(provenance.packages.get(name))
        if was != now:
            found.append(f"changed package {name}: {was}, now {now}")
    return found


def _both(before: Manifest, provenance: Provenance, name: str) -> tuple[Any, Any]:
    """An entry that not all jobs have, as it was and as it is."""
    return getattr(before, name, None), getattr(provenance, name, None)


def _value(value: object) -> str:
    return shown(json.dumps(value), _VALUE_CHARACTERS)


def _changed_index(title: str, old: Any, new: Any) -> str:
    """Which of an index's files are others."""
    if not (old and new):
        return f"changed {title}: {'now none' if old else 'none before'}"
    was, now = ({file.path.rpartition("/")[2]: _content(file) for file in index.sources}
                for index in (old, new))  # fmt: skip
    names = sorted(name for name in {*was, *now} if was.get(name) != now.get(name))
    return f"changed {title}: {shown(', '.join(names), 4 * _VALUE_CHARACTERS)}".rstrip(": ")


def _content(file: Any) -> str:
    return file.content or file.fingerprint


def _why(unit: Unit, rows: Mapping[str, InputRow], changes: Sequence[str]) -> tuple[str, ...]:
    """Why a unit is to be done."""
    row = rows.get(unit.shard)
    if row is None:
        return (NEW,)
    found = list(changes)
    is_same = row.content == unit.content if row.content else row.fingerprint == unit.fingerprint
    if not is_same or row.size != unit.size:
        found.insert(0, CHANGED)
    if (row.dataset, row.split) != (unit.dataset, unit.split):
        found.append("changed dataset or split")
    if unit.repairs and not found:
        return (REPAIRED,)
    return tuple(found) or ((REPAIRED,) if unit.repairs else (UNFINISHED,))


def _estimate(options: RunOptions, size: int) -> tuple[float | None, int]:
    """Seconds that a run over so many bytes takes, and of how many earlier ones that is the rate.

    Those count that have published something on the same engine with as many workers.
    """
    engine = (options.runner, options.workers if is_local(options) else 0)
    _, ended = read_runs(options.output)
    alike = [
        (run.begin.bytes, run.seconds)
        for run in ended
        if run.begin and run.begin.bytes and run.seconds and run.status == "published"
        if (run.begin.engine, run.begin.workers if is_local(options) else 0) == engine
    ][-_RUNS:]
    if not alike or not size:
        return None, 0
    rate = sum(size for size, _ in alike) / sum(seconds for _, seconds in alike)
    return size / rate, len(alike)


def as_json(found: Foretold) -> dict[str, Any]:
    """What a run would do, for programs."""
    plan = found.plan
    return {
        "status": "nothing_to_do" if found.is_nothing else "dry_run",
        "version": None if plan.missing else plan.version,
        "current": plan.base,
        "pinned": found.pinned,
        "first": list(plan.missing),
        "pending": len(plan.units),
        "reused": len(plan.finished),
        "bytes": found.bytes,
        "seconds": found.seconds and round(found.seconds, 1),
        "units": [
            {
                "unit": unit.key,
                "shard": unit.shard,
                "start": unit.start,
                "end": unit.end,
                "reasons": [with_flags(reason) for reason in reasons],
            }
            for unit, reasons in zip(plan.units, found.reasons, strict=True)
        ],
    }


def as_text(found: Foretold) -> Iterator[str]:
    """What a run would do, for people."""
    plan = found.plan
    if found.is_nothing:
        yield f"Nothing to do: version {plan.version} has the same input, options and code."
        return
    yield from plan.missing
    reused = f"{len(plan.finished):,} finished and reused"
    restored = describe_restored(plan.units)
    size = f"{found.bytes / 1e6:,.1f} MB"
    yield f"{plural(len(plan.units), 'unit')} to do{restored}, {size}; {reused}."
    yield from _by_reason(found)
    if found.seconds is not None:
        runs = "the last run" if found.runs == 1 else f"the last {found.runs} runs"
        yield f"About {found.seconds:,.0f} s, at the rate of {runs}."
    elif plan.units:
        yield "How long it takes is not known: no earlier run on this engine has published here."
    yield f"{_end_of(found)} Nothing was done (--dry-run)."


def _by_reason(found: Foretold) -> Iterator[str]:
    groups: dict[tuple[str, ...], list[Unit]] = {}
    for unit, reasons in zip(found.plan.units, found.reasons, strict=True):
        groups.setdefault(reasons, []).append(unit)
    for reasons, units in groups.items():
        yield f"  {'; '.join(reasons)}: {plural(len(units), 'unit')}"
        yield from (f"    {_describe(unit)}" for unit in units[:_UNITS_SHOWN])
        if more := len(units) - min(len(units), _UNITS_SHOWN):
            yield f"    … and {more:,} more; --summary json lists all"


def _describe(unit: Unit) -> str:
    where = "all of it" if unit.end is None else f"bytes {unit.start:,} to {unit.end:,}"
    return f"{shown(unit.shard)}, {where}"


def _end_of(found: Foretold) -> str:
    plan = found.plan
    if found.pinned:
        return f"The output stays pinned to version {shown(found.pinned)}."
    made = f"Version {plan.version}" if plan.version and not plan.missing else "A version"
    return f"{made} would be made{_place_of(plan.base)}."


def _place_of(base: str | None) -> str:
    return f" and take the place of {shown(base)}" if base else ""
