"""`list` and `show`: what versions there are, and what one of them is."""

from collections import defaultdict
from typing import Any

from pipelines.cli.options import with_flags
from pipelines.versions.options import OutputOptions, VersionOptions
from pipelines.versions.printing import moment, print_columns, print_json, size
from transforms.core.base.errors import MESSAGE_CHARACTERS, shown
from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import rows_by_table
from transforms.core.output.checks.verdict import explain_failures
from transforms.core.output.checks.wording import is_broken
from transforms.core.report.page.formats import integer, plural, split_name
from transforms.versions.survey import HELD, Survey, VersionInfo, read_survey

HEADS = ("version", "state", "made", "narratives", "inputs", "size", "code", "tags")


def list_versions(options: OutputOptions) -> int:
    """Prints all versions, the newest first."""
    survey = read_survey(options.output)
    if options.format == "json":
        print_json(
            {
                "output": options.output,
                "current": survey.current,
                "pinned": survey.pinned,
                "tags": survey.tags,
                "versions": [_as_json(version) for version in survey.versions],
            }
        )
        return 0
    _print_head(survey)
    if survey.versions:
        print()
        print_columns(HEADS, map(_row, survey.versions), right="narratives inputs size")
    for version in survey.versions:
        if version.why:
            why = shown(with_flags(version.why), MESSAGE_CHARACTERS)
            print(f"\n{version.state} {version.name}: {why}")
    return 0


def _print_head(survey: Survey) -> None:
    current = f"current {shown(survey.current)}" if survey.current else "none is current"
    print(f"{survey.output}: {plural(len(survey.versions), 'version')}, {current}")
    names = [version.name for version in survey.versions]
    if survey.current and survey.current not in names:
        print("The current version is missing: `rollback ID` makes another one current.")
    if survey.pinned and survey.pinned != survey.current:
        print(
            f"Pinned to {shown(survey.pinned)}, which is not current: `rollback` was interrupted; "
            f"`rollback {shown(survey.pinned)}` ends it, `unpin` undoes it."
        )
    elif survey.pinned:
        print("It is pinned: runs do not publish until `unpin`.")


def _row(version: VersionInfo) -> tuple:
    manifest = version.manifest
    tags = ", ".join(version.tags)
    if manifest is None:
        return version.name, version.state, "–", "–", "–", "–", "–", tags
    return (
        version.name,
        version.state,
        moment(version.created),
        integer(rows_by_table(manifest.files).get("narratives", 0)),
        len(manifest.inputs),
        size(version.bytes),
        manifest.code[:8],
        tags,
    )


def _as_json(version: VersionInfo) -> dict[str, Any]:
    manifest = version.manifest
    head = {"version": version.name, "state": version.state, "tags": version.tags}
    if manifest is None:
        return head | {"why": with_flags(version.why)}
    return head | {
        "why": with_flags(version.why),
        "created": manifest.created,
        "previous": manifest.previous,
        "narratives": rows_by_table(manifest.files).get("narratives", 0),
        "rows": rows_by_table(manifest.files),
        "bytes": version.bytes,
        "inputs": [row.shard for row in manifest.inputs],
        "code": manifest.code,
    }


def show_version(options: VersionOptions) -> int:
    """Prints one version: what made it and what it holds."""
    survey = read_survey(options.output)
    version = survey.find(options.id)
    if options.format == "json":
        print_json(_as_json(version) | {"manifest": version.manifest})
        return 0
    facts = {"version": version.name, "state": version.state + _pinned(survey, version)}
    facts |= {"tags": ", ".join(version.tags) or "none"}
    if version.why:
        facts["held" if version.state == HELD else "why"] = version.why
    if version.manifest:
        facts |= _facts(version, version.manifest)
    for name, text in facts.items():
        print(f"{name:<14}{shown(with_flags(text), MESSAGE_CHARACTERS)}")
    if version.manifest:
        _print_tables(version.manifest)
    return 0


def _pinned(survey: Survey, version: VersionInfo) -> str:
    return ", pinned" if survey.pinned == version.name else ""


def _facts(version: VersionInfo, manifest: Manifest) -> dict[str, str]:
    rows = rows_by_table(manifest.files)
    packages = ", ".join(f"{name} {number}" for name, number in manifest.packages.items())
    given = {name: value for name, value in manifest.configuration.items() if value not in _NOTHING}
    broken = [row for row in manifest.checks if is_broken(row)]
    passed = f"passed, {plural(len(broken), 'warning')}" if broken else "all passed"
    checks = explain_failures(manifest.checks) or passed
    return {
        "made": moment(manifest.created),
        "after": manifest.previous or "–",
        "holds": f"{plural(rows.get('narratives', 0), 'narrative')}, "
        f"{integer(rows.get('mentions', 0))} mentions, {integer(rows.get('discarded', 0))} "
        f"discarded, {integer(manifest.counts.bad)} rejected lines",
        "size": f"{size(version.bytes)} in {plural(len(manifest.listed), 'file')}, "
        f"{plural(len(manifest.units), 'unit')}",
        "checks": checks,
        "code": manifest.code,
        "packages": packages,
        "options": ", ".join(f"{name}={value}" for name, value in given.items()),
    }


_NOTHING: tuple = (None, [], {}, "", False)


def _print_tables(manifest: Manifest) -> None:
    bytes_of: dict[str, int] = defaultdict(int)
    for file in manifest.files:
        bytes_of[file.table] += file.bytes
    print()
    rows = [(name, integer(number), size(bytes_of[name])) for name, number in
            rows_by_table(manifest.files).items()]  # fmt: skip
    print_columns(("table", "rows", "size"), rows, right="rows size")
    print()
    inputs = [
        (row.path, split_name(row.dataset, row.split), size(row.size), row.fingerprint)
        for row in manifest.inputs
    ]
    print_columns(("input", "dataset and split", "size", "fingerprint"), inputs, right="size")
