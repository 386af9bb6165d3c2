"""How numbers and names are written, in the report and in what is printed."""

DATASET_NAMES = {
    "open_images": "Open Images",
    "coco": "COCO",
    "flickr30k": "Flickr30k",
    "ade20k": "ADE20k",
}

COLLECTION_NAMES = {
    "conceptual_captions": "Conceptual Captions",
    "flickr8k": "Flickr8k",
    "localized_narratives": "Localized Narratives",
    "stanford_paragraphs": "Stanford Visual Paragraphs",
    "visual_genome": "Visual Genome",
    "wikiscenes": "WikiScenes",
}
"""Collections of captions that are no datasets of narratives."""

UNKNOWN = "unknown"

NOTHING = "–"
"""Stands where there is no number."""


def dataset_name(dataset: str | None) -> str:
    """A dataset's own spelling; generated data says so itself."""
    return UNKNOWN if dataset is None else DATASET_NAMES.get(dataset, dataset)


def collection_name(collection: str | None) -> str:
    """A collection's own spelling.

    >>> collection_name("coco"), collection_name("visual_genome"), collection_name("mine")
    ('COCO', 'Visual Genome', 'mine')
    """
    return COLLECTION_NAMES.get(collection or "", dataset_name(collection))


def split_name(dataset: str | None, split: str | None) -> str:
    """Dataset and split, for a heading or a row's name; one word where neither is known.

    >>> split_name("coco", "train"), split_name(None, None)
    ('COCO · train', 'unknown')
    """
    if dataset is None and split is None:
        return UNKNOWN
    return f"{dataset_name(dataset)} · {split or UNKNOWN}"


def integer(value: int | None) -> str:
    """Digits in groups of three."""
    return NOTHING if value is None else f"{value:,}"


def decimal(value: float | None, digits: int = 1) -> str:
    """A fixed number of decimals."""
    return NOTHING if value is None else f"{value:,.{digits}f}"


def percent(share: float | None, digits: int = 1) -> str:
    """A share as a percentage.

    >>> percent(0.854), percent(None)
    ('85.4 %', '–')
    """
    return NOTHING if share is None else f"{100 * share:.{digits}f} %"


def ratio(part: int | None, whole: int | None) -> float | None:
    """`part / whole`, None where that says nothing."""
    return part / whole if whole and part is not None else None


def phrase(name: str) -> str:
    """A flag, reason or column name as words."""
    return name.replace("_", " ")


def plural(number: int, noun: str) -> str:
    """A number with its noun.

    >>> plural(1, "shard"), plural(1200, "shard")
    ('1 shard', '1,200 shards')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
