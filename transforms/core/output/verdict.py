"""The verdict on a merged run: whether it may become the current version."""

import dataclasses
from collections.abc import Iterable, Mapping

from transforms.core.output import expected, guard
from transforms.core.output.guard import Limits
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


def judge(manifest: Mapping, limits: Limits) -> Verdict | None:
    """Why a run may not be published, the gravest reason first; None where it may.

    A run that is held back is complete, so its version is made without becoming the current one;
    of all others nothing is published.

    Args:
      manifest: With `shards`, `counts`, `bad_lines`, `expected` and `checks`.
      limits: What it must keep.
    """
    broken = [row["shard"] for row in manifest["shards"] if not row["conserved"]]
    if broken:
        return Verdict(
            "not_conserved",
            f"the conservation law does not hold for {', '.join(broken)}: nothing was published; "
            "was a file changed during the run? Run again",
        )
    if unusable := unusable_names(manifest["files"]):
        return Verdict(
            "not_conserved",
            f"readers of the folder would skip or mix up {unusable[0]!r}: nothing was published; "
            "rename its shard",
        )
    if verdict := _judge_lines(manifest, limits):
        return Verdict(verdict.status, f"{verdict.message}: nothing was published")
    return _judge_checks(manifest["checks"], limits)


def judge_current(manifest: Mapping, limits: Limits) -> Verdict | None:
    """The same of a version that is current, by limits that may be others than its own."""
    checks = guard.judge_again(manifest["checks"], limits)
    return _judge_lines(manifest, limits) or _judge_checks(checks, limits)


def _judge_lines(manifest: Mapping, limits: Limits) -> Verdict | None:
    if problem := too_many_bad_lines(manifest, limits.max_bad_share):
        return Verdict("too_many_bad_lines", problem)
    difference = expected.explain_difference(manifest["expected"])
    if difference and not limits.allow_partial:
        return Verdict("not_as_published", difference)
    return None


def _judge_checks(checks: Iterable[Mapping], limits: Limits) -> Verdict | None:
    problem = guard.explain_checks(checks)
    return Verdict("held_back", problem) if problem and limits.guard else None


FOUND = ("version", "shards", "expected", "splits", "checks", "counts", "bad_lines")
"""Entries of the manifest that the description of a failure has."""


def describe_failure(manifest: Mapping, output: str, folder: str) -> dict:
    """What a run found that is not published, for programs.

    Args:
      manifest: Its manifest.
      output: The output folder; a file that is in no version yet has a `source` below it.
      folder: The version's folder.

    Returns:
      `FOUND`, and in `rejected_files` the paths of all files of rejected lines.
    """
    files = [
        f"{output}/{file['source']}" if "source" in file else f"{folder}/{file['path']}"
        for file in manifest["files"]
        if file["table"] == "rejected" and file["rows"]
    ]
    return {name: manifest[name] for name in FOUND} | {"rejected_files": files}
