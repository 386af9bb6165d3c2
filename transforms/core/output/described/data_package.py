"""`datapackage.json`: a version's files as a Data Package of Frictionless Data.

Files are resources of the type `file`, whose size and SHA-256 `frictionless validate` compares.
They are not declared as tables: its reader of Parquet takes neither lists nor nulls in columns of
integers.
"""

from typing import Any

from transforms.core.model.columns import SCHEMA_VERSION
from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import TableFile
from transforms.core.output.described.naming import slug
from transforms.core.output.jobs.job import Job

_MEDIA_TYPES = {
    "parquet": "application/vnd.apache.parquet",
    "avro": "application/avro",
    "tar": "application/x-tar",
    "jsonl": "application/jsonl",
}
"""By the ending of files."""


def data_package(manifest: Manifest, job: Job) -> dict[str, Any]:
    """What `datapackage.json` of a version holds.

    Args:
      manifest: Of the version, with the files of all tables.
      job: The job that made it.
    """
    origin = job.origin
    licences = [{"name": origin.licence, "path": origin.licence_address}]
    sources = [{"title": job.title, "path": origin.page}]
    return {
        "name": slug(job, manifest.version),
        "title": f"{job.title}, version {manifest.version}",
        "description": origin.licence_note,
        "version": f"{SCHEMA_VERSION}.0.0",
        "id": manifest.version,
        "created": manifest.created,
        **({"licenses": licences} if origin.licence else {}),
        **({"sources": sources} if origin.page else {}),
        **({"citation": origin.citation} if origin.citation else {}),
        "resources": [_resource(file, job) for file in manifest.files],
    }


def _resource(file: TableFile, job: Job) -> dict[str, Any]:
    name, _, ending = file.path.rpartition("/")[2].rpartition(".")
    described = {
        "name": name.replace("_", "-"),
        "type": "file",
        "path": file.path,
        "description": f"{file.rows:,} rows; a row is {job.all_meanings[file.table]}",
        "format": ending,
        "mediatype": _MEDIA_TYPES[ending],
        "bytes": file.bytes,
    }
    return described | ({"hash": f"sha256:{file.sha256}"} if file.sha256 else {})
