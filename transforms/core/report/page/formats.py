"""How numbers and names are written, in the report and in what is printed."""

import datetime
import math
from decimal import ROUND_HALF_UP, Context, Decimal

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
    """A fixed number of decimals; halves are rounded up, as people do it.

    >>> decimal(0.25), decimal(-0.25), decimal(1234.5, 0), decimal(float("inf"))
    ('0.3', '-0.3', '1,235', 'inf')
    """
    if value is None:
        return NOTHING
    if not math.isfinite(value):
        return str(value)
    step = Decimal(1).scaleb(-digits)
    return f"{_exact(value).quantize(step, ROUND_HALF_UP, _WIDE):,}"


_WIDE = Context(prec=400)
"""Digits enough for any number and its decimals."""


def _exact(value: float) -> Decimal:
    """The number as its shortest decimal text says it: 0.15, not a little less."""
    return Decimal(repr(float(value)))


def percent(share: float | None, digits: int = 1) -> str:
    """A share as a percentage.

    >>> percent(0.854), percent(None)
    ('85.4 %', '–')
    """
    return NOTHING if share is None else f"{decimal(float(100 * _exact(share)), digits)} %"


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


def moment(created: str) -> str:
    """An ISO time as one reads it, to the minute; text that is none stays as it is.

    >>> moment("2026-01-02T03:04:05+00:00")
    '2 January 2026, 03:04 UTC'
    """
    try:
        found = datetime.datetime.fromisoformat(created)
    except ValueError:
        return created
    return f"{found:%d %B %Y, %H:%M} {found.tzname() or ''}".strip().lstrip("0")


def duration(seconds: float | None) -> str:
    """A time in the units in which one tells it.

    >>> duration(4.25), duration(125), duration(7265), duration(None)
    ('4.3 s', '2 min 5 s', '2 h 1 min', '–')
    """
    if seconds is None:
        return NOTHING
    if seconds < 60:
        return f"{decimal(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def limit(value: float) -> str:
    """A share that is a limit, with all the digits that were given.

    >>> limit(0.25), limit(0.001), limit(0.125)
    ('25 %', '0.1 %', '12.5 %')
    """
    return f"{(100 * _exact(value)).normalize():f} %"


def rate(amount: int, seconds: float | None) -> str:
    """Bytes a second; no number where nothing was done or nothing is known.

    >>> rate(3_000_000, 2.0), rate(0, 2.0)
    ('1.50 MB/s', '–')
    """
    return f"{decimal(amount / seconds / 1e6, 2)} MB/s" if amount and seconds else NOTHING
