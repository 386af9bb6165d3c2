"""Narratives beside which captions are shown: what a version of the main job says of them."""

import pyarrow as pa
import pyarrow.parquet as pq

from transforms import storage
from transforms.core.base.errors import UsageError, option
from transforms.core.model import layout
from transforms.core.model.manifest import Manifest
from transforms.core.output.jobs.narratives import NARRATIVES
from transforms.core.report.paper import MEAN_COLUMNS
from transforms.core.sources.captions.schemas import ComparedNarratives, NounCountRow
from transforms.units.publishing.pin import current_version
from transforms.units.publishing.read_version import read_listed, read_manifest


def read_compared(folder: str) -> ComparedNarratives:
    """What is shown of a version of narratives.

    Args:
      folder: The version's folder, or the output folder whose current version it is.

    Raises:
      UsageError: It is neither, or was made without a tagger.
    """
    version = _version_folder(folder)
    manifest: Manifest = read_manifest(version)
    if manifest.job != NARRATIVES.name:
        raise UsageError(
            f"{version!r} is a version of the job `{manifest.job}`, not of narratives: give "
            f"{option('narratives')} one that the main job has made"
        )
    richness = _read_table(version, manifest, "richness").to_pylist()
    nouns = _read_table(version, manifest, "noun_counts").to_pylist()
    if not nouns:
        raise UsageError(
            f"{version!r} has no counts of nouns, since it was made without a tagger: run the main "
            f"job with {option('tagger')}, or leave {option('narratives')} out"
        )
    counts: dict[int, int] = {}
    for row in nouns:
        counts[row["nouns"]] = counts.get(row["nouns"], 0) + row["captions"]
    return ComparedNarratives(
        version=manifest.version,
        captions=sum(row["captions"] for row in richness),
        images=sum(row["images"] for row in richness),
        sums={
            name: round(sum(row[f"{name}_sum"] or 0 for row in richness)) for name in MEAN_COLUMNS
        },
        counted=sum(counts.values()),
        nouns=[NounCountRow(*pair) for pair in sorted(counts.items())],
    )


def _version_folder(folder: str) -> str:
    if storage.exists(storage.join(folder, layout.MANIFEST)):
        return folder.rstrip("/")
    version = current_version(folder)
    if version is None or not layout.is_version(version):
        raise UsageError(
            f"{folder!r} is neither a version's folder nor an output folder with a current "
            f"version: give {option('narratives')} one of these"
        )
    return storage.join(folder, layout.version_folder(version))


def _read_table(folder: str, manifest: Manifest, table: str) -> pa.Table:
    files = [file for file in manifest.files if file.table == table]
    read = [pa.BufferReader(read_listed(folder, file)) for file in files]
    return pa.concat_tables(
        pq.read_table(data, use_threads=False, pre_buffer=False) for data in read
    )
