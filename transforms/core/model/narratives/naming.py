"""Names: dataset and split from a `dataset_id`, the recording's object, narrative ids."""

import functools
import re

import pyarrow as pa
import pyarrow.compute as pc

_MARKERS = (("coco", "coco"), ("flic", "flickr30k"), ("open_images", "open_images"),
            ("openimages", "open_images"))  # fmt: skip
GENERATED = "generated"
"""What the `dataset_id` of generated narratives begins with."""

_SPLIT = re.compile(r"(?<![a-z])(train|validation|val|test)(?![a-z])")
_RECORDING = re.compile(r"(\w+)/\w+_([0-9]+)_[0-9]+\.")


@functools.lru_cache(maxsize=4096)
def dataset_and_split(dataset_id: str) -> tuple[str | None, str | None]:
    """Dataset and split that a record's `dataset_id` names, None where it names none.

    `mscoco_val2017` is (`coco`, `validation`), `ADE20k` is (`ade20k`, None); an unknown dataset
    keeps its own name without the split: `generated_train` is (`generated`, `train`).

    >>> dataset_and_split("mscoco_val2017")
    ('coco', 'validation')
    >>> dataset_and_split("ADE20k_train")
    ('ade20k', 'train')
    """
    name = dataset_id.lower()
    found = _SPLIT.search(name)
    split = {"val": "validation"}.get(found[1], found[1]) if found else None
    for marker, dataset in _MARKERS:
        if marker in name:
            return dataset, split
    if name.startswith("ade"):
        return "ade20k", split
    rest = name[: found.start()] + name[found.end() :] if found else name
    return re.sub(r"[^a-z0-9]+", "_", rest).strip("_") or None, split


def is_generated(dataset_id: str | None) -> bool:
    """Whether a record says that it was generated rather than spoken by a person.

    >>> is_generated("generated_train"), is_generated("open_images_train")
    (True, False)
    """
    return (dataset_id or "").lower().startswith(GENERATED)


def needs_resolving(dataset_id: str) -> bool:
    """Whether recordings of a dataset are stored under names that do not resolve."""
    return dataset_and_split(dataset_id)[0] in ("flickr30k", "ade20k")


def resolve_recording(dataset_id: str, annotator_id: int, name: str | None) -> str | None:
    """The recording's object name below the public bucket's `voice-recordings` folder.

    The stored name does not resolve for Flickr30k and ADE20k, whose objects are
    `{split}/{split}_{image id zero-padded to 16}_{annotator}.ogg`.

    >>> resolve_recording("Flick30k_train", 93, "flickr30k_train/flickr30k_train_36979_93.ogg")
    'flickr30k_train/flickr30k_train_0000000000036979_93.ogg'
    """
    if name and needs_resolving(dataset_id):
        if found := _RECORDING.search(name):
            return f"{found[1]}/{found[1]}_{found[2].zfill(16)}_{annotator_id}.ogg"
    return name


def narrative_ids(narratives: pa.RecordBatch) -> pa.StringArray:
    """`dataset-split-image-annotator` of each row; `unknown` where a name is not known."""
    columns = [
        pc.fill_null(pc.cast(narratives[name], pa.string()), "unknown")
        for name in ("dataset", "split", "image_id", "annotator_id")
    ]
    return pc.binary_join_element_wise(*columns, "-")
