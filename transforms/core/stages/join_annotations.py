"""JoinAnnotations: image, labels and boxes of every narrative's image."""

from transforms.core.annotations.index import AnnotationIndex
from transforms.core.chunk import Chunk, set_columns


def join_annotations(chunk: Chunk, index: AnnotationIndex) -> Chunk:
    """Adds `image`, `labels`, `boxes_status` and `boxes`; discarded narratives gain `image`."""
    joined = chunk.with_columns(**index.join(chunk.narratives["image_id"]))
    if chunk.discarded is None:
        return joined
    image = index.join(chunk.discarded["image_id"])["image"]
    return joined.replace(discarded=set_columns(chunk.discarded, image=image))
