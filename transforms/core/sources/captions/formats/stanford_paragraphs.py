"""Stanford Visual Paragraphs, `paragraphs_v1.json`: a list of `image_id`, `url` and `paragraph`.

Format: https://cs.stanford.edu/people/ranjaykrishna/im2p/. Images are those of Visual Genome.
"""

import msgspec

from transforms.core.sources.captions.formats.form import Format
from transforms.core.sources.captions.records import Records


class _Paragraph(msgspec.Struct, gc=False):
    image_id: int | str
    paragraph: str


_PARAGRAPHS = msgspec.json.Decoder(_Paragraph)


def read_paragraph(record: bytes, place: int, records: Records) -> None:
    """Reads an image's paragraph."""
    found = _PARAGRAPHS.decode(record)
    records.add(place, str(found.image_id), None, found.paragraph)


PARAGRAPHS = Format(
    name="stanford_paragraphs",
    title="Stanford Visual Paragraphs",
    names=r"paragraphs_v1.*\.json",
    collection="stanford_paragraphs",
    read=read_paragraph,
    is_document=True,
)
