"""Karpathy's `dataset_flickr30k.json`, and the files of COCO and Flickr8k of the same form.

An object whose `images` have a `filename`, a `split` and `sentences`, of which each has its text
as `raw` and an id, `sentid`. A caption is a record, whichever image it is of.
"""

import msgspec

from transforms.core.sources.captions.formats.form import Format, split_of
from transforms.core.sources.captions.records import Records, read_items


class _Image(msgspec.Struct, gc=False):
    filename: str
    split: str
    sentences: list[msgspec.Raw]


class _Sentence(msgspec.Struct, gc=False):
    raw: str
    sentid: int | str


_IMAGES = msgspec.json.Decoder(_Image)
_SENTENCES = msgspec.json.Decoder(_Sentence)


def read_image(record: bytes, place: int, records: Records) -> None:
    """Reads an image with its sentences; its id is its file's name without the ending."""
    image = _IMAGES.decode(record)
    image_id, split = image.filename.rpartition(".")[0] or image.filename, split_of(image.split)

    def read_sentence(text: bytes, at: int) -> None:
        found = _SENTENCES.decode(text)
        records.add(at, image_id, str(found.sentid), found.raw, split=split)

    read_items(record, place, image.sentences, read_sentence, records)


IMAGES = Format(
    name="karpathy",
    title="Karpathy's JSON of Flickr30k, Flickr8k or COCO",
    names=r"dataset_(?P<collection>flickr30k|flickr8k|coco)\.json",
    collection="flickr30k",
    read=read_image,
    is_document=True,
    key="images",
)
