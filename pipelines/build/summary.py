"""What a run prints: what was read, kept and lost, and the figures beside the paper's."""

import sys
import textwrap
from collections.abc import Mapping

import msgspec
import pyarrow as pa
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.cli.options import with_flags
from transforms import storage
from transforms.core.base.errors import job
from transforms.core.base.errors import shown as printable
from transforms.core.model import bad_lines, layout
from transforms.core.model.narratives.manifest import BuildManifest
from transforms.core.output.checks.wording import describe_rule
from transforms.core.report import paper
from transforms.core.report.narratives import views
from transforms.core.report.page import rows
from transforms.core.report.page.formats import (
    NOTHING,
    decimal,
    integer,
    percent,
    phrase,
    plural,
    split_name,
)

BAD_LINES_SHOWN = 20
SHARDS_SHOWN = 30
KEYS_SHOWN = 5
REPAIRED_SHOWN = 10
NAME_CHARACTERS = 400
TIED = "\x1f"
"""A space at which a line is not broken."""

WORD_COLUMNS = {
    "words": "words",
    "nouns": "nouns",
    "pronouns": "pron.",
    "adjectives": "adj.",
    "adpositions": "adp.",
    "verbs": "verbs",
}
"""Columns of the richness table that the paper has too, and headings that fit 80 columns."""

SHOWN_ENTRIES = (
    "sample",
    "limit",
    "expected",
    "checks",
    "not_compared",
    "splits",
    "counts",
    "threshold",
    "bad_lines",
    "repeated_keys",
    "warnings",
)
"""Entries of the manifest that the summary for programs has."""


def print_summary(
    manifest: BuildManifest,
    tables: Mapping[str, pa.Table],
    output: str,
    console: Console | None = None,
) -> None:
    """Prints the summary of a version.

    Args:
      manifest: The version's manifest.
      tables: Its statistics tables (`Job.statistics_tables`).
      output: Where versions are written.
      console: Where to print; standard output by default.
    """
    console = console or Console(file=sys.stdout, highlight=False)
    _print_inputs(console, manifest)
    _print_reconciliation(console, manifest)
    _print_published_counts(console, manifest)
    _print_checks(console, manifest)
    _print_losses(console, manifest, output)
    _print_richness(console, manifest, tables["richness"])
    _print_localization(console, manifest, tables["localization"])
    _print_places(console, manifest, output)


def summary_as_json(
    manifest: BuildManifest,
    tables: Mapping[str, pa.Table],
    status: str = "published",
    exit_code: int = 0,
) -> dict:
    """The same content for programs, with how the run ended: `published`, or `unchanged`."""
    shards, total = views.reconciliation(manifest)
    localization = views.localization_by_split(tables["localization"])
    entries = {name: getattr(manifest, name) for name in SHOWN_ENTRIES}
    return {
        "version": manifest.version,
        "created": manifest.created,
        "conservation": {"shards": shards, "total": total},
        "status": status,
        "exit_code": exit_code,
        "retryable": False,
        "rejected_files": [file.path for file in manifest.files if file.table == bad_lines.TABLE],
        **msgspec.to_builtins(entries),
        "richness": tables["richness"].to_pylist(),
        "localization": {
            "splits": localization,
            "total": views.localization_total(localization),
        },
    }


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, style="bold"))


def _line(console: Console, text: str, style: str = "", hang: int = 0) -> None:
    """One line of text; what is too long goes on below, `hang` deeper, paths uncut."""
    indent = " " * (len(text) - len(text.lstrip()))
    wrapped = textwrap.wrap(
        text.strip(),
        max(console.width, 40),
        initial_indent=indent,
        subsequent_indent=indent + " " * hang,
        break_long_words=False,
        break_on_hyphens=False,
    )
    for part in wrapped:
        console.print(Text(part.replace(TIED, " "), style=style), soft_wrap=True)


def _table(**columns: str) -> Table:
    """A table without a frame: two spaces from the left, the first column text."""
    table = Table(box=None, padding=(0, 0, 0, 2), header_style="dim", show_edge=True)
    for number, heading in enumerate(columns.values()):
        table.add_column(heading, justify="right" if number else "left", no_wrap=number > 0)
    return table


def _named(dataset: str | None, split: str | None, manifest: BuildManifest) -> str:
    name = _plainly(dataset, split)
    is_generated = (dataset, split) in views.generated_splits(manifest)
    return f"{name} (not real)" if is_generated else name


def _plainly(dataset: str | None, split: str | None) -> str:
    return split_name(dataset, split).replace(" · ", " ")


def _print_inputs(console: Console, manifest: BuildManifest) -> None:
    counts, shards = manifest.counts, manifest.shards
    read = sum(row.bytes for row in shards)
    _heading(console, f"Version {manifest.version}")
    _line(
        console,
        f"  Read {plural(len(shards), 'shard')}: {plural(counts.lines, 'line')}, "
        f"{plural(read, 'byte')}.",
    )
    if selection := views.selection(manifest):
        _line(console, f"  {selection}", "yellow", hang=2)
    if generated := views.generated_splits(manifest):
        named = ", ".join(
            f"{integer(number)} of {_plainly(*split)}" for split, number in generated.items()
        )
        _line(
            console,
            f"  Contains generated narratives ({named}): not spoken by people.",
            "yellow",
        )


