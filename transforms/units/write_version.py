"""Filling a version's folder: the units' files, tables of all units, report, card and manifest."""

import itertools

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from transforms import storage
from transforms.core.base.errors import telling_room
from transforms.core.model import layout
from transforms.core.model.manifest import Manifest, encode_manifest
from transforms.core.model.manifest_entries import TableFile
from transforms.core.model.narratives.schemas import MENTIONS, UNIT_TABLES
from transforms.core.output.tables import write_table
from transforms.core.output.version import Summary, describe_page, version_files

EXAMPLES = 500
"""Narratives among which the report's example is chosen."""


def write_version(folder: str, manifest: Manifest, summary: Summary, output: str) -> None:
    """Fills a version's folder; its manifest comes last.

    Args:
      folder: The folder.
      manifest: The manifest, with the files of the units; the others are added.
      summary: The units.
      output: The output folder, in which the units' files are.
    """
    from transforms.core.report import render_report
    from transforms.core.report.card import render_card
    from transforms.core.report.views import generated_splits

    storage.copy_files(
        (storage.join(output, place), storage.join(folder, file.path))
        for place, file in version_files(summary.in_order()).items()
    )
    tables = summary.statistics.to_tables()
    made = [
        _write_table(folder, name, table)
        for name, table in (_empty_tables(manifest) | tables).items()
    ]
    manifest = msgspec.structs.replace(manifest, files=[*manifest.files, *made])
    pages = {
        layout.CARD: render_card(
            manifest.version, manifest.files, tables["richness"], generated_splits(manifest)
        ).encode(),
        layout.REPORT: render_report(manifest, tables, *_example(manifest, folder)).encode(),
    }
    described = [describe_page(name, data) for name, data in pages.items()]
    manifest = msgspec.structs.replace(manifest, pages=described)
    pages[layout.MANIFEST] = encode_manifest(manifest)
    for name, data in pages.items():
        storage.write_bytes(storage.join(folder, name), data)


def _write_table(folder: str, name: str, table: pa.Table) -> TableFile:
    """Writes a table that is made of all units; gives its entry in the manifest."""
    path = f"{name}/{layout.file_name(name, name)}"
    place = storage.join(folder, path)
    with storage.new_file(place) as local, telling_room(place, table.nbytes or None):
        entry = write_table(name, table, local, path)
    return TableFile(**msgspec.structs.asdict(entry))


def _empty_tables(manifest: Manifest) -> dict[str, pa.Table]:
    """Tables that no unit has rows of: each is one empty file."""
    filled = {file.table for file in manifest.files}
    return {
        name: schema.empty_table() for name, schema in UNIT_TABLES.items() if name not in filled
    }


def _example(manifest: Manifest, folder: str) -> tuple[dict | None, list[dict]]:
    """A narrative for the report to draw, with its mentions.

    It is one of the first of the unit with the most mentions.
    """
    from transforms.core.report import choose_example

    files = {file.path: file.rows for file in manifest.files}
    units = [path for path in files if path.startswith("narratives/")]
    narratives = max(units, key=lambda path: files.get(_mentions_of(path), 0))
    mentions = _mentions_of(narratives)
    return choose_example(
        _read_rows(narratives, folder, EXAMPLES),
        _read_rows(mentions, folder, files[mentions])
        if files.get(mentions)
        else MENTIONS.empty_table(),
    )


def _mentions_of(path: str) -> str:
    return path.replace("narratives", "mentions")


def _read_rows(path: str, folder: str, rows: int) -> pa.Table:
    """The first rows of a Parquet file."""
    data = pa.BufferReader(storage.read_bytes(storage.join(folder, path)))
    file = pq.ParquetFile(data)
    batches = itertools.islice(file.iter_batches(batch_size=rows, use_threads=False), 1)
    return pa.Table.from_batches(batches, file.schema_arrow)
