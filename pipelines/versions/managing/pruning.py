"""`prune`: what is removed, and what that frees."""

from typing import Any

from pipelines.cli import log
from pipelines.versions.options import PruneOptions
from pipelines.versions.printing import moment, print_columns, print_json, size
from transforms.core.report.page.formats import plural
from transforms.versions.pruning import prune
from transforms.versions.pruning.prune import Pruned
from transforms.versions.survey import read_survey

REASONS = {
    "current": "is current",
    "pinned": "is pinned",
    "tagged": "has a tag",
    "last": "is among the newest (--keep-last)",
    "days": "is young enough (--keep-days)",
    "run": "a run at work needs it",
    "grace": "somebody may be reading it (--grace)",
}
"""Why a version stays, in words."""

KINDS = {
    "versions": "version",
    "units": "unit",
    "indexes": "index",
    "unfinished": "unfinished remnant",
    "records": "run record",
}


def prune_output(options: PruneOptions) -> int:
    """Removes what nothing needs, or prints what would be removed."""
    made = {version.name: version.created for version in read_survey(options.output).versions}
    if options.dry_run:
        done = prune.plan(options.output, options.policy())
    else:
        done = prune.prune(options.output, options.policy())
    log.note("pruned", _sentence(done, options.dry_run), **_figures(done))
    if options.format == "json":
        print_json(_as_json(done, options.dry_run))
        return 0
    _print_versions(done, made, options.dry_run)
    print()
    for kind, noun in KINDS.items():
        if names := getattr(done.plan, kind):
            verb = "would be" if options.dry_run else "are" if len(names) > 1 else "is"
            print(f"{plural(len(names), noun)} {verb} removed")
    _print_bytes(done, options.dry_run)
    return 0


def _figures(done: Pruned) -> dict[str, Any]:
    removed = {f"removed_{kind}": len(getattr(done.plan, kind)) for kind in KINDS}
    return {**removed, "files": done.files, "freed_bytes": done.freed}


def _sentence(done: Pruned, dry_run: bool) -> str:
    verb = "would be" if dry_run else "are"
    return f"{plural(len(done.plan.versions), 'version')} {verb} removed."


def _as_json(done: Pruned, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "kept": done.plan.kept,
        **{f"removed_{kind}": sorted(getattr(done.plan, kind)) for kind in KINDS},
        "files": done.files,
        "freed_bytes": done.freed,
        "shared_bytes": done.shared,
        "freed_bytes_of_copies": done.copies,
        "running": len(done.contents.running),
    }


def _print_versions(done: Pruned, made: dict[str, str], dry_run: bool) -> None:
    removed = "would be removed" if dry_run else "removed"
    rows = [
        (name, moment(made.get(name, "")), _why(done, name) or removed)
        for name in sorted(made, key=lambda name: made[name], reverse=True)
    ]
    print_columns(("version", "made", "stays since it …"), rows)
    if number := len(done.contents.running):
        print(f"{plural(number, 'run')} at work: what they need stays")


def _why(done: Pruned, name: str) -> str:
    return ", ".join(REASONS[reason] for reason in done.plan.kept.get(name, ()))


def _print_bytes(done: Pruned, dry_run: bool) -> None:
    verb = "would be free" if dry_run else "are free"
    print(f"{plural(done.files, 'file')}: {size(done.freed)} ({done.freed:,} bytes) {verb}")
    if done.shared:
        print(f"{size(done.shared)} more stay, since what is kept is linked to them")
    if done.copies:
        print(f"{size(done.copies)} of this machine's copies of indexes are free")
    if dry_run:
        print("nothing was removed: the same command without --dry-run removes it")
