"""Localized Narratives' `_captions.jsonl`: a line a narrative, with its caption and no trace.

Format: https://google.github.io/localized-narratives (file formats). The split names the dataset
too, since images of two datasets may have the same id.
"""

from transforms.core.model.narratives.naming import dataset_and_split
from transforms.core.sources.captions.formats.form import Format
from transforms.core.sources.captions.records import Records
from transforms.core.sources.narratives.decoding import decode_line


def read_narrative(record: bytes, place: int, records: Records) -> None:
    """Reads a line; the caption's id is the annotator's."""
    found = decode_line(memoryview(record), "captions")
    split = name_split(found.dataset_id)
    records.add(place, str(found.image_id), str(found.annotator_id), found.caption, split=split)


def name_split(dataset_id: str) -> str | None:
    """Dataset and split in one name.

    >>> name_split("mscoco_val2017"), name_split("open_images_train_v6")
    ('coco_validation', 'open_images_train')
    """
    return "_".join(filter(None, dataset_and_split(dataset_id))) or None


NARRATIVES = Format(
    name="localized_narratives",
    title="Localized Narratives' captions",
    names=r".*_captions(-\d+-of-\d+)?\.jsonl",
    collection="localized_narratives",
    read=read_narrative,
)
