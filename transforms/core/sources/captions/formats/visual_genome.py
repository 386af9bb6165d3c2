"""Visual Genome's `region_descriptions.json`: a list of images with their `regions`.

Format: https://homes.cs.washington.edu/~ranjay/visualgenome/api_readme.html. A region has
`region_id`, `image_id`, `phrase` and its place in pixels. A region is a record.
"""

import msgspec

from transforms.core.sources.captions.formats.form import Format
from transforms.core.sources.captions.records import Records, read_items


class _Image(msgspec.Struct, gc=False):
    regions: list[msgspec.Raw]


class _Region(msgspec.Struct, gc=False):
    region_id: int | str
    image_id: int | str
    phrase: str
    x: float
    y: float
    width: float
    height: float


_IMAGES = msgspec.json.Decoder(_Image)
_REGIONS = msgspec.json.Decoder(_Region)


def read_image(record: bytes, place: int, records: Records) -> None:
    """Reads an image with its regions."""

    def read_region(text: bytes, at: int) -> None:
        found = _REGIONS.decode(text)
        region = (found.x, found.y, found.width, found.height)
        image_id, region_id = str(found.image_id), str(found.region_id)
        records.add(at, image_id, region_id, found.phrase, region=region)

    read_items(record, place, _IMAGES.decode(record).regions, read_region, records)


REGIONS = Format(
    name="visual_genome",
    title="Visual Genome's region descriptions",
    names=r"region_descriptions.*\.json",
    collection="visual_genome",
    read=read_image,
    is_document=True,
)
