"""The verdict on a merged run: whether it may become the current version."""

import dataclasses
from collections.abc import Iterable, Mapping

import msgspec

from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import (
    BadLineRow,
    CheckRow,
    ExpectedRow,
    ShardRow,
    SplitRow,
)
from transforms.core.model.units import Counts
from transforms.core.output.checks import expected, guard
from transforms.core.output.checks.guard import Limits
from transforms.core.output.version import too_many_bad_lines, unusable_names


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Why a run is not published.

    Attributes:
      status: `not_conserved`, `too_many_bad_lines`, `not_as_published`, or `held_back`.
      message: One sentence.
    """

    status: str
    message: str


def judge(manifest: Manifest, limits: Limits) -> Verdict | None:
    """Why a run may not be published, the gravest reason first; None where it may.

    A run that is held back is complete, so its version is made without becoming the current one;
    of all others nothing is published.

    Args:
      manifest: Of the run.
      limits: What it must keep.
    """
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
    if verdict := _judge_lines(manifest, limits):
        return Verdict(verdict.status, f"{verdict.message}: nothing was published")
    return _judge_checks(manifest.checks, limits)


def judge_current(manifest: Manifest, limits: Limits) -> Verdict | None:
    """The same of a version that is current, by limits that may be others than its own."""
    checks = guard.judge_again(manifest.checks, limits)
    return _judge_lines(manifest, limits) or _judge_checks(checks, limits)


def _judge_lines(manifest: Manifest, limits: Limits) -> Verdict | None:
    if problem := too_many_bad_lines(manifest.counts, manifest.bad_lines, limits.max_bad_share):
        return Verdict("too_many_bad_lines", problem)
    difference = expected.explain_difference(manifest.expected)
    if difference and not limits.allow_partial:
        return Verdict("not_as_published", difference)
    return None


def _judge_checks(checks: Iterable[CheckRow], limits: Limits) -> Verdict | None:
    problem = guard.explain_checks(checks)
    return Verdict("held_back", problem) if problem and limits.guard else None


class Found(msgspec.Struct, frozen=True):
    """What a run found that is not published, for programs.

    Attributes:
      version: The name of the version that it would have made; this and the next six are as in its
        manifest.
      shards: The conservation law for each shard.
      expected: Catalogued splits, with what was published and read of them.
      splits: Numbers of each dataset and split.
      checks: Shares with their limits.
      counts: Numbers of all units together.
      bad_lines: The first bad lines.
      rejected_files: Paths of all files of rejected lines.
    """

    version: str
    shards: list[ShardRow]
    expected: list[ExpectedRow]
    splits: list[SplitRow]
    checks: list[CheckRow]
    counts: Counts
    bad_lines: list[BadLineRow]
    rejected_files: list[str]


def describe_failure(
    manifest: Manifest, folder: str, elsewhere: Mapping[str, str] | None = None
) -> Found:
    """What a run found that is not published.

    Args:
      manifest: Its manifest.
      folder: The version's folder.
      elsewhere: Where files are that are in no version's folder yet, by their paths in it.
    """
    shared = {name: getattr(manifest, name) for name in Found.__struct_fields__[:-1]}
    places = elsewhere or {}
    files = [
        places.get(file.path, f"{folder}/{file.path}")
        for file in manifest.files
        if file.table == "rejected" and file.rows
    ]
    return Found(**shared, rejected_files=files)
