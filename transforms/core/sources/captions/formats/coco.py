"""COCO captions, `captions_train2014.json`, and captions in COCO's results format.

Format: https://cocodataset.org/#format-data (image captioning) and #format-results. A file is an
object whose `annotations` have `image_id`, `id` and `caption`; results are a list without ids.
"""

import msgspec

from transforms.core.sources.captions.formats.form import Format
from transforms.core.sources.captions.records import Records


class _Result(msgspec.Struct, gc=False):
    image_id: int | str
    caption: str


class _Annotation(_Result, gc=False):
    id: int | str


_ANNOTATIONS = msgspec.json.Decoder(_Annotation)
_RESULTS = msgspec.json.Decoder(_Result)


def read_annotation(record: bytes, place: int, records: Records) -> None:
    """Reads an item of `annotations`."""
    found = _ANNOTATIONS.decode(record)
    records.add(place, str(found.image_id), str(found.id), found.caption)


def read_result(record: bytes, place: int, records: Records) -> None:
    """Reads an item of a file of results."""
    found = _RESULTS.decode(record)
    records.add(place, str(found.image_id), None, found.caption)


RESULTS = Format(
    name="coco_results",
    title="captions in COCO's results format",
    names=r"captions_(?P<split>train|val|test)?.*_results\.json",
    collection="coco",
    read=read_result,
    is_document=True,
)

ANNOTATIONS = Format(
    name="coco",
    title="COCO captions",
    names=r"captions_(?P<split>train|val|test)?.*\.json",
    collection="coco",
    read=read_annotation,
    is_document=True,
    key="annotations",
)
