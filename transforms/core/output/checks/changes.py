"""What changed from one version to the next, by their profiles."""

from collections.abc import Iterator, Mapping

from transforms.core.model.narratives.manifest import ChangeRow
from transforms.core.output.checks.profile import Measured, Profile, Split

WHOLE = (
    "narratives",
    "captions",
    "images",
    "discarded",
    "rejected",
    "mentions",
    "boxed_mentions",
    "points_inside_box",
    "distance",
    "words",
    "nouns",
    "narration_seconds",
)
"""Measures of all splits together that are compared, in this order."""

OF_SPLITS = ("narratives", "words", "points_inside_box")
"""Measures of each split that are compared, where they differ."""


def compare_profiles(before: Profile, now: Profile) -> list[ChangeRow]:
    """Measures of two versions side by side: all of `WHOLE`, then what differs of each split.

    Args:
      before: Of the version before.
      now: Of the version.
    """
    rows = [*_compare(WHOLE, (None, None), before.whole, now.whole)]
    for split in sorted({*before.splits, *now.splits}, key=_in_order):
        of_split = before.splits.get(split, {}), now.splits.get(split, {})
        compared = _compare(OF_SPLITS, split, *of_split)
        rows += [row for row in compared if row.before != row.now and split != (None, None)]
    return rows


def _in_order(split: Split) -> tuple[str, str]:
    return split[0] or "", split[1] or ""


def _compare(
    measures: tuple[str, ...],
    split: Split,
    before: Mapping[str, Measured],
    now: Mapping[str, Measured],
) -> Iterator[ChangeRow]:
    for name in measures:
        if name in before or name in now:
            yield ChangeRow(name, *split, _value(before.get(name)), _value(now.get(name)))


def _value(measured: Measured | None) -> float | None:
    return measured.value if measured else None
