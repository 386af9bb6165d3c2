"""Narratives of a version's files as dictionaries, with the mentions that belong to them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from transforms.core.model.manifest_entries import TableFile
from transforms.versions.exports.version import ExportedVersion, read_rows

TABLES = ("narratives", "mentions")
"""What exports of narratives read of a version."""

Mentions = Mapping[tuple, Sequence[Mapping[str, Any]]]
"""Mentions by the line of their narrative."""

_AXES = ("x", "y", "t")


def rows_of(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """Rows with the points of their traces as arrays; `boxes` is null where it was not read."""
    rows = batch.select([name for name in batch.schema.names if name != "trace"]).to_pylist()
    traces = batch["trace"] if "trace" in batch.schema.names else None
    for index, row in enumerate(rows):
        if traces is not None:
            points = {axis: traces.field(axis)[index].values for axis in _AXES}
            row["trace"] = {axis: [] if v is None else v.to_numpy() for axis, v in points.items()}
        yield {"boxes": None, **row}


def mentions_of(version: ExportedVersion, file: TableFile) -> Mentions:
    """Mentions of the narratives of a file.

    Mentions name the line of their narrative, whose id may repeat; in versions of older programs,
    the id alone.
    """
    found = defaultdict(list)
    if beside := version.beside(file, "mentions"):
        for batch in read_rows(version.folder, beside):
            for mention in batch.to_pylist():
                found[_line_of(mention)].append(mention)
    return found


def own_mentions(mentions: Mentions, row: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """A narrative's mentions."""
    return mentions.get(_line_of(row)) or mentions.get((row["narrative_id"],), ())


def _line_of(row: Mapping[str, Any]) -> tuple:
    if "byte_offset" not in row:
        return (row["narrative_id"],)
    return row["shard"], row["byte_offset"]
