"""Dataset, split, identifiers and recordings of a narrative."""

import re

SPLITS = (("train", "train"), ("val", "validation"), ("test", "test"))
RECORDING = re.compile(r"(\w+)/\w+_([0-9]+)_[0-9]+\.")


def dataset_of(dataset_id):
    """The dataset that a `dataset_id` names."""
    name = dataset_id.lower()
    if "coco" in name:
        return "coco"
    if name.startswith("ade"):
        return "ade20k"
    if "flic" in name:
        return "flickr30k"
    if "open_images" in name or "openimages" in name:
        return "open_images"
    return re.sub(r"_(train|validation|val|test)[^a-z]*$", "", name).strip("_ ") or None


def split_of(dataset_id):
    """The split that a `dataset_id` names, or None."""
    for part, split in SPLITS:
        if part in dataset_id.lower():
            return split
    return None


def narrative_id(dataset, split, image_id, annotator_id):
    return f"{dataset or 'unknown'}-{split or 'unknown'}-{image_id}-{annotator_id}"


def resolve_recording(dataset_id, recording, annotator_id):
    """The object's name of a recording.

    As published, the names of Flickr30k and ADE20k recordings do not resolve: the object is
    `{split}/{split}_{image number padded to 16 digits}_{annotator}.ogg`, where split and image
    number are those of the stored name (as the official loader does it).
    """
    if recording is None or dataset_of(dataset_id) not in ("flickr30k", "ade20k"):
        return recording
    stored = RECORDING.search(recording)
    if stored is None:
        return recording
    folder, image = stored.groups()
    return f"{folder}/{folder}_{image.zfill(16)}_{annotator_id}.ogg"
