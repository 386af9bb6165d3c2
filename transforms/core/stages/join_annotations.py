"""JoinAnnotations: image, labels and boxes of every narrative's image."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from transforms.core.model.chunk import Chunk
from transforms.core.model.columns import numbers, term_codes
from transforms.core.model.narratives import flags
from transforms.core.sources.annotations import contents
from transforms.core.sources.annotations.lookup import AnnotationIndex, Joined

NOTHING: Mapping[str, str] = MappingProxyType({})


def join_annotations(
    chunk: Chunk, index: AnnotationIndex, others: Mapping[str, str] = NOTHING
) -> Chunk:
    """Adds `image`, `labels`, `boxes_status` and `boxes`; discarded narratives gain `image`.

    Annotations are joined where they are about the images of the narrative's dataset
    (`contents.vocabulary_of_dataset`); a narrative whose image id occurs only in those of another
    one is flagged.

    Args:
      chunk: Narratives.
      index: The annotations.
      others: Whose images those of further datasets are: `open_images` or `coco` by dataset.
    """
    joined = _join(chunk["narratives"], index, others)
    chunk = chunk.with_columns(
        "narratives", **joined.columns, flags=_flags(chunk["narratives"], joined)
    )
    if "discarded" not in chunk:
        return chunk
    joined = _join(chunk["discarded"], index, others)
    columns = {"image": joined.columns["image"], "flags": _flags(chunk["discarded"], joined)}
    return chunk.with_columns("discarded", **columns)


def _join(narratives: pa.RecordBatch, index: AnnotationIndex, others: Mapping[str, str]) -> Joined:
    codes, datasets = term_codes(narratives["dataset"])
    positions: dict[str | None, int] = {name: at for at, name in enumerate(contents.VOCABULARIES)}
    about = [positions.get(contents.vocabulary_of_dataset(name, others), -1) for name in datasets]
    return index.join(narratives["image_id"], np.array(about)[codes])


def _flags(narratives: pa.RecordBatch, joined: Joined) -> np.ndarray:
    raised = flags.combine(annotations_of_other_dataset=joined.others)
    return numbers(narratives["flags"]) | raised
