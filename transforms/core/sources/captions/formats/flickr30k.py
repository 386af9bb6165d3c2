"""Flickr30k's token file, `results_20130124.token`: `IMAGE.jpg#NUMBER<TAB>CAPTION`, a line each."""

import re

from transforms.core.sources.captions.formats.form import Format
from transforms.core.sources.captions.records import Records
from transforms.core.sources.narratives.decoding import BadLine

_LINE = re.compile(r"([^\t#]+)\.jpg#([0-9]+)\t(.*)", re.DOTALL)


def read_token_line(record: bytes, place: int, records: Records) -> None:
    """Reads a line; the image's id is its file's name without the ending."""
    found = _LINE.fullmatch(record.decode())
    if found is None:
        raise BadLine("malformed_line", "is not IMAGE.jpg#NUMBER, a tab and a caption")
    records.add(place, found[1], found[2], found[3])


TOKENS = Format(
    name="flickr30k_tokens",
    title="Flickr30k's token file",
    names=r"results.*\.token",
    collection="flickr30k",
    read=read_token_line,
    is_json=False,
)
