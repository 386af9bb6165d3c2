"""Conceptual Captions, `Train_GCC-training.tsv`: `CAPTION<TAB>URL`, a line each.

Format: https://ai.google.com/research/ConceptualCaptions/download. An image is known by its
address.
"""

from transforms.core.sources.captions.formats.form import Format
from transforms.core.sources.captions.records import Records
from transforms.core.sources.narratives.decoding import BadLine


def read_pair(record: bytes, place: int, records: Records) -> None:
    """Reads a line."""
    columns = record.decode().split("\t")
    if len(columns) != 2 or not columns[1].strip():
        raise BadLine("malformed_line", "is not a caption, a tab and the address of an image")
    records.add(place, columns[1].strip(), None, columns[0])


PAIRS = Format(
    name="conceptual_captions",
    title="Conceptual Captions",
    names=r"(?i:(?P<split>train|val|test)\w*?_)?GCC.*\.tsv",
    collection="conceptual_captions",
    read=read_pair,
    is_json=False,
)
