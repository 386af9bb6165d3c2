"""Narratives of a version's files as dictionaries, with their pictures and mentions."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from transforms.core.model.manifest_entries import TableFile
from transforms.versions.exports.files.pictures import Picture, PictureSource
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


def rows_with_pictures(
    version: ExportedVersion,
    file: TableFile,
    columns: Sequence[str],
    pictures: PictureSource | None,
) -> Iterator[tuple[dict[str, Any], Picture | None]]:
    """Narratives of a file, as of `rows_of`, each with the picture of its image where there is one.

    Args:
      version: The version.
      file: A file of its narratives.
      columns: What is read, as far as the file has it: `dataset` and `image_id` among them.
      pictures: Where pictures are; None for none.
    """
    for batch in read_rows(version.folder, file, columns):
        rows = list(rows_of(batch))
        keys = [(row["dataset"], row["image_id"]) for row in rows]
        found = pictures.find(list(dict.fromkeys(keys))) if pictures else {}
        for key, row in zip(keys, rows, strict=True):
            yield row, found.get(key)


def name_of_split(dataset: str | None, split: str | None) -> str:
    """A dataset's split in names of files.

    >>> name_of_split("coco", None)
    'coco_unknown'
    """
    return "_".join(quote(name or "unknown", safe="") for name in (dataset, split))


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
