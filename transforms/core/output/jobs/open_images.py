"""The rows of releases of Open Images: what each unit writes, counts and measures."""

from collections import Counter

import numpy as np
import pyarrow as pa

from transforms.core.model.chunk import Chunk
from transforms.core.model.columns import term_codes
from transforms.core.model.units import Unit
from transforms.core.output.jobs import origins
from transforms.core.output.jobs.job import Further, Job
from transforms.core.output.statistics.open_images.classes import Classes
from transforms.core.output.statistics.open_images.label_images import LabelImages
from transforms.core.sources.annotations.releases import schemas
from transforms.core.sources.annotations.releases.said import AFFIRMED, BY_MACHINE, said_of

COUNTED = (
    "images",
    "machine_labels",
    "human_labels",
    "human_positives",
    "human_negatives",
    "boxes",
)
"""Kinds of rows of which official numbers are on record, by release and split."""


def release_tables(chunk: Chunk, unit: Unit) -> dict[str, pa.RecordBatch]:  # noqa: ARG001
    """Rows of each of `schemas.TABLES`, without what only statistics need."""
    return {
        name: chunk[name].select(schema.names)
        for name, schema in schemas.TABLES.items()
        if name in chunk
    }


def count_rows(chunk: Chunk) -> Further:
    """Rows by kind, release and split; a kind of which only a header was read counts 0."""
    counted: Counter = Counter()
    if "files" in chunk:
        for row in chunk["files"].to_pylist():
            kinds = _kinds_of(row["kind"], f"{row['shard']}/{row['member'] or ''}")
            counted.update({_key(row["release"], row["split"], kind): 0 for kind in kinds})
    for name in ("images", "boxes"):
        if name in chunk:
            counted.update(_by_split(chunk[name], name))
    if "labels" in chunk:
        labels = chunk["labels"]
        said = said_of(labels)
        for kind, which in (
            ("machine_labels", said == BY_MACHINE),
            ("human_labels", said != BY_MACHINE),
            ("human_positives", said == AFFIRMED),
            ("human_negatives", (said != BY_MACHINE) & (said != AFFIRMED)),
        ):
            counted.update(_by_split(labels.filter(pa.array(which)), kind))
    return {"rows_by_split": dict(sorted(counted.items()))}


def _kinds_of(kind: str, name: str) -> tuple[str, ...]:
    if kind != "labels":
        return (kind,) if kind in COUNTED else ()
    if schemas.MACHINE in name:
        return ("machine_labels",)
    return COUNTED[2:5] if "human" in name else ()


def _key(release: str | None, split: str | None, kind: str) -> str:
    return f"{release or ''}/{split or ''}/{kind}"


def _by_split(rows: pa.RecordBatch, kind: str) -> dict[str, int]:
    release_codes, releases = term_codes(rows["release"])
    split_codes, splits = term_codes(rows["split"])
    found, numbers = np.unique(release_codes * len(splits) + split_codes, return_counts=True)
    return {
        _key(releases[code // len(splits)], splits[code % len(splits)], kind): number
        for code, number in zip(found.tolist(), numbers.tolist(), strict=True)
    }


OPEN_IMAGES = Job(
    name="open-images",
    title="Open Images",
    tables=schemas.TABLES,
    meanings=schemas.MEANINGS,
    accounted=tuple(name for name in schemas.TABLES if name != "rejected"),
    statistics=(LabelImages, Classes),
    rows=release_tables,
    count=count_rows,
    origin=origins.OPEN_IMAGES,
)
"""The job; tables are written in the order of these."""
