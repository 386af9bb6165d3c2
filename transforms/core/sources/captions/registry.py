"""The formats by name, and the one of a file."""

import re

from transforms.core.base.errors import UsageError, option
from transforms.core.sources.captions.formats import (
    coco,
    conceptual_captions,
    flickr30k,
    karpathy,
    localized_narratives,
    stanford_paragraphs,
    visual_genome,
    wikiscenes,
)
from transforms.core.sources.captions.formats.form import Format, name_of
from transforms.core.sources.captions.formats.localized_narratives import name_split

FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        coco.RESULTS,
        coco.ANNOTATIONS,
        flickr30k.TOKENS,
        karpathy.IMAGES,
        visual_genome.REGIONS,
        stanford_paragraphs.PARAGRAPHS,
        conceptual_captions.PAIRS,
        localized_narratives.NARRATIVES,
        wikiscenes.LISTS,
    )
}
"""All formats; a file has the first one that recognises its name. A new one joins by a line."""


def format_of(path: str) -> Format:
    """The format of a file, by its name.

    Raises:
      UsageError: No format has files of such a name, or it is a zip archive.

    >>> format_of("data/captions_val2014_fakecap_results.json.gz").name
    'coco_results'
    """
    if path.lower().endswith(".zip"):
        raise UsageError(
            f"{path!r} is a zip archive, whose documents would be read by one worker alone: unpack "
            f"it (`unzip -j {name_of(path)}`) and give its files"
        )
    found = next((form for form in FORMATS.values() if form.recognises(path)), None)
    if found is None:
        raise UsageError(
            f"{path!r}: no collection of captions has files of such a name: say what it is with "
            f"{option('format')}, one of {', '.join(FORMATS)}"
        )
    return found


def describe_file(form: Format, path: str) -> tuple[str, str | None]:
    """Collection and split of a file's captions, by its name; the split None where it is not there.

    >>> describe_file(FORMATS["localized_narratives"], "ade20k_train_captions.jsonl")
    ('localized_narratives', 'ade20k_train')
    """
    if form is localized_narratives.NARRATIVES:
        stem = re.sub(r"_captions.*", "", name_of(path))
        return form.collection, name_split(stem)
    return form.collection_and_split(path)
