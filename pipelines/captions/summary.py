"""What a run of captions prints: each collection beside the paper's figures."""

import sys
from collections.abc import Mapping

import msgspec
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from transforms import storage
from transforms.core.model import bad_lines, layout
from transforms.core.report.captions import views
from transforms.core.report.page import formats, rows
from transforms.core.sources.captions.schemas import CaptionsManifest

_SHOWN = ("counts", "checks", "not_compared", "bad_lines", "warnings", "narratives")
"""Entries of the manifest that the summary for programs has."""

_HEADINGS = ("", "captions", "paper", "images", "paper", "words", "paper")


def print_summary(manifest: CaptionsManifest, tables: Mapping[str, pa.Table], output: str) -> None:
    """Prints the summary of a version.

    Args:
      manifest: The version's manifest.
      tables: Its statistics tables (`Job.statistics_tables`).
      output: Where versions are written.
    """
    console = Console(file=sys.stdout, highlight=False)
    _, total = rows.reconciliation(manifest, views.PARTS)
    law = "holds" if total["holds"] else "does not hold"
    lost = f"{total['rejected']:,} rejected, {total['blank']:,} blank"
    console.print(
        f"{total['lines']:,} records read = {total['captions']:,} captions + {lost}: {law}.",
        soft_wrap=True,
    )
    for row in manifest.bad_lines[:5]:
        text = f"  {row.shard}, record {row.line:,}: {row.code}: {row.message}"
        console.print(text, soft_wrap=True, markup=False)
    console.print(_collections(manifest, tables))
    folder = storage.join(output, layout.version_folder(manifest.version))
    report = storage.join(folder, layout.REPORT)
    console.print(f"Report: {report}", soft_wrap=True, markup=False)


def _collections(manifest: CaptionsManifest, tables: Mapping[str, pa.Table]) -> Table:
    table = Table(box=None, padding=(0, 0, 0, 2), header_style="dim")
    for number, heading in enumerate(_HEADINGS):
        table.add_column(heading, justify="right" if number else "left", no_wrap=True)
    made = views.collections(tables["richness"], tables["noun_counts"], manifest.narratives)
    for row in made:
        name = f"{row.name}, {row.source}" if row.source else row.name
        figures = [(row.captions, 0), (row.images, 0), (row.words, 1)]
        cells = [
            formats.decimal(value, digits)
            for figure, digits in figures
            for value in (figure.own, figure.paper)
        ]
        table.add_row(name, *cells)
    return table


def summary_as_json(
    manifest: CaptionsManifest,
    tables: Mapping[str, pa.Table],
    status: str = "published",
    exit_code: int = 0,
) -> dict:
    """The same content for programs, with how the run ended: `published`, or `unchanged`."""
    shards, total = rows.reconciliation(manifest, views.PARTS)
    entries = {name: getattr(manifest, name) for name in _SHOWN}
    made = views.collections(tables["richness"], tables["noun_counts"], manifest.narratives)
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
        "collections": [_as_json(row) for row in made],
    }


def _as_json(row: views.CollectionRow) -> dict:
    figures = {"captions": row.captions, "images": row.images, "words": row.words}
    return {
        "collection": row.name,
        "source": row.source,
        **{name: _figure(figure) for name, figure in figures.items()},
        "means": {name: _figure(figure) for name, figure in row.means.items()},
        "captions_per_image": row.per_image,
    }


def _figure(figure: views.Compared) -> dict:
    return {**figure._asdict(), "difference": figure.difference}
