"""The verdict on a merged run: whether it may become the current version."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec

from transforms.core.model import bad_lines
from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import BadLineRow, CheckRow, NotCompared, ShardRow
from transforms.core.model.narratives.manifest import (
    BuildManifest,
    ExpectedRow,
    NarrativeCounts,
    NarrativeShardRow,
    SplitRow,
)
from transforms.core.model.units import LineCounts
from transforms.core.output.checks import expected, guard
from transforms.core.output.checks.guard import Limits
from transforms.core.output.checks.wording import describe_rule, holds
from transforms.core.output.version import too_many_bad_lines, unusable_names

FoundKind = TypeVar("FoundKind", bound="Found")


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Why a run is not published.

    Attributes:
      status: `not_conserved`, `too_many_bad_lines`, `not_as_published`, or `held_back`.
      message: One sentence.
    """

    status: str
    message: str


def judge(manifest: BuildManifest, limits: Limits) -> Verdict | None:
    """Why a run may not be published, the gravest reason first; None where it may.

    A run that is held back is complete, so its version is made without becoming the current one;
    of all others nothing is published.

    Args:
      manifest: Of the run.
      limits: What it must keep.
    """
    if verdict := judge_rows(manifest):
        return verdict
    if verdict := _judge_lines(manifest, limits):
        return Verdict(verdict.status, f"{verdict.message}: nothing was published")
    return _judge_checks(manifest.checks, limits)


def judge_rows(manifest: Manifest) -> Verdict | None:
    """Why no job may publish a run: lines or bytes are lost, or readers would lose files."""
    broken = [row.shard for row in manifest.shards if not row.conserved]
    if broken:
        return Verdict(
            "not_conserved",
            f"the conservation law does not hold for {', '.join(broken)}: nothing was published; "
            "was a file changed during the run? Run again",
        )
    if unusable := unusable_names(file.path for file in manifest.files):
        return Verdict(
            "not_conserved",
            f"readers of the folder would skip or mix up {unusable[0]!r}: nothing was published; "
            "rename its shard",
        )
    return None


def judge_bad_lines(manifest: Manifest, max_bad_share: float) -> Verdict | None:
    """Why a run with too many bad lines may not be published."""
    problem = too_many_bad_lines(manifest.counts, manifest.bad_lines, max_bad_share)
    return Verdict("too_many_bad_lines", problem) if problem else None


def judge_current(
    manifest: BuildManifest, limits: Limits, ranges: Sequence[CheckRow] = ()
) -> Verdict | None:
    """The same of a version that is current, by limits that may be others than its own.

    Args:
      manifest: The version's.
      limits: What it must keep now.
      ranges: What rules say of it now.
    """
    checks = [*guard.judge_again(manifest.checks, limits), *ranges]
    return _judge_lines(manifest, limits) or _judge_checks(checks, limits)


def _judge_lines(manifest: BuildManifest, limits: Limits) -> Verdict | None:
    if verdict := judge_bad_lines(manifest, limits.max_bad_share):
        return verdict
    difference = expected.explain_difference(manifest.expected)
    if difference and not limits.allow_partial:
        return Verdict("not_as_published", difference)
    return None


def _judge_checks(checks: Iterable[CheckRow], limits: Limits) -> Verdict | None:
    problem = explain_failures(checks)
    return Verdict("held_back", problem) if problem and limits.guard else None


def explain_failures(checks: Iterable[CheckRow]) -> str | None:
    """Why checks hold a version back, in one sentence; None where none does."""
    checks = list(checks)
    of_rules = map(describe_rule, filter(holds, checks))
    return "; ".join(filter(None, [guard.explain_checks(checks), *of_rules])) or None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a run found that is not published, for programs.

    Attributes:
      version: The name of the version that it would have made; this and the next five are as in
        its manifest.
      shards: The conservation law for each shard.
      checks: Shares and rules with their limits.
      not_compared: Rules that judged nothing, and why.
      counts: Numbers of all units together.
      bad_lines: The first bad lines.
      rejected_files: Paths of all files of rejected lines.
    """

    version: str
    shards: Sequence[ShardRow]
    checks: list[CheckRow]
    not_compared: list[NotCompared]
    counts: LineCounts
    bad_lines: list[BadLineRow]
    rejected_files: list[str]


class FoundNarratives(Found, frozen=True, kw_only=True):
    """The same of narratives.

    Attributes:
      expected: Catalogued splits, with what was published and read of them.
      splits: Numbers of each dataset and split.
    """

    shards: list[NarrativeShardRow]
    counts: NarrativeCounts
    expected: list[ExpectedRow]
    splits: list[SplitRow]


def describe_failure(
    manifest: Manifest,
    folder: str,
    elsewhere: Mapping[str, str] | None = None,
    kind: type[FoundKind] = Found,  # type: ignore[assignment]
) -> FoundKind:
    """What a run found that is not published.

    Args:
      manifest: Its manifest.
      folder: The version's folder.
      elsewhere: Where files are that are in no version's folder yet, by their paths in it.
      kind: What of the manifest is described.
    """
    shared = {
        name: getattr(manifest, name) for name in kind.__struct_fields__ if name != "rejected_files"
    }
    places = elsewhere or {}
    files = [
        places.get(file.path, f"{folder}/{file.path}")
        for file in manifest.files
        if file.table == bad_lines.TABLE and file.rows
    ]
    return kind(**shared, rejected_files=files)
