"""What the sections of all jobs show, worked out from the manifest."""

from collections.abc import Collection, Iterable, Mapping

import msgspec

from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import BadLineRow, CheckRow, ShardRow

LINE_PARTS = {"rejected": "rejected as bad", "blank": "blank"}
"""What became of the lines of which no row was made, by their names in the manifest."""

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
    total = {name: sum(row[name] for row in shards) for name in ("lines", *parts, "bytes")}
    found = {row["verdict"] for row in shards}
    verdict = next((worst for worst in (FAILS, PARTIAL) if worst in found), HOLDS)
    return shards, {**total, "verdict": verdict, "holds": verdict == HOLDS}


def _with_verdict(row: ShardRow, parts: Iterable[str], differs: bool) -> dict:
    shown = msgspec.structs.asdict(row)
    accounted = row.conserved and row.lines == sum(shown[part] for part in parts)
    verdict = FAILS if not accounted else PARTIAL if differs else HOLDS
    return {**shown, "verdict": verdict, "holds": verdict == HOLDS}


def checks_by_name(manifest: Manifest) -> list[dict]:
    """Of each check the row that is nearest to its limit or furthest beyond, and how many fail."""
    groups: dict[str, list[CheckRow]] = {}
    for row in manifest.checks:
        groups.setdefault(row.name, []).append(row)
    return [
        msgspec.structs.asdict(min(rows, key=_margin))
        | {"failed": sum(not row.passed for row in rows), "rows": len(rows)}
        for rows in groups.values()
    ]


def _margin(row: CheckRow) -> float:
    margin = row.value - row.limit
    return margin if row.option.startswith("min_") else -margin


def by_number(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Reasons, codes or flags with their counts, the most frequent first."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def bad_lines(manifest: Manifest, most: int) -> tuple[list[BadLineRow], int]:
    """The first bad lines, and how many there are beyond these."""
    shown = manifest.bad_lines[:most]
    return shown, manifest.counts.bad - len(shown)
