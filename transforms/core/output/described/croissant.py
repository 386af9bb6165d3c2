"""`croissant.json`: a version in Croissant, the metadata format of MLCommons.

Tables are record sets over sets of files; each file stands with its SHA-256. See
https://docs.mlcommons.org/croissant/docs/croissant-spec.html (1.0).
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from transforms.core.model.columns import SCHEMA_VERSION, ColumnDescription, describe_columns
from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import TableFile
from transforms.core.output.described.naming import parquet_tables, slug, told
from transforms.core.output.jobs.job import Job

_SPECIFICATION = "http://mlcommons.org/croissant/1.0"

_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}

_MEDIA_TYPES = {
    "parquet": "application/x-parquet",
    "avro": "application/avro",
    "tar": "application/x-tar",
    "jsonl": "application/jsonlines",
}
"""By the ending of files."""

_TYPES = (
    (pa.types.is_boolean, "sc:Boolean"),
    (pa.types.is_integer, "sc:Integer"),
    (pa.types.is_floating, "sc:Float"),
)
"""All other columns are texts."""


def croissant(manifest: Manifest, job: Job) -> dict[str, Any]:
    """What `croissant.json` of a version holds.

    Sets of files are those of a folder, so that loaders read one file at a time.

    Args:
      manifest: Of the version, with the files of all tables.
      job: The job that made it.
    """
    tables = parquet_tables(job)
    known = {
        "license": job.origin.licence_address,
        "citeAs": job.origin.citation,
        "url": job.origin.page,
    }
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": _SPECIFICATION,
        "name": slug(job, manifest.version),
        "description": f"{job.title}, version {manifest.version}. {job.origin.licence_note}",
        **{key: value for key, value in known.items() if value},
        "datePublished": manifest.created,
        "version": f"{SCHEMA_VERSION}.0.0",
        "identifier": manifest.version,
        # Units of older programs have no SHA-256, which else every file must have.
        "isLiveDataset": not all(file.sha256 for file in manifest.files),
        "distribution": [*map(_file, manifest.files), *map(_file_set, tables)],
        "recordSet": [
            _record_set(name, schema, job.all_meanings[name]) for name, schema in tables.items()
        ],
    }


def _file(file: TableFile) -> dict[str, Any]:
    described = {
        "@type": "cr:FileObject",
        "@id": file.path,
        "name": file.path.rpartition("/")[2],
        "contentUrl": file.path,
        "contentSize": f"{file.bytes} B",
        "encodingFormat": _MEDIA_TYPES[file.path.rpartition(".")[2]],
    }
    return described | ({"sha256": file.sha256} if file.sha256 else {})


def _file_set(table: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"{table}-files",
        "name": f"{table}-files",
        "encodingFormat": _MEDIA_TYPES["parquet"],
        "includes": f"{table}/*.parquet",
    }


def _record_set(table: str, schema: pa.Schema, meaning: str) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": table,
        "name": table,
        "description": f"A row is {meaning}",
        "field": list(_fields(table, schema)),
    }


def _fields(table: str, schema: pa.Schema) -> Iterator[dict[str, Any]]:
    """A table's columns; a struct, or a list of structs, has its parts as fields below it."""
    described = describe_columns(schema)
    for column in described:
        if column.path != column.field.name:
            continue
        parts = [
            _field(table, part, {"transform": {"jsonPath": part.field.name}})
            for part in described
            if part.path.startswith((f"{column.path}.", f"{column.path}[]."))
        ]
        field = _field(table, column, {})
        if parts:
            del field["source"], field["dataType"]
            field["subField"] = parts
        yield field


def _field(table: str, column: ColumnDescription, more: dict[str, Any]) -> dict[str, Any]:
    name = column.path.replace("[]", "").replace(".", "/")
    is_list = pa.types.is_list(column.field.type)
    return {
        "@type": "cr:Field",
        "@id": f"{table}/{name}",
        "name": name,
        "description": told(column),
        "dataType": _type_of(column.field.type),
        **({"repeated": True} if is_list else {}),
        "source": {
            "fileSet": {"@id": f"{table}-files"},
            "extract": {"column": name.partition("/")[0]},
            **more,
        },
    }


def _type_of(type_: pa.DataType) -> str:
    if pa.types.is_list(type_):
        type_ = type_.value_type
    return next((name for is_it, name in _TYPES if is_it(type_)), "sc:Text")
