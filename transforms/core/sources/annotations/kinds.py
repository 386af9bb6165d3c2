"""The kinds of annotations that are read: of each role of a source, what reads it."""

from transforms.core.sources.annotations import classes, coco, open_images
from transforms.core.sources.kinds import SourceKind

KINDS: dict[str, SourceKind] = {
    "images": open_images.IMAGES_KIND,
    "labels": open_images.LABELS_KIND,
    "boxes": open_images.BOXES_KIND,
    "coco_instances": coco.INSTANCES_KIND,
    "classes": classes.CLASSES_KIND,
    "hierarchy": classes.HIERARCHY_KIND,
}
"""By the role that a manifest calls them; a new kind joins by a line."""
