"""KeepNarrated: masks, relationships, attributes and point labels of images with a narrative."""

import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.model.chunk import Chunk
from transforms.core.model.columns import TERM
from transforms.core.sources.annotations.releases import schemas


def keep_narrated(chunk: Chunk, image_ids: pa.StringArray) -> Chunk:
    """Leaves out rows of `schemas.IMAGE_TABLES` whose image has no narrative.

    Each becomes a row of `left_out`, so that no line is lost unseen.

    Args:
      chunk: Of a release.
      image_ids: The images with a narrative.
    """
    left_out: list[pa.RecordBatch] = []
    kept: dict[str, pa.RecordBatch] = {}
    for name in schemas.IMAGE_TABLES:
        if name in chunk:
            has_one = pc.is_in(chunk[name]["image_id"], value_set=image_ids)
            kept[name] = chunk[name].filter(has_one)
            left_out.append(_describe(name, chunk[name].filter(pc.invert(has_one))))
    if not kept:
        return chunk
    table = pa.Table.from_batches(left_out).unify_dictionaries().combine_chunks()
    batches = table.to_batches()
    return chunk.with_tables(**kept, **({"left_out": batches[0]} if batches else {}))


def _describe(name: str, rows: pa.RecordBatch) -> pa.RecordBatch:
    kind = pa.array([name] * len(rows), pa.string()).dictionary_encode().cast(TERM)
    columns = [rows["release"], rows["split"], kind]
    return pa.RecordBatch.from_arrays(columns, schema=schemas.LEFT_OUT)
