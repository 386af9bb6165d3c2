"""What the sections of all jobs show, worked out from the manifest."""

import math
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import msgspec

from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import BadLineRow, CheckRow, ShardRow, TableFile
from transforms.core.output.checks.guard import SHARE
from transforms.core.report.page.formats import NOTHING

LINE_PARTS = {"rejected": "rejected as bad", "blank": "blank"}
"""What became of the lines of which no row was made, by their names in the manifest."""

SAMPLE_PARTS = {"left_out": "left out by the sample"}
"""The same, only where there is a sample."""

HOLDS, PARTIAL, FAILS = "holds", "partial", "fails"
"""Verdicts on a shard: every line is accounted for; so it is, but other narratives were published
of its split than were read; or a line is not."""


def reconciliation(
    manifest: Manifest, parts: Iterable[str], differing: Collection[str] = ()
) -> tuple[list[dict], dict]:
    """The conservation law per shard and in all.

    `holds` asks for all: what the run found (lines and bytes), that the numbers shown here add up,
    and that nothing else was published than was read; `verdict` is one of `HOLDS`, `PARTIAL` and
    `FAILS`.

    Args:
      manifest: The version's manifest.
      parts: What the lines read are made of: entries of its shards.
      differing: Names of shards of which other rows were published than were read.
    """
    parts = tuple(parts)
    shards = [_with_verdict(row, parts, row.shard in differing) for row in manifest.shards]
    total = {
        name: sum(row[name] for row in shards) for name in ("lines", *parts, "bytes", "repaired")
    }
    found = {row["verdict"] for row in shards}
    verdict = next((worst for worst in (FAILS, PARTIAL) if worst in found), HOLDS)
    return shards, {**total, "verdict": verdict, "holds": verdict == HOLDS}


def _with_verdict(row: ShardRow, parts: Iterable[str], differs: bool) -> dict:
    shown = msgspec.structs.asdict(row)
    accounted = row.conserved and row.lines == sum(shown[part] for part in parts)
    verdict = FAILS if not accounted else PARTIAL if differs else HOLDS
    return {**shown, "verdict": verdict, "holds": verdict == HOLDS}


def checks_by_name(manifest: Manifest) -> list[dict]:
    """Of each share the row that is nearest to its limit or furthest beyond, and how many fail."""
    groups = _by_name(row for row in manifest.checks if row.kind == SHARE)
    return [
        msgspec.structs.asdict(min(rows, key=_margin))
        | {"failed": sum(not row.passed for row in rows), "rows": len(rows)}
        for rows in groups.values()
    ]


def _by_name(rows: Iterable[CheckRow]) -> dict[str, list[CheckRow]]:
    groups: dict[str, list[CheckRow]] = {}
    for row in rows:
        groups.setdefault(row.name, []).append(row)
    return groups


def _margin(row: CheckRow) -> float:
    """How far a row is within its limit."""
    if row.kind == "range":
        least, most = (row.at_least, row.at_most)
        above = math.inf if least is None else row.value - least
        below = math.inf if most is None else most - row.value
        return min(above, below)
    margin = row.value - row.limit
    return margin if row.option.startswith("min_") else -margin


class Rules(NamedTuple):
    """What rules of a file of checks found.

    Attributes:
      broken: All rows that are beyond a limit, those that hold a version back first.
      kept: Of each rule that is kept the row that is nearest to its limit.
      not_compared: Names of rules that judged nothing, by the reason.
    """

    broken: list[CheckRow]
    kept: list[CheckRow]
    not_compared: dict[str, list[str]]


def rules_found(manifest: Manifest) -> Rules:
    """What rules of a file of checks found."""
    groups = _by_name(row for row in manifest.checks if row.kind != SHARE)
    broken = [row for rows in groups.values() for row in rows if not row.passed]
    kept = [min(rows, key=_margin) for rows in groups.values() if all(r.passed for r in rows)]
    reasons: dict[str, list[str]] = {}
    for entry in manifest.not_compared:
        reasons.setdefault(entry.reason, []).append(entry.name)
    return Rules(sorted(broken, key=lambda row: row.severity != "hold"), kept, reasons)


def by_number(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Reasons, codes or flags with their counts, the most frequent first."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def bad_lines(manifest: Manifest, most: int) -> tuple[list[BadLineRow], int]:
    """The first bad lines, and how many there are beyond these."""
    shown = manifest.bad_lines[:most]
    return shown, manifest.counts.bad - len(shown)


class Reject(NamedTuple):
    """Rejected lines of a reason.

    Attributes:
      code: The reason.
      lines: How many.
      examples: The first of them, as far as the manifest lists them.
    """

    code: str
    lines: int
    examples: list[BadLineRow]


def rejects(manifest: Manifest, most: int) -> list[Reject]:
    """Rejected lines by reason, the most frequent first, each with its first `most` lines."""
    listed: dict[str, list[BadLineRow]] = {}
    for row in manifest.bad_lines:
        listed.setdefault(row.code, []).append(row)
    return [
        Reject(code, number, listed.get(code, [])[:most])
        for code, number in by_number(manifest.counts.rejected)
    ]


class TableRow(NamedTuple):
    """A table of a version.

    Attributes:
      table: Its name.
      rows: In all its files.
      files: How many.
      bytes: In all.
      first: The first of them, below the version's folder.
    """

    table: str
    rows: int
    files: int
    bytes: int
    first: str


def tables(manifest: Manifest) -> list[TableRow]:
    """The tables that a version has, in the order in which its files are listed."""
    grouped: dict[str, list[TableFile]] = {}
    for file in manifest.files:
        grouped.setdefault(file.table, []).append(file)
    return [
        TableRow(
            name, sum(f.rows for f in files), len(files), sum(f.bytes for f in files), files[0].path
        )
        for name, files in grouped.items()
    ]


def facts(value: object, name: str = "") -> list[tuple[str, str | list[str]]]:
    """A nested value as names with texts, names of what is inside joined by dots.

    >>> facts({"a": {"b": 1}, "c": ["x", "y"], "d": None})
    [('a.b', '1'), ('c', ['x', 'y']), ('d', '–')]
    """
    if isinstance(value, Mapping) and value:
        inside = [facts(own, f"{name}.{key}" if name else str(key)) for key, own in value.items()]
        return [row for rows in inside for row in rows]
    if isinstance(value, list | tuple) and value:
        if all(isinstance(one, Mapping) for one in value):
            inside = [facts(own, f"{name}[{at}]") for at, own in enumerate(value)]
            return [row for rows in inside for row in rows]
        return [(name, [_text(one) for one in value])]
    return [(name, _text(value))]


def _text(value: object) -> str:
    if value is None or value in ({}, []):
        return NOTHING
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