def _print_reconciliation(console: Console, manifest: BuildManifest) -> None:
    shards, total = views.reconciliation(manifest)
    parts = views.parts_of(manifest)
    titles = [phrase(name) for name in parts]
    _heading(console, f"Lines = {' + '.join(titles)}")
    names = ("lines", *parts, "bytes")
    widths = (10, 11, 10, 9, 6, 10, 15) if manifest.sample else (11, 12, 11, 10, 7, 16)
    headings = zip(("lines", *titles, "bytes"), widths, strict=True)
    heading = "".join(f"{name:>{width}}" for name, width in headings)
    console.print(Text(heading, style="dim"), soft_wrap=True)
    shown = [row for row in shards if not row["holds"]]
    shown += [row for row in shards if row["holds"]][: max(SHARDS_SHOWN - len(shown), 0)]
    for row in sorted(shown, key=shards.index):
        _print_shard(console, row, manifest)
        _print_counts(console, row, names, widths)
    if more := len(shards) - len(shown):
        _line(console, f"  … and {plural(more, 'shard')} more, for which it holds")
    _line(console, f"  In all, {plural(len(shards), 'shard')}", "bold")
    _print_counts(console, total, names, widths)


def _print_shard(console: Console, row: Mapping, manifest: BuildManifest) -> None:
    """Its name and split, on two lines where one is too short: names are to be copied."""
    shard, split = f"  {printable(row['shard'], NAME_CHARACTERS)}", ""
    if row["dataset"] is not None:  # else each of its lines says its own
        split = f"({_named(row['dataset'], row['split'], manifest)})"
    fits = len(shard) + 1 + len(split) <= console.width
    console.print(
        Text(f"{shard} {split}".rstrip() if fits else f"{shard}\n    {split}"), soft_wrap=True
    )


def _print_counts(console: Console, row: Mapping, names: tuple, widths: tuple) -> None:
    numbers = zip(names, widths, strict=True)
    text = Text("".join(f"{row[name]:>{width},}" for name, width in numbers))
    text.append(f"  {_VERDICTS[row['verdict']]}", "green" if row["holds"] else "red")
    console.print(text, soft_wrap=True)


_VERDICTS = {rows.HOLDS: "holds", rows.PARTIAL: "PARTIAL", rows.FAILS: "FAILS"}


def _print_published_counts(console: Console, manifest: BuildManifest) -> None:
    """Catalogued splits: how many narratives were published and read."""
    published = views.published_counts(manifest)
    if published:
        _heading(console, "Narratives published and read")
    for row in published:
        style = "" if row["explained"] else "red"
        _line(console, f"  {row['group']}: {row['words']}", style, hang=2)


def _print_checks(console: Console, manifest: BuildManifest) -> None:
    """Each check with the split that is nearest to its limit, or furthest beyond it."""
    checks, rules = rows.checks_by_name(manifest), rows.rules_found(manifest)
    if checks or any(rules):
        _heading(console, "Checks before publishing")
    for row in checks:
        split = row["dataset"], row["split"]
        where = _named(*split, manifest) if any(split) else "in all"
        bound = "min" if row["option"].startswith("min_") else "max"
        text = (
            f"  {phrase(row['name']):<18}{percent(row['value']):>8} of {integer(row['total']):<7} "
            f"{bound} {percent(row['limit']):>7}  {where}"
        )
        _line(console, text, "" if row["passed"] else "red", hang=4)
        if not row["passed"]:
            option = f"--{row['option'].replace('_', '-')}"
            _line(console, f"    BEYOND the limit: {option} {row['limit']:g}", "red", hang=4)
    _print_rules(console, rules)


def _print_rules(console: Console, rules: rows.Rules) -> None:
    """Rules of the file of checks: those that are broken, and how many are kept."""
    for row in rules.broken:
        style = "red" if row.severity == "hold" else "yellow"
        text = with_flags(describe_rule(row))
        _line(console, f"  BEYOND the limit ({row.severity}): {text}", style, hang=4)
    if not any(rules):
        return
    skipped = sum(map(len, rules.not_compared.values()))
    text = f"  {plural(len(rules.kept), 'check')} of --checks kept, {skipped} not compared"
    reasons = "; ".join(f"{len(own)}: {reason}" for reason, own in rules.not_compared.items())
    _line(console, with_flags(f"{text}{f' ({reasons})' if reasons else ''}"), hang=4)


def _print_losses(console: Console, manifest: BuildManifest, output: str) -> None:
    counts = manifest.counts
    _heading(console, "Kept, discarded, rejected")
    _line(console, f"  kept       {integer(counts.narratives)}")
    _print_reasons(console, "flagged", None, counts.flags)
    _print_reasons(console, "discarded", counts.discarded_narratives, counts.discarded)
    _line(console, f"             {views.quality_rule(manifest)}")
    _print_reasons(console, "rejected", counts.bad, counts.rejected)
    _print_bad_lines(console, manifest, output)
    _print_repaired(console, manifest)
    _print_repeats(console, manifest)


