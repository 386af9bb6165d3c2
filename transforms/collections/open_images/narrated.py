"""The images of Open Images of which a version of narratives has one."""

import io

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms import storage
from transforms.core.base.errors import UsageError, job, shown
from transforms.core.model import layout
from transforms.core.model.manifest import Manifest, decode_manifest
from transforms.core.sources.annotations.contents import OPEN_IMAGES, vocabulary_of_dataset

_TABLE = "narratives"


def read_narrated(folder: str) -> Manifest:
    """The manifest of a version of narratives.

    Raises:
      UsageError: There is none in the folder, or it is another job's.
    """
    path = storage.join(folder, layout.MANIFEST)
    if not storage.exists(path):
        raise UsageError(
            f"{shown(folder)}: holds no version: name its folder, OUT/versions/ID, as `narratives "
            "versions list` prints it"
        )
    manifest = decode_manifest(storage.read_bytes(path), path, Manifest)
    if not any(file.table == _TABLE for file in manifest.files):
        raise UsageError(
            f"{shown(folder)}: is a version of `{manifest.job}` without narratives: name the "
            f"folder of one that {job('build')} has made"
        )
    return manifest


def narrated_images(folder: str) -> pa.StringArray:
    """Ids of all images of Open Images with a narrative in a version, each once."""
    found: list[pa.Array] = []
    for file in read_narrated(folder).files:
        if file.table == _TABLE and file.rows:
            data = storage.read_bytes(storage.join(folder, file.path))
            rows = pq.read_table(io.BytesIO(data), columns=["dataset", "image_id"])
            names = rows["dataset"].cast(pa.string()).unique().to_pylist()
            about = [name for name in names if vocabulary_of_dataset(name, {}) == OPEN_IMAGES]
            wanted = pc.is_in(rows["dataset"].cast(pa.string()), pa.array(about, pa.string()))
            found.append(rows["image_id"].filter(wanted).combine_chunks())
    ids = pa.chunked_array(found, pa.string()).unique()
    return ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
