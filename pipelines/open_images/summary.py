"""What a run prints: rows by table, official numbers beside those read, and where it all is."""

import json
import sys

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.open_images.options import OpenImagesOptions
from transforms import storage
from transforms.core.base.errors import shown
from transforms.core.model import bad_lines, layout
from transforms.core.model.manifest_entries import rows_by_table
from transforms.core.model.open_images.manifest import OpenImagesManifest
from transforms.core.output.checks.expected import describe, is_met
from transforms.core.report.page import rows
from transforms.core.report.page.formats import integer, plural

SHOWN_ENTRIES = ("expected", "counts", "bad_lines", "warnings", "narratives", "shards")
"""Entries of the manifest that the summary for programs has."""


def print_summary(
    manifest: OpenImagesManifest,
    options: OpenImagesOptions,
    status: str = "published",
    exit_code: int = 0,
) -> None:
    """Prints the summary of a version, as text or as JSON.

    Args:
      manifest: The version's manifest.
      options: The job's options.
      status: How the run ended: `published`, or `unchanged`.
      exit_code: And with which code.
    """
    if options.summary == "json":
        print(json.dumps(summary_as_json(manifest, status, exit_code), indent=1))
        return
    console = Console(file=sys.stdout, highlight=False)
    read = sum(row.bytes for row in manifest.shards)
    _heading(console, f"Version {manifest.version}")
    _line(
        console,
        f"  Read {plural(len(manifest.shards), 'file')}: {plural(manifest.counts.lines, 'line')}, "
        f"{plural(read, 'byte')}.",
    )
    _print_tables(console, manifest)
    _print_official(console, manifest)
    _print_bad_lines(console, manifest)
    folder = storage.join(options.output, layout.version_folder(manifest.version))
    _heading(console, "Output")
    for name in ("", layout.MANIFEST, layout.REPORT):
        _line(console, f"  {storage.join(folder, name)}")


def summary_as_json(manifest: OpenImagesManifest, status: str, exit_code: int) -> dict:
    """The same content for programs, with how the run ended."""
    entries = {name: getattr(manifest, name) for name in SHOWN_ENTRIES}
    return {
        "version": manifest.version,
        "created": manifest.created,
        "status": status,
        "exit_code": exit_code,
        "retryable": False,
        "rows": rows_by_table(manifest.files),
        "rejected_files": [file.path for file in manifest.files if file.table == bad_lines.TABLE],
        **msgspec.to_builtins(entries),
    }


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, style="bold"))


def _line(console: Console, text: str, style: str = "") -> None:
    console.print(Text(text, style=style), soft_wrap=True)


def _print_tables(console: Console, manifest: OpenImagesManifest) -> None:
    counts = manifest.counts
    _heading(console, "Every line accounted for")
    table = Table(box=None, padding=(0, 0, 0, 2), show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, number in {**counts.rows, "blank": counts.blank}.items():
        if number:
            table.add_row(name, integer(number))
    table.add_row("lines", integer(counts.lines), style="bold")
    console.print(table)


def _print_official(console: Console, manifest: OpenImagesManifest) -> None:
    if manifest.expected:
        _heading(console, "Official numbers")
    for row in manifest.expected:
        _line(console, f"  {row.group}: {describe(row)}", "" if is_met(row) else "yellow")


def _print_bad_lines(console: Console, manifest: OpenImagesManifest) -> None:
    found, more = rows.bad_lines(manifest, 20)
    if found:
        _heading(console, f"Rejected: {plural(manifest.counts.bad, 'line')}")
    for bad in found:
        _line(console, f"  {shown(bad.shard)}:{bad.line} {bad.code} {shown(bad.message)}", "yellow")
    if more > 0:
        _line(console, f"  … and {integer(more)} more; the table `rejected` has all")
