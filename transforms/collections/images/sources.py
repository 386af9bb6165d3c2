"""Versions whose images can be listed: of narratives, and of releases of Open Images."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from transforms import storage
from transforms.core.base.errors import UsageError, option, shown
from transforms.core.model.columns import TERM, list_of
from transforms.core.model.manifest import Manifest
from transforms.core.model.manifest_entries import TableFile
from transforms.core.model.narratives.schemas import BOX, IMAGE
from transforms.units.publishing.read_version import read_manifest

KEY = ["dataset", "split", "image_id"]
CAPTION = ["narrative_id", "caption"]
COLUMNS = [*KEY, "image", "boxes", *CAPTION]
"""What is known of an image, as the narratives' columns are called."""

_BATCH = 1 << 12

_OF_RELEASES = {
    "subset": "split",
    "url": "original_url",
    "landing_url": "original_landing_url",
    "licence": "license",
    "thumbnail_url": "thumbnail_300k_url",
}
"""Names that the table `images` of releases has for fields of `IMAGE`, where they differ."""


class Source(NamedTuple):
    """A job whose versions have images.

    Attributes:
      table: Whose rows tell them.
      reads: Columns that are read of it; empty for those that are wanted.
      adapt: Makes columns of `COLUMNS` of a batch.
    """

    table: str
    reads: tuple[str, ...] = ()
    adapt: Callable[[pa.RecordBatch], pa.RecordBatch] = lambda rows: rows


def image_rows(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Rows of the table `images` of releases of Open Images, which know no captions and boxes."""
    number = len(rows)
    fields = [rows[_OF_RELEASES.get(field.name, field.name)].cast(field.type) for field in IMAGE]
    columns = {
        "dataset": pa.array(["open_images"] * number, pa.string()).dictionary_encode().cast(TERM),
        "split": rows["split"],
        "image_id": rows["image_id"],
        "image": pa.StructArray.from_arrays(fields, fields=list(IMAGE)),
        "boxes": pa.nulls(number, list_of(BOX)),
        **{name: pa.nulls(number, pa.string()) for name in CAPTION},
    }
    return pa.RecordBatch.from_pydict(columns)


SOURCES = {
    "build": Source("narratives"),
    "open-images": Source(
        "images",
        ("image_id", *dict.fromkeys(_OF_RELEASES.get(field.name, field.name) for field in IMAGE)),
        image_rows,
    ),
}
"""By the job of a version's manifest."""


@dataclasses.dataclass(frozen=True)
class ListedVersion:
    """A version whose images can be listed.

    Attributes:
      folder: The version's folder.
      source: How its rows are read.
      files: Files of them, in order; none is without rows.
    """

    folder: str
    source: Source
    files: Sequence[TableFile]

    @classmethod
    def of(cls, folder: str) -> "ListedVersion":
        """The version in a folder.

        Raises:
          UsageError: It is of a job whose versions have no images.
        """
        manifest = read_manifest(folder, Manifest)
        source = SOURCES.get(manifest.job)
        if source is None:
            raise UsageError(
                f"{folder}: is a version of job {shown(manifest.job)!r}, which names no images: "
                f"give the output of one of {', '.join(SOURCES)} with {option('input')}"
            )
        files = [file for file in manifest.files if file.table == source.table and file.rows]
        return cls(folder, source, files)

    def batches(self, file: TableFile, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Rows of a file, some thousand at a time.

        Args:
          file: The file.
          columns: Those of `COLUMNS` that are wanted.
        """
        with contextlib.closing(storage.open_binary(storage.join(self.folder, file.path))) as data:
            reads = list(self.source.reads or columns)
            for rows in pq.ParquetFile(data).iter_batches(_BATCH, columns=reads, use_threads=False):
                yield self.source.adapt(rows).select(list(columns))
