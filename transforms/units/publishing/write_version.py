"""Filling a version's folder: the units' files, tables of all units, report, card and manifest."""

import functools
import itertools
from collections.abc import Mapping

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from transforms import storage
from transforms.core.base.errors import telling_room
from transforms.core.model import layout
from transforms.core.model.manifest import Manifest, encode_manifest
from transforms.core.model.manifest_entries import TableFile
from transforms.core.output.described.describe import describe_version
from transforms.core.output.tables import declare, ending_of, write_table
from transforms.core.output.version import Summary, describe_page, version_files
from transforms.units.publishing.aside import read_aside
from transforms.units.publishing.index_tables import merge_places
from transforms.units.publishing.publication import Publication


def write_version(
    folder: str, manifest: Manifest, summary: Summary, output: str, publication: Publication
) -> None:
    """Fills a version's folder; its manifest comes last.

    Args:
      folder: The folder.
      manifest: The manifest, with the files of the units; the others are added.
      summary: The units.
      output: The output folder, in which the units' files are.
      publication: What the pages are.
    """
    storage.copy_files(
        (storage.join(output, place), storage.join(folder, file.path))
        for place, file in version_files(summary.in_order()).items()
    )
    summary.statistics.gather(functools.partial(read_aside, summary.in_order(), output))
    tables = summary.statistics.to_tables()
    job = publication.job
    indexes = merge_places(job.indexes, summary.in_order())
    made = [
        _write_table(folder, name, declare(table, job.declared(name)))
        for name, table in (_empty_tables(manifest, job.tables) | tables | indexes).items()
    ]
    manifest = msgspec.structs.replace(manifest, files=[*manifest.files, *made])
    rendered = publication.pages(manifest, tables, functools.partial(_read_rows, folder))
    rendered = {**rendered, **describe_version(manifest, job)}
    pages = {name: text.encode() for name, text in rendered.items()}
    described = [describe_page(name, data) for name, data in pages.items()]
    manifest = msgspec.structs.replace(manifest, pages=described)
    pages[layout.MANIFEST] = encode_manifest(manifest)
    for name, data in pages.items():
        storage.write_bytes(storage.join(folder, name), data)


def _write_table(folder: str, name: str, table: pa.Table) -> TableFile:
    """Writes a table that is made of all units; returns its entry in the manifest."""
    path = f"{name}/{name}.{ending_of(table.schema)}"
    place = storage.join(folder, path)
    with storage.new_file(place) as local, telling_room(place, table.nbytes or None):
        entry = write_table(name, table, local, path)
    return TableFile(**msgspec.structs.asdict(entry))


def _empty_tables(manifest: Manifest, schemas: Mapping[str, pa.Schema]) -> dict[str, pa.Table]:
    """Tables that no unit has rows of: each is one empty file."""
    filled = {file.table for file in manifest.files}
    return {name: schema.empty_table() for name, schema in schemas.items() if name not in filled}


def _read_rows(folder: str, path: str, rows: int) -> pa.Table:
    """The first rows of a Parquet file."""
    data = pa.BufferReader(storage.read_bytes(storage.join(folder, path)))
    file = pq.ParquetFile(data)
    batches = itertools.islice(file.iter_batches(batch_size=rows, use_threads=False), 1)
    return pa.Table.from_batches(batches, file.schema_arrow)
