"""Profiles for tests: two splits that are alike, and changes of what they measure."""

import dataclasses

from transforms.core.output.checks.profile import FLAGGED, Measured, Profile

OPEN_IMAGES, COCO = ("open_images", "train"), ("coco", "validation")

PAPER = {
    "words": 36.5,
    "nouns": 10.8,
    "pronouns": 3.6,
    "adjectives": 1.6,
    "adpositions": 4.7,
    "verbs": 4.2,
    "narration_seconds": 40.4,
}
"""The paper's figures: Table 3, and section 4.1."""


def means(n, **values):
    return {name: Measured(value, round(value * n), n) for name, value in values.items()}


def counts(n, **values):
    return {name: Measured(value, value, 1) for name, value in values.items()}


def measures(n):
    """Of a split of n narratives, with the paper's figures."""
    numbers = counts(n, narratives=n, captions=n, images=n, mentions=4 * n, boxed_mentions=2 * n)
    shares = means(
        n, points_inside_box=0.8, mentions_with_box=0.5, images_joined=1.0, labels_joined=1.0,
        boxes_joined=0.9, dataset_id_differs=0.0, discarded=0.2,
    )  # fmt: skip
    return numbers | shares | means(n, **PAPER, trace_points=700.0, distance=0.5)


def profile(version="now", n=100_000, **changes):
    """A version of two splits of n narratives each; attributes of it may be others."""
    splits = (OPEN_IMAGES, COCO)
    made = Profile(
        version=version,
        splits={split: measures(n) for split in splits},
        whole=measures(2 * n) | means(2 * n, rejected=0.001, **dict.fromkeys(FLAGGED, 0.01)),
        narratives=dict.fromkeys(splits, n),
        published=frozenset(splits),
        distributions={
            "noun_counts": {split: {10: n // 2, 11: n // 2} for split in splits},
            "distances": {split: {0: n // 2, 1: n // 4, 2: n // 4} for split in splits},
        },
        terms={
            "columns": {"narratives.caption (string)": 1, "narratives.trace (struct)": 1},
            "splits": {"open_images train": n, "coco validation": n},
            "flags": {"no_trace": 50, "outside_image": 5_000},
            "rejects": {"malformed_json": 40},
            "reasons": {"max_distance": 300},
            "classes": {"Person": 90_000, "Car": 8_000, "Lizard": 20},
        },
    )
    return dataclasses.replace(made, **changes)


def measuring(before, name, value, split=OPEN_IMAGES):
    """The same, with another value of a measure: of one split, or (None) of all together."""
    if split is None:
        old = before.whole[name]
        changed = before.whole | {name: Measured(value, round(value * old.total), old.total)}
        return dataclasses.replace(before, version="now", whole=changed)
    old = before.splits[split][name]
    part = round(value * old.total)
    own = before.splits[split] | {name: Measured(value, part, old.total)}
    return dataclasses.replace(before, version="now", splits=before.splits | {split: own})
