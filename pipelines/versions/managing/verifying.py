"""`verify`: whether versions are what their manifests say, and repairing them."""

import dataclasses
import sys
from collections.abc import Mapping
from typing import Any

import msgspec

from pipelines.cli import log
from pipelines.cli.progress.counting import Tally
from pipelines.cli.progress.showing import show_bytes
from pipelines.versions.options import VerifyOptions
from pipelines.versions.printing import print_json, size
from transforms.core.base.errors import shown
from transforms.core.report.page.formats import plural
from transforms.versions.survey import read_survey
from transforms.versions.verify import Repaired, Verified, repair_version, verify_version

CORRUPT = 3
"""The exit code where something is not what a manifest says."""

_SHOWN = 20


def verify(options: VerifyOptions) -> int:
    """Compares versions with their manifests; returns the exit code."""
    survey = read_survey(options.output)
    versions = [survey.find(options.id)] if options.id else list(survey.versions)
    found: list[dict[str, Any]] = []
    pointers = {} if options.id else survey.dangling()
    wrong = bool(pointers)
    for version in versions:
        with show_bytes(f"Reading {version.name}", tally := Tally(version.bytes)):
            verified = verify_version(survey, version, tally.add)
        repaired = None
        if verified.problems and options.repair:
            repaired = repair_version(survey, version)
        wrong |= bool(repaired.left if repaired else verified.problems)
        found.append(_as_json(verified, repaired))
        _note(verified, repaired)
        if options.format == "text":
            _print(verified, repaired)
    if options.format == "json":
        print_json({"output": options.output, "intact": not wrong, "versions": found,
                    "pointers": pointers})  # fmt: skip
    else:
        _print_pointers(pointers)
    sys.stdout.flush()
    if wrong:
        log.ending("corrupt", "Files are not what the manifests say.")
    return CORRUPT if wrong else 0


def _note(verified: Verified, repaired: Repaired | None) -> None:
    """The same as events."""
    own, number = {"version": verified.version}, len(verified.problems)
    figures = {"files": verified.files, "bytes": verified.bytes, "files_corrupt": number}
    level: log.Level = "error" if number else "info"
    said = f"{plural(number, 'file')} not as recorded" if number else "intact"
    log.note("version_verified", f"{verified.version}: {said}.", level, **own, **figures)
    for problem in verified.problems[:_SHOWN]:
        said = f"{problem.what}: {shown(problem.path, 400)}"
        log.note("file_corrupt", said, "error", **own, what=problem.what, path=problem.path)
    if repaired:
        level = "error" if repaired.left else "info"
        left = plural(len(repaired.left), "file")
        said = f"{verified.version}: {left} could not be repaired."
        restored = {"files_restored": len(repaired.restored), "files_left": len(repaired.left)}
        log.note("version_repaired", said, level, **own, **restored)


def _as_json(verified: Verified, repaired: Repaired | None) -> dict[str, Any]:
    made = msgspec.to_builtins(verified)
    return made | {"repaired": repaired and dataclasses.asdict(repaired)}


def _print(verified: Verified, repaired: Repaired | None) -> None:
    compared = f"{plural(verified.files, 'file')}, {size(verified.bytes)}"
    if not verified.problems:
        print(f"{verified.version}: intact ({compared})")
    else:
        number = len(verified.problems)
        print(f"{verified.version}: {plural(number, 'file')} of {compared}, not as recorded:")
    for problem in verified.problems[:_SHOWN]:
        print(f"  {problem.what:<15} {shown(problem.path, 400)}")
    if len(verified.problems) > _SHOWN:
        print(f"  … and {len(verified.problems) - _SHOWN:,} more; --format json lists all")
    if verified.unlisted:
        print(f"  {plural(len(verified.unlisted), 'file')} that no manifest lists, the first "
              f"{shown(verified.unlisted[0])}")  # fmt: skip
    for path in verified.skipped:
        print(f"  the index {shown(path)} is not there any more; no reader of the version needs it")
    if repaired:
        _print_repair(repaired)
    elif verified.problems:
        print("  --repair rebuilds what units, or other versions, still have")


def _print_pointers(pointers: Mapping[str, str]) -> None:
    for path, what in pointers.items():
        print(f"{shown(path)} {what}")


def _print_repair(repaired: Repaired) -> None:
    if repaired.restored:
        print(f"  {plural(len(repaired.restored), 'file')} restored from another copy")
    if repaired.rebuilt:
        print("  made again of its units")
    if repaired.removed:
        print(
            f"  {plural(len(repaired.removed), 'unit')} had the same faults and are removed: the "
            "command that made the version does them, and then the version, again"
        )
    if not repaired.left:
        print("  repaired")
        return
    print(f"  {plural(len(repaired.left), 'file')} could not be repaired")
    if not repaired.removed:
        print("  the command that made the version makes it again, from the same input")