def _print_repaired(console: Console, manifest: BuildManifest) -> None:
    """Lines that stand in a repaired form, by shard."""
    repaired = [row for row in manifest.shards if row.repaired]
    if not repaired:
        return
    _line(console, f"  repaired   {plural(manifest.counts.repaired, 'line')}")
    for row in repaired[:REPAIRED_SHOWN]:
        _line(console, f"    {printable(row.shard, NAME_CHARACTERS)} {integer(row.repaired)}")
    if more := len(repaired) - REPAIRED_SHOWN if len(repaired) > REPAIRED_SHOWN else 0:
        _line(console, f"    … and of {plural(more, 'shard')} more; the manifest lists all")


def _print_reasons(
    console: Console, name: str, number: int | None, reasons: Mapping[str, int]
) -> None:
    listed = ", ".join(
        f"{phrase(reason)} {integer(count)}".replace(" ", TIED)
        for reason, count in rows.by_number(reasons)
    )
    head = integer(number) if number is not None else "" if listed else "0"
    between = ": " if head and listed else ""
    _line(console, f"  {name:<11}{head}{between}{listed}", hang=11)


def _print_bad_lines(console: Console, manifest: BuildManifest, output: str) -> None:
    shown, more = rows.bad_lines(manifest, BAD_LINES_SHOWN)
    for row in shown:
        shard, message = printable(row.shard, NAME_CHARACTERS), printable(row.message, 500)
        text = f"    {shard}:{row.line} {row.code} {message}"
        _line(console, text, hang=2)
    if more > 0:
        _line(console, f"    … and {integer(more)} more in the table `rejected`")
    if shown:
        folder = storage.join(output, layout.version_folder(manifest.version), bad_lines.TABLE)
        console.print(Text(f"    all, with their bytes: {folder}"), soft_wrap=True)
        _line(console, with_flags(f"    {job('replay')} puts repaired ones into their places"))


def _print_repeats(console: Console, manifest: BuildManifest) -> None:
    repeated = manifest.repeated_keys
    if not repeated.narratives:
        return
    number = plural(repeated.narratives, "narrative")
    _line(console, f"  repeated   {number} share their key with another one; all are kept:")
    for row in repeated.first[:KEYS_SHOWN]:
        name = _named(row.dataset, row.split, manifest)
        _line(console, f"    {row.key} ({name}) {row.narratives} times")
    if more := repeated.keys - len(repeated.first[:KEYS_SHOWN]):
        _line(
            console,
            f"    … and {plural(more, 'key')} more; the manifest lists "
            f"{len(repeated.first)} of {integer(repeated.keys)}, under `repeated_keys`",
        )


def _print_richness(console: Console, manifest: BuildManifest, richness: pa.Table) -> None:
    _heading(console, "Richness: mean per caption")
    table = _table(split="", captions="captions", **WORD_COLUMNS)
    for row in richness.to_pylist():
        means = [decimal(row[f"{column}_mean"]) for column in WORD_COLUMNS]
        name = _named(row["dataset"], row["split"], manifest)
        table.add_row(name, integer(row["captions"]), *means)
    own = paper.LOCALIZED_NARRATIVES
    means = [decimal(own.means[column]) for column in WORD_COLUMNS]
    table.add_row("the paper, all", integer(own.collection.captions), *means, style="cyan")
    console.print(table)


def _print_localization(console: Console, manifest: BuildManifest, localization: pa.Table) -> None:
    _heading(console, "Localization: trace points of a mention inside its closest box")
    splits = views.localization_by_split(localization)
    table = _table(
        split="", mentions="mentions", boxed="with a box", points="points", inside="inside"
    )
    for row in splits:
        _add_localization(table, _named(row["dataset"], row["split"], manifest), row)
    if len(splits) != 1:
        _add_localization(table, "in all", views.localization_total(splits))
    console.print(table)
    counts = manifest.counts
    _line(
        console,
        f"  Mentions in images without any known box: {integer(counts.mentions_without_boxes)}."
        + "".join(
            f" Boxes {fault} left out: {integer(number)}."
            for name, fault in views.BOXES_LEFT_OUT.items()
            if (number := getattr(counts, name))
        ),
    )


def _add_localization(table: Table, name: str, row: Mapping) -> None:
    inside = percent(row["share_inside"]) if row["points"] else NOTHING
    table.add_row(
        name,
        integer(row["mentions"]),
        integer(row["boxed"]),
        integer(row["points"]),
        inside,
    )


def _print_places(console: Console, manifest: BuildManifest, output: str) -> None:
    folder = storage.join(output, layout.version_folder(manifest.version))
    console.print()
    for name, path in (
        ("Output", folder),
        ("Manifest", storage.join(folder, layout.MANIFEST)),
        ("Report", storage.join(folder, layout.REPORT)),
    ):
        console.print(Text(f"{name:<9}", style="bold") + Text(path), soft_wrap=True)
